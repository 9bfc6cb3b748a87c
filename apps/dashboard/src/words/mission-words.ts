import { type Mission, type MissionGoal, MissionStatus, type Task, TaskStatus } from '@sigma/proto';
import type { Shape } from './agent-state.ts';

const STATUS: Readonly<Record<MissionStatus, { word: string; shape: Shape }>> = {
  [MissionStatus.UNSPECIFIED]: { word: 'unknown', shape: 'dashed' },
  [MissionStatus.QUEUED]: { word: 'queued', shape: 'ring' },
  [MissionStatus.ACTIVE]: { word: 'active', shape: 'dot' },
  [MissionStatus.DONE]: { word: 'done', shape: 'ring' },
  [MissionStatus.FAILED]: { word: 'failed', shape: 'triangle' },
  [MissionStatus.CANCELLED]: { word: 'cancelled', shape: 'bars' },
};

const TASK_STATUS: Readonly<Record<TaskStatus, string>> = {
  [TaskStatus.UNSPECIFIED]: 'unknown',
  [TaskStatus.QUEUED]: 'queued',
  [TaskStatus.ACTIVE]: 'active',
  [TaskStatus.DONE]: 'done',
  [TaskStatus.FAILED]: 'failed',
  [TaskStatus.CANCELLED]: 'cancelled',
  [TaskStatus.REFUSED]: 'refused',
  [TaskStatus.WAITING]: 'waiting',
};

export const missionStatus = (mission: Mission): { word: string; shape: Shape } => STATUS[mission.status];
export const taskStatus = (task: Task): string => TASK_STATUS[task.status];

export const isOpen = (mission: Mission): boolean =>
  mission.status === MissionStatus.QUEUED || mission.status === MissionStatus.ACTIVE;

/** "cover a drawn zone", "deliver from S1 to S4 with r07". */
export function goalWords(goal: MissionGoal | undefined): string {
  switch (goal?.goal.case) {
    case 'cover': {
      const { area, robots } = goal.goal.value;
      const where = area.case === 'zoneId' ? `zone ${area.value}` : 'a drawn zone';
      return `cover ${where}${robots === 0 ? '' : ` with at most ${robots}`}`;
    }
    case 'patrol': {
      const { points, rounds, agentId } = goal.goal.value;
      return `patrol ${points.length} points${rounds > 1 ? `, ${rounds} rounds` : ''}${by(agentId)}`;
    }
    case 'deliver': {
      const { fromStation, toStation, item, agentId } = goal.goal.value;
      return `deliver ${item === '' ? '' : `${item} `}from ${fromStation} to ${toStation}${by(agentId)}`;
    }
    case 'goToDock':
      return `${goal.goal.value.agentId} to ${goal.goal.value.dockId === '' ? 'the nearest free dock' : `dock ${goal.goal.value.dockId}`}`;
    default:
      return 'no goal';
  }
}

const by = (agentId: string): string => (agentId === '' ? '' : ` with ${agentId}`);

/** Open ones first, the most urgent of them first; then the finished, newest first. */
export function byStanding(a: Mission, b: Mission): number {
  const open = Number(isOpen(b)) - Number(isOpen(a));
  if (open !== 0) return open;
  if (isOpen(a) && a.priority !== b.priority) return b.priority - a.priority;
  return a.createdTimeUs < b.createdTimeUs ? 1 : a.createdTimeUs > b.createdTimeUs ? -1 : 0;
}

/**
 * A task by the name of its mission, with its share when the mission has several. A mission that this page does not know
 * leaves the id, which is never wrong.
 */
export function taskName(taskId: string, missionOf: (id: string) => Mission | undefined): string {
  const dot = taskId.lastIndexOf('.');
  const mission = missionOf(dot < 0 ? taskId : taskId.slice(0, dot));
  if (mission === undefined || mission.name === '') return taskId;
  const share = mission.tasks.findIndex((task) => task.id === taskId);
  return mission.tasks.length > 1 && share >= 0
    ? `${mission.name} (${share + 1} of ${mission.tasks.length})`
    : mission.name;
}
