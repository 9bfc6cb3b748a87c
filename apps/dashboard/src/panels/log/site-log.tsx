import { type ReactNode, useEffect, useState } from 'react';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { byId } from '../../words/agent-state.ts';
import { type DecisionKind, LADDER } from '../../words/decision-words.ts';
import { LINES_KEPT } from './log-buffer.ts';
import { isFiltered, type LogFilter, NO_FILTER } from './log-lines.ts';
import { useLogSource } from './log-source.ts';
import { LogTable } from './log-table.tsx';
import { type Log, useLog } from './use-log.ts';

const KINDS: readonly (readonly [kind: DecisionKind, word: string, about: string])[] = [
  ['stop', 'Stops', 'Only what safety decided: stops, cutoffs, failsafe actions'],
  ['refusal', 'Refusals', 'Only what was forbidden or refused'],
  ['clamp', 'Clamped', 'Only commands that a restriction cut down'],
];

/** Every decision of the site as it is made. */
export function SiteLog() {
  const log = useLog(useLogSource(''));
  const filter = useFilter(log);
  const { buffer } = log;
  return (
    <section className="panel site-log" aria-labelledby="log-title" data-testid="log">
      <header className="panel-head">
        <h2 id="log-title">Log</h2>
        <LogFilters filter={filter.now} onChange={filter.set}>
          <button
            type="button"
            aria-pressed={buffer.paused}
            onClick={buffer.paused ? log.resume : log.pause}
            title="Stand still to be read; what comes meanwhile is kept and counted"
            data-testid="log-pause"
          >
            {buffer.paused ? 'Go on' : 'Pause'}
          </button>
        </LogFilters>
        <span className="spring" />
        <span className="quiet log-count" title={`At most ${LINES_KEPT.toLocaleString('en')} lines are kept here`}>
          <span data-testid="log-count">{log.lines.length.toLocaleString('en')}</span>
          {isFiltered(filter.now) ? ` of ${buffer.held.toLocaleString('en')}` : ''} lines
          {buffer.gone > 0 ? `, ${buffer.gone.toLocaleString('en')} older let go` : ''}
        </span>
      </header>
      <LogTable log={log} label="Decisions of the site, newest first" ofOne={false} />
    </section>
  );
}

function useFilter(log: Log): { readonly now: LogFilter; readonly set: (filter: LogFilter) => void } {
  const [now, setNow] = useState<LogFilter>(NO_FILTER);
  const { buffer, setFilter } = log;
  useEffect(() => {
    if (buffer.filter !== now) setFilter(now);
  }, [buffer, now, setFilter]);
  return { now, set: setNow };
}

interface LogFiltersProps {
  readonly filter: LogFilter;
  readonly onChange: (filter: LogFilter) => void;
  /** Stands after what is typed and chosen, before the chips. */
  readonly children: ReactNode;
}

function LogFilters({ filter, onChange, children }: LogFiltersProps) {
  const { live } = useMissionControl();
  useTopic('roster');
  const toggle = <T,>(list: readonly T[], one: T): T[] =>
    list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
  return (
    <>
      <input
        className="filter"
        type="search"
        placeholder="Filter"
        aria-label="Filter by command, reason, source or robot"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.target.value.toLowerCase() })}
        data-testid="log-filter"
      />
      <select
        aria-label="Robot"
        value={filter.agentId}
        onChange={(event) => onChange({ ...filter, agentId: event.target.value })}
        data-testid="log-robot"
      >
        <option value="">All robots</option>
        {[...live.ids].sort(byId).map((id) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
      {children}
      <fieldset className="chips" aria-label="Only what was decided so">
        {KINDS.map(([kind, word, about]) => (
          <button
            key={kind}
            type="button"
            className="chip"
            aria-pressed={filter.kinds.includes(kind)}
            title={about}
            onClick={() => onChange({ ...filter, kinds: toggle(filter.kinds, kind) })}
            data-testid={`log-only-${kind}`}
          >
            {word}
          </button>
        ))}
      </fieldset>
      <fieldset className="chips authorities" aria-label="Only where this authority won">
        {LADDER.map((authority) => (
          <button
            key={authority}
            type="button"
            className="chip"
            aria-pressed={filter.authorities.includes(authority)}
            title={`Only where ${authority} won`}
            onClick={() => onChange({ ...filter, authorities: toggle(filter.authorities, authority) })}
            data-testid={`log-authority-${authority}`}
          >
            {authority}
          </button>
        ))}
      </fieldset>
    </>
  );
}
