import type { Mission } from '@sigma/proto';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { isOpen } from '../../words/mission-words.ts';
import { whomWords } from '../../words/stop-words.ts';
import { cancelMission, sendAgain, setPriority } from './mission-acts.ts';
import { priorityAfterMove } from './queue.ts';
import { useOfferUndo } from './undo-bar.tsx';

/** Whether no robot has begun it: then cancelling it costs nothing that sending it again does not give back. */
const untouched = (mission: Mission): boolean =>
  mission.progress === 0 && mission.tasks.every((task) => task.agentId === '');

export const workersOf = (mission: Mission): string[] => [
  ...new Set(mission.tasks.map((task) => task.agentId).filter((id) => id !== '')),
];

/** Cancel: at once and with an undo while no robot has begun; held once robots are at it. */
export function CancelControl({ mission }: { readonly mission: Mission }) {
  const control = useMissionControl();
  const offer = useOfferUndo();
  const name = mission.name || mission.id;
  if (!isOpen(mission)) {
    return (
      <Guarded role="operator">
        <button
          type="button"
          className="plain"
          onClick={() => void sendAgain(control, mission)}
          title={`A new mission with the goal of ${name}`}
          data-testid={`again-${mission.id}`}
        >
          Send again
        </button>
      </Guarded>
    );
  }
  if (untouched(mission)) {
    const cancel = async () => {
      if (!(await cancelMission(control, mission))) return;
      offer({ title: `${name} is cancelled.`, undo: () => void sendAgain(control, mission) });
    };
    return (
      <Guarded role="operator">
        <button
          type="button"
          className="plain"
          onClick={() => void cancel()}
          title={`No robot has begun ${name}; it can be sent again`}
          data-testid={`cancel-${mission.id}`}
        >
          Cancel
        </button>
      </Guarded>
    );
  }
  return (
    <Guarded role="operator">
      <HoldButton
        onHeld={() => void cancelMission(control, mission)}
        consequence={`Cancels ${name}; ${whomWords(workersOf(mission))} end their tasks and wait. What was done stays done.`}
        testId={`cancel-${mission.id}`}
      >
        Cancel · hold
      </HoldButton>
    </Guarded>
  );
}

interface MoveControlsProps {
  readonly mission: Mission;
  readonly queue: readonly Mission[];
}

/** Up and down in the queue, each with its undo. */
export function MoveControls({ mission, queue }: MoveControlsProps) {
  const control = useMissionControl();
  const offer = useOfferUndo();
  const name = mission.name || mission.id;
  const move = async (priority: number) => {
    const before = mission.priority;
    if (!(await setPriority(control, mission, priority))) return;
    offer({
      title: `${name} has priority ${priority}.`,
      undo: () => void setPriority(control, mission, before, priority),
    });
  };
  const arrow = (step: -1 | 1, sign: string, word: string) => {
    const priority = priorityAfterMove(queue, mission.id, step);
    return (
      <Guarded role="operator">
        <button
          type="button"
          className="plain move"
          disabled={priority === null}
          onClick={() => priority !== null && void move(priority)}
          aria-label={`Move ${name} ${word} in the queue`}
          title={
            priority === null
              ? `It cannot go ${word}`
              : `${word[0]?.toUpperCase()}${word.slice(1)}, to priority ${priority}`
          }
          data-testid={`${word}-${mission.id}`}
        >
          {sign}
        </button>
      </Guarded>
    );
  };
  return (
    <span className="moves">
      {arrow(-1, '↑', 'up')}
      {arrow(1, '↓', 'down')}
    </span>
  );
}
