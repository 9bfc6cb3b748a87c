import type { AgentStatus } from '@sigma/proto';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { viewDecision } from '../../words/decision-words.ts';
import { taskName } from '../../words/mission-words.ts';
import { liveReading, percent, plainWords, span, words } from '../../words/quantities.ts';
import { decisionInForce, useOpenDecision } from '../decisions/open-decision.ts';
import { FailsafeCard } from './failsafe-card.tsx';
import { Fact } from './robot-facts.tsx';

/** The robot at this moment: what holds it, what drives what it does now, and the decision in force in short. */
export function NowView({ id }: { readonly id: string }) {
  const { live, nowMs, selection } = useMissionControl();
  useTopic('agents');
  useTopic('missions');
  useTick(1_000);
  const status = live.agent(id)?.status;
  const row = live.row(id);
  const age = live.ageMs(row, nowMs());
  if (status === undefined) {
    return (
      <p className="empty">
        <bdi>{id}</bdi> has not said what it does. {Number.isFinite(age) ? `Its position is ${span(age)} old.` : ''}
      </p>
    );
  }
  const task = taskName(status.taskId, (mission) => live.mission(mission));
  const missionId = status.taskId.slice(0, Math.max(0, status.taskId.lastIndexOf('.')));
  return (
    <>
      {status.failsafeEntries.map((entry) => (
        <FailsafeCard key={entry.condition} entry={entry} status={status} />
      ))}
      <Drivers id={id} status={status} />
      <dl className="facts">
        <Fact name="Task" about={status.taskId}>
          {status.taskId === '' ? (
            'none: it waits for work'
          ) : (
            <>
              {live.mission(missionId) === undefined ? (
                <bdi>{task}</bdi>
              ) : (
                <button
                  type="button"
                  className="link"
                  onClick={() => selection.set({ kind: 'mission', id: missionId })}
                >
                  <bdi>{task}</bdi>
                </button>
              )}{' '}
              {words(status.taskStatus)}
            </>
          )}
        </Fact>
        <Fact name="Plan" about="How far the plan in force has come">
          {planWords(status)}
        </Fact>
        <Fact name="Planner">{CHAIN[status.chain] ?? status.chain}</Fact>
        <Fact name="Motion" about="Speed along its heading, as last told">
          <span className="mono">{liveReading(live.newest.speedMps[row] ?? 0, 'm/s')}</span>
        </Fact>
        <Fact name="Battery" about="Share of charge left; it should stay above 15 %">
          <span className="mono">{percent(live.newest.battery[row] ?? Number.NaN)}</span>
        </Fact>
      </dl>
    </>
  );
}

const CHAIN: Readonly<Record<string, string>> = {
  primary: 'primary (hub)',
  secondary: 'secondary (on board; the hub’s planner is silent or suspended)',
  mechanical: 'mechanical (brakes and locks; no planner answers)',
};

function planWords(status: AgentStatus): string {
  if (status.planLength === 0) return status.taskId === '' ? 'none' : 'no plan yet';
  return `step ${Math.min(status.planCursor + 1, status.planLength)} of ${status.planLength}, revision ${status.planRevision}`;
}

/** What decides what it does now: the proposal that won, the bounds that bit, and who lost. One click opens the whole. */
function Drivers({ id, status }: { readonly id: string; readonly status: AgentStatus }) {
  const { live } = useMissionControl();
  useTopic('decisions');
  const open = useOpenDecision();
  const ref = decisionInForce(id, status);
  const newest = live.decisions(id)[0];
  const known = newest?.decision?.sequence === ref?.sequence ? newest : undefined;
  const view = known?.decision === undefined ? null : viewDecision(known.decision, known.atUs);
  return (
    <section className="drivers" aria-label="What drives it" data-testid="drivers">
      <p className="drivers-line">
        {status.authority === '' ? null : (
          <span className={`authority authority-${status.authority}`}>{status.authority}</span>
        )}
        <strong>
          <bdi>{view?.title ?? (status.command === '' ? 'rests' : words(status.command))}</bdi>
        </strong>
      </p>
      <p>{plainWords(status.rationale) || 'No reason was given.'}</p>
      {view === null ? null : (
        <ul className="drivers-more">
          {view.clamped.map((clamp) => (
            <li key={clamp.param}>
              <ShapeMark shape="diamond" level="advisory" /> {clamp.name} <span className="mono">{clamp.from}</span> →{' '}
              <span className="mono">{clamp.to}</span>
              {clamp.by === '' ? null : (
                <span className="quiet">
                  {' '}
                  by <bdi>{clamp.by}</bdi>
                </span>
              )}
            </li>
          ))}
          {view.contenders
            .filter(({ won }) => !won)
            .slice(0, 3)
            .map((one, k) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a recorded decision never changes its order.
              <li key={k} className="quiet">
                <bdi className="mono">{one.source}</bdi> lost: {one.why}
              </li>
            ))}
        </ul>
      )}
      {ref === null ? null : (
        <button type="button" onClick={() => open(ref)} data-testid="why-now">
          Why
        </button>
      )}
    </section>
  );
}
