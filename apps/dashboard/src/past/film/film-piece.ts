import type { AgentDecision, AgentStatus, Fence } from '@sigma/proto';

/** Numbers of one row of `poses`: milliseconds since the piece's `fromUs`, metres, metres, radians, m/s, 0 to 1. */
export const POSE_WIDTH = 6;

/** Something that held from a moment on, until the next of its kind. `timeUs`: the hub's time, microseconds. */
export interface Since<T> {
  readonly timeUs: number;
  readonly value: T;
}

/** A task as its robot knew it. `share`: how much of it was done by what the robot had sensed, 0 to 1. */
export interface TaskShare {
  readonly taskId: string;
  readonly share: number;
}

/** A stretch of one agent's recording, from a snapshot (or the opening) to the next. */
export interface StretchId {
  readonly source: string;
  readonly epoch: number;
  /** Sequence of the event it starts from. */
  readonly sequence: number;
}

/**
 * What an agent did over a part of a stretch, computed again from its inputs: as plain data, so that it crosses from
 * the worker to the page. Pieces of one stretch follow each other and are joined by the page.
 */
export interface FilmPiece extends StretchId {
  /** The hub's time at which the stretch begins, microseconds since 1970. The same in each of its pieces. */
  readonly fromUs: number;
  /** Everything up to here is in the film. */
  readonly untilUs: number;
  /** The next stretch begins where this one ends. */
  readonly complete: boolean;
  /** False where the kernel could not be run again here and only recorded snapshots are shown. */
  readonly exact: boolean;
  /** Ten rows a second, `POSE_WIDTH` numbers each. */
  readonly poses: Float32Array;
  readonly statuses: readonly Since<AgentStatus>[];
  /** In the order in which they were made. */
  readonly decisions: readonly AgentDecision[];
  /** x, y of the plan's way, metres. */
  readonly paths: readonly Since<Float32Array>[];
  /** x, y of every person that the agent saw, metres. */
  readonly people: readonly Since<Float32Array>[];
  readonly fences: readonly Since<readonly Fence[]>[];
  /** Every task that the agent had or remembered. */
  readonly tasks: readonly Since<readonly TaskShare[]>[];
}

/** One lidar scan of a robot, where it was taken. */
export interface PastScan {
  readonly source: string;
  readonly timeUs: number;
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly rangesM: readonly number[];
}
