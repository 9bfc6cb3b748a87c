import type { AgentDecision } from '@sigma/proto';
import { memo, useEffect, useState } from 'react';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { type DecisionView, viewDecision } from '../../words/decision-words.ts';
import { DecisionDetail } from './decision-detail.tsx';

const PAGE = 100;

/** Everything the robot decided, newest first: what was there before, and live what comes. */
export function DecisionLog({ id }: { readonly id: string }) {
  const { hub, live, now } = useMissionControl();
  useTopic('decisions');
  const [problem, setProblem] = useState('');
  const [asked, setAsked] = useState(false);
  const [more, setMore] = useState(true);
  const [open, setOpen] = useState<string | null>(null);
  const decisions = live.decisions(id);

  useEffect(() => {
    const ended = new AbortController();
    hub.fleet
      .listDecisions({ agentId: id, limit: PAGE }, { signal: ended.signal })
      .then(
        (answer) => {
          now.putDecisions(id, answer.decisions);
          setMore(answer.decisions.length === PAGE);
        },
        (error) => ended.signal.aborted || setProblem(explain(error)),
      )
      .finally(() => setAsked(true));
    return () => ended.abort();
  }, [hub, now, id]);

  const older = async () => {
    const before = decisions.at(-1)?.decision?.sequence ?? 0n;
    try {
      const answer = await hub.fleet.listDecisions({ agentId: id, limit: PAGE, before });
      now.putDecisions(id, answer.decisions);
      setMore(answer.decisions.length === PAGE);
    } catch (error) {
      setProblem(explain(error));
    }
  };

  return (
    <section className="log" aria-label={`Decisions of ${id}`} data-testid="decision-log">
      {problem === '' ? null : (
        <p className="level-warning" role="alert">
          {problem}
        </p>
      )}
      {decisions.length === 0 ? (
        <p className="empty">{asked ? `${id} has decided nothing yet.` : 'Reading the log…'}</p>
      ) : null}
      <ol>
        {decisions.map((one) => {
          const key = `${one.decision?.context?.epoch ?? 0}-${one.decision?.sequence ?? 0n}`;
          return <DecisionRow key={key} id={key} one={one} open={open === key} onToggle={setOpen} />;
        })}
      </ol>
      {more && decisions.length > 0 ? (
        <button type="button" className="plain" onClick={() => void older()}>
          Older decisions
        </button>
      ) : null}
    </section>
  );
}

interface DecisionRowProps {
  readonly id: string;
  readonly one: AgentDecision;
  readonly open: boolean;
  readonly onToggle: (id: string | null) => void;
}

const views = new WeakMap<AgentDecision, DecisionView>();

function viewOf(one: AgentDecision): DecisionView | undefined {
  if (one.decision === undefined) return undefined;
  const known = views.get(one) ?? viewDecision(one.decision, one.atUs);
  views.set(one, known);
  return known;
}

const DecisionRow = memo(function DecisionRow({ id, one, open, onToggle }: DecisionRowProps) {
  const view = viewOf(one);
  if (view === undefined) return null;
  const lost = view.losers.length;
  return (
    <li className={open ? 'open' : undefined}>
      <button
        type="button"
        className="log-row"
        aria-expanded={open}
        onClick={() => onToggle(open ? null : id)}
        data-testid="decision-row"
      >
        <span className="mono quiet">{view.time}</span>
        <span className={`authority authority-${view.authority}`}>{view.authority}</span>
        <span className="log-title">{view.title}</span>
        <span className="quiet">
          {view.clamped.length > 0 ? 'clamped ' : ''}
          {lost > 0 ? `${lost} lost` : ''}
        </span>
      </button>
      {open ? <DecisionDetail view={view} /> : null}
    </li>
  );
});
