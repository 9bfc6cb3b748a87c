import { create } from '@bufbuild/protobuf';
import { type Mission, MissionSchema, MissionStatus, type Task, TaskSchema, TaskStatus } from '@sigma/proto';

/** How far an agent had come with a task by what it had sensed, 0 to 1; NaN where that is not known. */
type ShareThen = (agentId: string, taskId: string) => number;

/**
 * The mission as it stood at a moment (microseconds since 1970); undefined before it was made. One that ended later was
 * under way, as far as its tasks had come: counted as the hub counts.
 */
export function missionAt(mission: Mission, atUs: number, shareThen: ShareThen): Mission | undefined {
  if (Number(mission.createdTimeUs) > atUs) return undefined;
  if (mission.finishedTimeUs > 0n && Number(mission.finishedTimeUs) <= atUs) return mission;
  const tasks = mission.tasks.map((task) => taskAt(task, atUs, shareThen));
  return create(MissionSchema, {
    ...mission,
    status: MissionStatus.ACTIVE,
    finishedTimeUs: 0n,
    progress: tasks.reduce((sum, { progress }) => sum + progress, 0) / Math.max(1, tasks.length),
    tasks,
    detail: 'Under way at this moment; its robots show how far.',
  });
}

/**
 * A task as it stood at a moment: who had it then, how far he had come, and only those who had lost it by then in its
 * history; what nobody has is begun anew. Where an older hub kept no times, it stays as it is known now, and nobody
 * knows how far it had come.
 */
export function taskAt(task: Task, atUs: number, shareThen: ShareThen): Task {
  const isBy = (timeUs: bigint): boolean => Number(timeUs) <= atUs;
  const then = task.history.find(
    ({ sinceTimeUs, untilTimeUs }) => sinceTimeUs > 0n && isBy(sinceTimeUs) && !isBy(untilTimeUs),
  );
  const later = task.sinceTimeUs > 0n && !isBy(task.sinceTimeUs);
  const ended = then === undefined && !later && isBy(task.untilTimeUs) && task.untilTimeUs > 0n;
  const { agentId, sinceTimeUs } = then ?? (later ? { agentId: '', sinceTimeUs: 0n } : task);
  return create(TaskSchema, {
    ...task,
    agentId,
    sinceTimeUs,
    untilTimeUs: ended ? task.untilTimeUs : 0n,
    history: task.history.filter(({ untilTimeUs }) => isBy(untilTimeUs)),
    progress: ended ? endShare(task) : sinceTimeUs > 0n ? shareThen(agentId, task.id) : agentId === '' ? 0 : Number.NaN,
  });
}

const endShare = ({ status, progress }: Task): number => (status === TaskStatus.DONE ? 1 : progress);
