import type { Command, Json, Stimulus } from '@sigma/kernel';

/** A driver that is not asked for frames for longer than this puts its bodies to their mechanical stop (law L5). */
export const WATCHDOG_US = 100_000;

/** What arrived from one body since it was last asked: frames, results of actions, in order of arrival. */
export interface BodyInput {
  readonly agentId: string;
  readonly stimuli: readonly Stimulus[];
  /** Moment of the oldest of them, agent time. */
  readonly atUs: number;
}

export interface BodyFault {
  readonly agentId: string;
  readonly fault: string;
  readonly clear: boolean;
  /** Strength in the fault's own unit; 0: the fault's default. */
  readonly value: number;
  /** 0: until cleared. */
  readonly forUs: number;
}

/**
 * The hardware abstraction layer: bodies as the reflex loop sees them. It is called from the loop itself, every 10 ms,
 * so no call may wait: IO runs in the driver's own callbacks, which get their turn between two ticks, or in a thread
 * of its own.
 *
 * Whatever happens above it, a driver keeps three promises (its contract suite is `testing/driver-contract.ts`):
 * - a set-point ends at its `untilUs`; from then on the body rests;
 * - when `read` is not called for `WATCHDOG_US`, the body goes to its mechanical stop, until `read` is called again and
 *   a command is written anew;
 * - the same action, told by its key, is done once.
 */
export interface Driver {
  /** What each body can do, in the terrain's words. */
  readonly capabilities: (agentId: string) => readonly string[];
  /** What has arrived by `atUs`. Proof of life: see WATCHDOG_US. */
  readonly read: (atUs: number) => readonly BodyInput[];
  /** The command to hold from now on, until `untilUs` (agent time, inclusive). Cheap when it is the same as before. */
  readonly write: (agentId: string, command: Command, untilUs: number) => void;
  /** The body is asked what became of an action; its answer is a result among the stimuli. */
  readonly reconcile: (agentId: string, actionId: string) => void;
  /** Simulated bodies only; others ignore it. */
  readonly inject: (fault: BodyFault) => void;
  /** Faults of the link or the planners that the simulated world holds against a body now, by name and strength. */
  readonly outside: (agentId: string) => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

/** What a driver is told when it is opened. */
export interface DriverSetup {
  /** The driver's own settings. */
  readonly settings: Json;
  readonly agents: readonly { readonly id: string; readonly config: Json }[];
  /** Monotonic clock (process.hrtime, microseconds) at which agent time was 0. */
  readonly baseUs: number;
  /** Memory of the edge's `Board`: whoever has something for the loop may ring its bell. Null where nobody listens. */
  readonly doorbell: SharedArrayBuffer | null;
}

/** Export of a driver's module. */
export type OpenDriver = (setup: DriverSetup) => Promise<Driver>;
