import { useLogSource } from './log-source.ts';
import { LogTable } from './log-table.tsx';
import { useLog } from './use-log.ts';

/** Everything that one robot decided, newest first, back through its restarts. */
export function AgentLog({ id }: { readonly id: string }) {
  const log = useLog(useLogSource(id));
  return (
    <section className="agent-log" aria-label={`Decisions of ${id}`} data-testid="decision-log">
      <LogTable log={log} label={`Decisions of ${id}, newest first`} ofOne />
    </section>
  );
}
