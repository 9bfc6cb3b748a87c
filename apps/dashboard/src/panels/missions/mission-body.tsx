import type { Mission, Task } from '@sigma/proto';
import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { goalWords, isOpen, missionStatus, taskStatus } from '../../words/mission-words.ts';
import { localTime, personWords, span, words } from '../../words/quantities.ts';
import { WhyThen } from '../decisions/why-then.tsx';
import { CancelControl } from './mission-controls.tsx';
import { MissionProgress } from './mission-progress.tsx';

/** What a mission is, how it stands, and what is done to it. */
export function MissionHead({ mission }: { readonly mission: Mission }) {
  const { word, shape } = missionStatus(mission);
  const level = word === 'failed' ? 'warning' : 'calm';
  const ended = mission.finishedTimeUs > 0n;
  return (
    <>
      <header className="card-head">
        <div className="row-line">
          <h2 data-testid="mission-name">
            <bdi>{mission.name || mission.id}</bdi>
          </h2>
          <span className="spring" />
          <CancelControl mission={mission} />
        </div>
        <p className="row-line">
          <span className={`state level-${level}`} data-testid="mission-state">
            <ShapeMark shape={shape} level={level} /> {word}
          </span>
          <MissionProgress share={mission.progress} of={mission.name || mission.id} />
        </p>
        {mission.detail === '' ? null : (
          <p>
            <bdi>{mission.detail}</bdi>
          </p>
        )}
      </header>
      <dl className="facts">
        <div>
          <dt>Goal</dt>
          <dd>
            <bdi>{goalWords(mission.goal)}</bdi>
          </dd>
        </div>
        <div>
          <dt>Sent</dt>
          <dd>
            by <bdi>{personWords(mission.createdBy) || 'unknown'}</bdi> at {localTime(mission.createdTimeUs)}
          </dd>
        </div>
        <div title="Greater is more urgent; decides who gets robots first">
          <dt>Priority</dt>
          <dd className="mono">{mission.priority}</dd>
        </div>
        {ended ? (
          <div>
            <dt>Ended</dt>
            <dd>
              {localTime(mission.finishedTimeUs)}, after{' '}
              {span(Number(mission.finishedTimeUs - mission.createdTimeUs) / 1_000)}
            </dd>
          </div>
        ) : null}
        <div>
          <dt>Id</dt>
          <dd className="mono">
            <bdi>{mission.id}</bdi>
          </dd>
        </div>
      </dl>
    </>
  );
}

/** Each share of it: who has it now, who had it before and why not any more, and how far it has come. */
export function MissionTasks({ mission }: { readonly mission: Mission }) {
  return (
    <section className="block" aria-label="Tasks" data-testid="mission-tasks">
      <h3>
        Tasks <span className="quiet">{mission.tasks.length}</span>
      </h3>
      {mission.tasks.length === 0 ? (
        <p className="quiet">{isOpen(mission) ? 'Not divided yet: it waits for a robot.' : 'It was never divided.'}</p>
      ) : null}
      <ol className="task-list">
        {mission.tasks.map((task) => (
          <TaskLine key={task.id} task={task} />
        ))}
      </ol>
    </section>
  );
}

/** Whether it is known since when a robot has it. */
const isHeld = ({ agentId, sinceTimeUs }: Task): boolean => agentId !== '' && sinceTimeUs > 0n;

/** Since when its robot has it, or from when to when it had it. */
function Held({ task }: { readonly task: Task }) {
  const { live } = useMissionControl();
  useTick(1_000);
  const { sinceTimeUs, untilTimeUs } = task;
  if (!isHeld(task)) return null;
  if (untilTimeUs > 0n) return <HeldFor from={sinceTimeUs} to={untilTimeUs} />;
  const lastedMs = Number(live.timeUs - sinceTimeUs) / 1_000;
  return (
    <>
      since <time className="mono">{localTime(sinceTimeUs)}</time>
      {lastedMs > 0 ? `, ${span(lastedMs)}` : ''}
    </>
  );
}

function HeldFor({ from, to }: { readonly from: bigint; readonly to: bigint }) {
  if (from === 0n || to === 0n) return 'before';
  return (
    <>
      from <time className="mono">{localTime(from)}</time> to <time className="mono">{localTime(to)}</time>,{' '}
      {span(Number(to - from) / 1_000)}
    </>
  );
}

function TaskLine({ task }: { readonly task: Task }) {
  const { selected } = useMissionControl();
  return (
    <li data-testid={`task-${task.id}`}>
      <p className="row-line">
        <button
          type="button"
          className="link mono"
          disabled={task.agentId === ''}
          onClick={() => selected.set(task.agentId)}
        >
          {task.agentId === '' ? 'nobody yet' : <bdi>{task.agentId}</bdi>}
        </button>
        <span>{words(task.kind)}</span>
        <span className="quiet">{taskStatus(task)}</span>
        <span className="spring" />
        <MissionProgress share={task.progress} of={task.id} />
      </p>
      {task.detail === '' && !isHeld(task) ? null : (
        <p className="quiet">
          <bdi>{task.detail}</bdi>
          {task.detail !== '' && isHeld(task) ? ' · ' : ''}
          <Held task={task} />
        </p>
      )}
      {task.history.length === 0 ? null : (
        <ol className="holders" aria-label="Who had it before">
          {task.history.map((holder, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: history only grows at its end.
            <li key={k}>
              <button type="button" className="link mono" onClick={() => selected.set(holder.agentId)}>
                <bdi>{holder.agentId}</bdi>
              </button>{' '}
              had it <HeldFor from={holder.sinceTimeUs} to={holder.untilTimeUs} />:{' '}
              <bdi>{holder.reason || 'it was given away'}</bdi>{' '}
              {holder.untilTimeUs === 0n ? null : <WhyThen agentId={holder.agentId} timeUs={holder.untilTimeUs} />}
            </li>
          ))}
        </ol>
      )}
    </li>
  );
}
