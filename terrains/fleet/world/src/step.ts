import type { FaultName } from '@sigma/fleet-model';
import type { ActionStatus, Command, Json } from '@sigma/kernel';
import type { FinishedAction, Layout, OngoingAction, World } from './state.ts';
import { STEP_US } from './state.ts';

/** What the world is given for one step. */
export interface WorldInputs {
  /** Must be the world's own instant: commands take effect here and the result stands one step later. */
  readonly atUs: number;
  /** By robot index: the command now applied, or null when it is the one before. */
  readonly commands: readonly (Command | null)[];
  readonly injections: readonly Injection[];
}

/** Something done to the world from outside it, in simulation only. Robots by id, moments in world time. */
export type Injection =
  | {
      readonly type: 'fault';
      readonly robot: string;
      readonly fault: FaultName;
      /** Strength in the fault's own unit; each has a default (SPEC [W30] on). */
      readonly value?: number;
      /** Exclusive; without it the fault stays until cleared. */
      readonly untilUs?: number;
    }
  | { readonly type: 'clear_fault'; readonly robot: string; readonly fault: FaultName }
  | {
      readonly type: 'person';
      readonly xM: number;
      readonly yM: number;
      readonly headingRad?: number;
      /** When they leave; without it they stay. */
      readonly untilUs?: number;
    };

export interface Frame {
  readonly channel: string;
  /** int32 counts in the order of the channel's fields. Fresh for every frame: keep it as long as you like. */
  readonly values: Int32Array;
}

export interface ActionResult {
  readonly robot: number;
  readonly actionId: string;
  readonly status: Exclude<ActionStatus, 'unknown'>;
  readonly detail: Json;
}

export interface Collision {
  readonly robot: number;
  readonly with: 'robot' | 'person' | 'wall';
  /** Index of the other robot, id of the person, or the cell of the wall (-1 beyond the grid). */
  readonly other: number;
  readonly speedMps: number;
}

export interface ActiveFault {
  readonly robot: number;
  readonly fault: FaultName;
  readonly value: number;
  /** Null: until cleared. */
  readonly untilUs: number | null;
}

/** An injection that changed nothing, and why. */
export interface RefusedInjection {
  readonly injection: Injection;
  readonly reason: string;
}

export interface Outcomes {
  /** By robot index: the frames due at the new instant, in the order motion, scan, fix, health. */
  readonly frames: readonly (readonly Frame[])[];
  readonly results: readonly ActionResult[];
  /** New contacts at 0.05 m/s or more, by robot index. */
  readonly collisions: readonly Collision[];
  /** Every fault now active, those of runner and link included, by robot index. */
  readonly faults: readonly ActiveFault[];
  readonly refused: readonly RefusedInjection[];
}

/**
 * A step in the making: copies of the world's numbers that belong to nobody else yet. Functions that take a Draft
 * write into it; the lists copy on their first change.
 */
export interface Draft {
  readonly layout: Layout;
  /** The instant the step begins, and the one it leads to. */
  readonly fromUs: number;
  readonly atUs: number;
  /** Number of the instant it leads to. */
  readonly tick: number;
  readonly robots: Float64Array;
  people: Float64Array;
  actions: (OngoingAction | null)[];
  finished: (FinishedAction | null)[];
  cargo: (string | null)[];
  frozenScans: (Int32Array | null)[];
  readonly results: ActionResult[];
  readonly collisions: Collision[];
  readonly refused: RefusedInjection[];
}

export function draftOf(world: World): Draft {
  return {
    layout: world.layout,
    fromUs: world.atUs,
    atUs: world.atUs + STEP_US,
    tick: world.tick + 1,
    robots: world.robots.slice(),
    people: world.people.slice(),
    actions: world.actions.slice(),
    finished: world.finished.slice(),
    cargo: world.cargo.slice(),
    frozenScans: world.frozenScans.slice(),
    results: [],
    collisions: [],
    refused: [],
  };
}

export function worldOf(draft: Draft): World {
  const { layout, atUs, tick, robots, people, actions, finished, cargo, frozenScans } = draft;
  return { layout, atUs, tick, robots, people, actions, finished, cargo, frozenScans };
}
