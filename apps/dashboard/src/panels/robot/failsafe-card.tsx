import type { AgentStatus, FailsafeEntry } from '@sigma/proto';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { clearWords, failsafeLevel, nextStep } from '../../words/agent-state.ts';
import { LEVEL_SHAPE } from '../../words/alert-words.ts';
import { personWords, plainWords, span, words } from '../../words/quantities.ts';
import { decisionInForce, useOpenDecision } from '../decisions/open-decision.ts';

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One failsafe entry: cause, since when, what ends it, what to do, and the decision that answered it. */
export function FailsafeCard({ entry, status }: { readonly entry: FailsafeEntry; readonly status: AgentStatus }) {
  const { live } = useMissionControl();
  useTopic('decisions');
  const open = useOpenDecision();
  const level = failsafeLevel([entry]);
  const inForce = status.failsafe === entry.action;
  const sinceMs = Number(status.atUs - entry.sinceUs) / 1_000;
  const answered = live
    .decisions(status.agentId)
    .find(({ decision }) => decision?.chosen?.source === `failsafe:${entry.action}`)?.decision;
  const ref =
    answered === undefined
      ? decisionInForce(status.agentId, status)
      : { agentId: status.agentId, epoch: answered.context?.epoch ?? 0, sequence: answered.sequence };
  return (
    <article className={`failsafe edge-${level}`} data-testid="failsafe" data-condition={entry.condition}>
      <h3 className={`level-${level}`}>
        <ShapeMark shape={LEVEL_SHAPE[level]} level={level} /> {words(entry.action)}
        <span className="quiet" title="Since when the cause has been there">
          {entry.holding ? 'hold delay runs' : inForce ? 'in force' : 'asked for'} · {span(Math.max(0, sinceMs))}
        </span>
      </h3>
      <p>
        <bdi>{plainWords(entry.cause) || words(entry.condition)}</bdi>
      </p>
      {entry.advice === '' ? null : <p className="advice">{plainWords(entry.advice)}</p>}
      <p className="quiet">
        {entry.clear === '' ? null : `${sentence(clearWords(entry.clear))}. `}Now: {nextStep(entry)}.
        {entry.acknowledgedBy === '' ? null : (
          <>
            {' '}
            Acknowledged by <bdi>{personWords(entry.acknowledgedBy)}</bdi>.
          </>
        )}
      </p>
      {ref === null ? null : (
        <button type="button" className="link" onClick={() => open(ref)} data-testid="failsafe-why">
          Why: the decision
        </button>
      )}
    </article>
  );
}
