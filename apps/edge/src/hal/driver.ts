import type { MessagePort } from 'node:worker_threads';
import type { Command, Json, Stimulus } from '@sigma/kernel';
import type { ChainId } from '@sigma/recorder';

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
 * - a set-point ends at its `untilUs`; from then on the body rests. Times are agent time, whatever thread was late;
 * - when `read` is not called for `WATCHDOG_US`, the body goes to its mechanical stop, until `read` is called again and
 *   a command is written anew;
 * - the same action, told by its key, is done once.
 */
export interface Driver {
  /** What each body can do, in the terrain's words. */
  readonly capabilities: (agentId: string) => readonly string[];
  /** What was measured and has arrived by `atUs`, nothing of a later moment. Proof of life: see WATCHDOG_US. */
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

/** A chain of the driver's own beside those of its bodies: simulated bodies record what was done to them. */
export interface DriverRecord {
  readonly chain: ChainId;
  /** Hash of the last block of the epoch before; empty in the first. */
  readonly previousEpochHash: Uint8Array;
  readonly software: string;
  /** Wall time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
}

/** What a driver is told when it is opened. */
export interface DriverSetup {
  /** The driver's own settings. */
  readonly settings: Json;
  readonly agents: readonly { readonly id: string; readonly config: Json }[];
  /** Memory of the edge's `AgentClock`. */
  readonly clock: SharedArrayBuffer;
  /** Memory of the edge's `Board`: whoever has something for the loop may ring its bell. Null where nobody listens. */
  readonly doorbell: SharedArrayBuffer | null;
  /** Where the driver may keep a chain, and the way to the recorder's thread (`ToRecorder`). Null: nowhere. */
  readonly record: (DriverRecord & { readonly port: MessagePort }) | null;
}

/** Export of a driver's module. */
export type OpenDriver = (setup: DriverSetup) => Promise<Driver>;
