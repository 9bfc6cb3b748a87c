import { create } from '@bufbuild/protobuf';
import { type Task, TaskSchema } from '@sigma/proto';

/**
 * A task as it stood at a moment (microseconds since 1970): who had it then, and only those who had lost it by then in
 * its history. How far it had come nobody kept. Where an older hub kept no times, it stays as it is known now.
 */
export function taskAt(task: Task, atUs: number): Task {
  const isBy = (timeUs: bigint): boolean => Number(timeUs) <= atUs;
  const then = task.history.find(
    ({ sinceTimeUs, untilTimeUs }) => sinceTimeUs > 0n && isBy(sinceTimeUs) && !isBy(untilTimeUs),
  );
  const later = task.sinceTimeUs > 0n && !isBy(task.sinceTimeUs);
  const { agentId, sinceTimeUs } = then ?? (later ? { agentId: '', sinceTimeUs: 0n } : task);
  return create(TaskSchema, {
    ...task,
    agentId,
    sinceTimeUs,
    untilTimeUs: then === undefined && !later && isBy(task.untilTimeUs) ? task.untilTimeUs : 0n,
    history: task.history.filter(({ untilTimeUs }) => isBy(untilTimeUs)),
    progress: Number.NaN,
  });
}
