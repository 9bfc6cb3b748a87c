import type { Mission } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';
import { personWords } from '../../words/quantities.ts';

const nameOf = (mission: Mission): string => mission.name || mission.id;

/** Gives a mission another place in the queue, unless somebody gave it one since. Undone by the priority that it had. */
export async function setPriority(
  { hub, acts, now }: MissionControl,
  mission: Mission,
  priority: number,
  expectsPriority = mission.priority,
): Promise<boolean> {
  const answer = await acts.run(
    `Priority ${priority} for ${nameOf(mission)}`,
    [],
    () => hub.missions.setMissionPriority({ missionId: mission.id, priority, expectsPriority }),
    (given): Outcome => ({ kind: 'done', detail: `priority is ${given.mission?.priority ?? priority}` }),
  );
  if (answer?.mission !== undefined) now.putMission(answer.mission);
  return answer !== undefined;
}

/** Cancels a mission if it stands as it is seen here, and says what the hub made of it. */
export async function cancelMission({ hub, acts, now }: MissionControl, mission: Mission): Promise<boolean> {
  const seen = { status: mission.status, agentIds: mission.tasks.map(({ agentId }) => agentId) };
  const answer = await acts.run(
    `Cancel ${nameOf(mission)}`,
    [],
    () => hub.missions.cancelMission({ missionId: mission.id, reason: 'cancelled by an operator', seen }),
    (given): Outcome => ({ kind: 'done', detail: given.mission?.detail || 'cancelled' }),
  );
  if (answer?.mission !== undefined) now.putMission(answer.mission);
  return answer !== undefined;
}

/** Sends a mission with the same goal again: the undo of a cancel, and the way to repeat one that is over. */
export async function sendAgain({ hub, acts, now, selection }: MissionControl, mission: Mission): Promise<void> {
  const { goal, name, priority } = mission;
  if (goal === undefined) return;
  const answer = await acts.run(
    `Send ${nameOf(mission)} again`,
    [],
    () => hub.missions.createMission({ name, goal, priority, idempotencyKey: crypto.randomUUID() }),
    (given): Outcome => ({
      kind: 'done',
      detail: `taken as ${given.mission?.id ?? ''} by ${personWords(given.mission?.createdBy ?? '')}`,
    }),
  );
  if (answer?.mission === undefined) return;
  now.putMission(answer.mission);
  selection.set({ kind: 'mission', id: answer.mission.id });
}
