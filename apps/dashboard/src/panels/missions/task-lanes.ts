import type { Mission, Task } from '@sigma/proto';

/** A stretch of time in which one robot had a task. Microseconds since 1970. */
export interface TaskSpan {
  readonly agentId: string;
  readonly fromUs: number;
  readonly toUs: number;
  /** `lost`: it was taken away, for `reason`; `has`: it has it still; `ended`: the task ended with it. */
  readonly kind: 'lost' | 'has' | 'ended';
  readonly reason: string;
}

/** What befell one task: who had it when, oldest first, with gaps where nobody had it. */
export interface TaskLane {
  readonly taskId: string;
  readonly kind: string;
  readonly spans: readonly TaskSpan[];
}

export interface TaskLanes {
  /** From the sending of the mission to its end, or to now; `toUs` is greater than `fromUs`. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly lanes: readonly TaskLane[];
}

/**
 * Who had which task from when to when, up to `nowUs`. Null where nobody ever had any, or where an older hub kept no
 * times: there is nothing to draw.
 */
export function taskLanes(mission: Mission, nowUs: number): TaskLanes | null {
  const fromUs = Number(mission.createdTimeUs);
  const toUs = Math.max(fromUs + 1, mission.finishedTimeUs > 0n ? Number(mission.finishedTimeUs) : nowUs);
  const lanes = mission.tasks.map(
    (task): TaskLane => ({ taskId: task.id, kind: task.kind, spans: spansOf(task, fromUs, toUs) }),
  );
  return lanes.some(({ spans }) => spans.length > 0) ? { fromUs, toUs, lanes } : null;
}

function spansOf(task: Task, fromUs: number, toUs: number): TaskSpan[] {
  const within = (timeUs: bigint): number => Math.min(toUs, Math.max(fromUs, Number(timeUs)));
  const spans = task.history.flatMap(({ agentId, reason, sinceTimeUs, untilTimeUs }): TaskSpan[] =>
    sinceTimeUs === 0n
      ? []
      : [{ agentId, fromUs: within(sinceTimeUs), toUs: within(untilTimeUs), kind: 'lost', reason }],
  );
  if (task.agentId === '' || task.sinceTimeUs === 0n) return spans;
  const ended = task.untilTimeUs > 0n;
  spans.push({
    agentId: task.agentId,
    fromUs: within(task.sinceTimeUs),
    toUs: ended ? within(task.untilTimeUs) : toUs,
    kind: ended ? 'ended' : 'has',
    reason: task.detail,
  });
  return spans;
}
