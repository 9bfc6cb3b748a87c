import type { AgentStatus, FailsafeEntry } from '@sigma/proto';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { clearWords, failsafeLevel, nextStep } from '../../words/agent-state.ts';
import { LEVEL_SHAPE } from '../../words/alert-words.ts';
import { viewDecision } from '../../words/decision-words.ts';
import { taskName } from '../../words/mission-words.ts';
import { percent, personWords, plainWords, span, words } from '../../words/quantities.ts';
import { DecisionDetail } from '../decisions/decision-detail.tsx';
import { SensorTable } from './sensor-table.tsx';

/** The robot at this moment: what holds it, what it does and wants, its last decision, its sensors. */
export function NowView({ id, onDecisions }: { readonly id: string; readonly onDecisions: () => void }) {
  const { live, nowMs } = useMissionControl();
  useTopic('agents');
  useTopic('decisions');
  useTick(1_000);
  const status = live.agent(id)?.status;
  const row = live.row(id);
  if (status === undefined)
    return (
      <p className="empty">
        {id} has not said what it does. Its position is {span(live.ageMs(row, nowMs()))} old.
      </p>
    );
  const last = live.decisions(id)[0];
  return (
    <>
      {status.failsafeEntries.map((entry) => (
        <FailsafeCard key={entry.condition} entry={entry} status={status} />
      ))}
      <dl className="facts">
        <Fact name="Does">
          {status.command === '' ? 'rests' : words(status.command)}
          {status.authority === '' ? '' : ` · ${status.authority}`}
        </Fact>
        <Fact name="Because">{plainWords(status.rationale) || '–'}</Fact>
        <Fact name="Wants" title={status.taskId}>
          {wants(
            status,
            taskName(status.taskId, (mission) => live.mission(mission)),
          )}
        </Fact>
        <Fact name="Planner">{CHAIN[status.chain] ?? status.chain}</Fact>
        <Fact name="Motion">
          {(live.newest.speedMps[row] ?? 0).toFixed(2)} m/s · battery {percent(live.newest.battery[row] ?? Number.NaN)}{' '}
          · {span(live.ageMs(row, nowMs()))} old
        </Fact>
      </dl>
      <section className="block" aria-label="Last decision">
        <h3>
          Last decision
          <button type="button" className="plain" onClick={onDecisions}>
            all
          </button>
        </h3>
        {last?.decision === undefined ? (
          <p className="quiet">None since this page follows it.</p>
        ) : (
          <DecisionDetail view={viewDecision(last.decision, last.atUs)} titled />
        )}
      </section>
      <SensorTable id={id} />
    </>
  );
}

const CHAIN: Readonly<Record<string, string>> = {
  primary: 'primary (hub)',
  secondary: 'secondary (on board; the hub’s planner is silent or suspended)',
  mechanical: 'mechanical (brakes and locks; no planner answers)',
};

function wants(status: AgentStatus, task: string): string {
  if (status.taskId === '') return 'nothing: no task';
  const steps =
    status.planLength === 0
      ? 'no plan yet'
      : `step ${Math.min(status.planCursor + 1, status.planLength)} of ${status.planLength}, plan ${status.planRevision}`;
  return `${task} (${words(status.taskStatus)}), ${steps}`;
}

interface FactProps {
  readonly name: string;
  readonly title?: string;
  readonly children: React.ReactNode;
}

function Fact({ name, title, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={title}>{children}</dd>
    </div>
  );
}

function FailsafeCard({ entry, status }: { readonly entry: FailsafeEntry; readonly status: AgentStatus }) {
  const level = failsafeLevel([entry]);
  const inForce = status.failsafe === entry.action;
  const sinceMs = Number(status.atUs - entry.sinceUs) / 1_000;
  return (
    <article className={`failsafe edge-${level}`} data-testid="failsafe" data-condition={entry.condition}>
      <h3 className={`level-${level}`}>
        <ShapeMark shape={LEVEL_SHAPE[level]} level={level} /> {words(entry.action)}
        <span className="quiet">
          {entry.holding ? 'hold delay runs' : inForce ? 'in force' : 'asked for'} · {span(Math.max(0, sinceMs))}
        </span>
      </h3>
      <p>{plainWords(entry.cause) || words(entry.condition)}</p>
      {entry.advice === '' ? null : <p className="advice">{plainWords(entry.advice)}</p>}
      <p className="quiet">
        {clearWords(entry.clear)}. Now: {nextStep(entry)}.
        {entry.acknowledgedBy === '' ? '' : ` Acknowledged by ${personWords(entry.acknowledgedBy)}.`}
      </p>
    </article>
  );
}
