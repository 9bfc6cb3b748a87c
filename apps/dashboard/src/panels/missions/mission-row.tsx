import type { Mission } from '@sigma/proto';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { goalWords, isOpen, missionStatus } from '../../words/mission-words.ts';
import { CancelControl, MoveControls, workersOf } from './mission-controls.tsx';
import { MissionProgress } from './mission-progress.tsx';

interface MissionRowProps {
  readonly mission: Mission;
  /** The queue it stands in, in order; empty for one that is over. */
  readonly queue: readonly Mission[];
  readonly selected: boolean;
}

/** A mission in a list: how it stands, how far it has come by what was sensed, who is at it, and its place in the queue. */
export function MissionRow({ mission, queue, selected }: MissionRowProps) {
  const { selection } = useMissionControl();
  const { word, shape } = missionStatus(mission);
  const level = word === 'failed' ? 'warning' : 'calm';
  const name = mission.name || mission.id;
  const open = isOpen(mission);
  const workers = workersOf(mission);
  const moved = mission.tasks.reduce((sum, task) => sum + task.history.length, 0);
  return (
    <li data-testid={`mission-${mission.id}`} data-status={word} className={selected ? 'selected' : undefined}>
      <div className="row-line">
        <button
          type="button"
          className="row-main"
          aria-pressed={selected}
          onClick={() => selection.set({ kind: 'mission', id: mission.id })}
        >
          <span className={`state level-${level}`}>
            <ShapeMark shape={shape} level={level} /> {word}
          </span>
          <bdi className="row-title" title={name}>
            {name}
          </bdi>
        </button>
        <span className="mission-acts">
          {open ? <MoveControls mission={mission} queue={queue} /> : null}
          <CancelControl mission={mission} />
        </span>
      </div>
      <p className="row-detail mission-detail">
        <MissionProgress share={mission.progress} of={name} />
        <span>
          {open && workers.length > 0 ? (
            <>
              <span className="mono">{workers.slice(0, 4).join(' ')}</span>
              {workers.length > 4 ? ` and ${workers.length - 4} more` : ''}
              {' · '}
            </>
          ) : null}
          {moved > 0 ? <span>{moved === 1 ? 'reassigned once · ' : `reassigned ${moved} times · `}</span> : null}
          <bdi className="quiet">{mission.detail || goalWords(mission.goal)}</bdi>
        </span>
      </p>
    </li>
  );
}
