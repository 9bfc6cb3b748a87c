import type { ActionStatus, Command } from './command.ts';
import type { Json } from './json.ts';
import type { Intent, Task } from './mission.ts';

/**
 * One input of an agent. An agent's inbox is ordered, and the order is part of the recording; everything the kernel
 * ever learns, time and chance included, comes in through here.
 */
export type Stimulus =
  | Percept
  | Observation
  | OrderStimulus
  | PlanStimulus
  | MessageStimulus
  | ResultStimulus
  | Beat
  | Signal;

/** A sensor frame in raw integer counts of the terrain's channel; the terrain's model turns counts into SI units. */
export interface Percept {
  readonly kind: 'percept';
  readonly channel: string;
  /** int32 counts, one for each field of the channel. Never changed after delivery. */
  readonly values: Int32Array;
}

/** A percept that is no row of numbers: diagnostics, a test report, what a neighbour said. */
export interface Observation {
  readonly kind: 'observation';
  readonly channel: string;
  readonly data: Json;
}

/** From a person or the hub. Signature and sender are checked at the door; sequence and expiry here, so that a refusal is replayed too (L11). */
export interface OrderStimulus {
  readonly kind: 'order';
  readonly issuer: string;
  /** Strictly increasing per issuer. */
  readonly sequence: number;
  /** Agent time, inclusive. */
  readonly expiresAtUs: number;
  readonly order: Order;
}

export type Order =
  | { readonly type: 'assign'; readonly task: Task }
  | { readonly type: 'cancel'; readonly taskId: string; readonly reason: string }
  | { readonly type: 'lease'; readonly leaseId: string; readonly holder: string; readonly expiresAtUs: number }
  | { readonly type: 'release'; readonly leaseId: string }
  | { readonly type: 'command'; readonly leaseId: string; readonly command: Command; readonly rationale: string }
  | { readonly type: 'takeover'; readonly leaseId: string }
  | { readonly type: 'stop'; readonly stop: StopKind; readonly by: string }
  | { readonly type: 'acknowledge'; readonly by: string }
  | { readonly type: 'reset'; readonly by: string }
  | { readonly type: 'mode'; readonly mode: OperatingMode; readonly by: string }
  | { readonly type: 'defer'; readonly forUs: number; readonly by: string };

/** IEC 60204-1 and ISO 10218-1: a normal stop ends work, a protective stop guards people, an emergency stop needs acknowledge and reset. `none` ends a normal stop. */
export type StopKind = 'none' | 'normal' | 'protective' | 'emergency';

/** VDA 5050 operating modes, in the kernel's own spelling. In `service` nothing but safety and the operator acts. */
export type OperatingMode = 'automatic' | 'manual' | 'service';

export type PlannerName = 'primary' | 'secondary';

/** Where a plan's knowledge came from: the last input of the agent that the planner had seen. */
export interface Basis {
  readonly epoch: number;
  readonly inputSequence: number;
}

/** A planner's proposal for the current task. It is an untrusted party's word: bounded, arbitrated, compared with reality (L9). */
export interface PlanStimulus {
  readonly kind: 'plan';
  readonly from: PlannerName;
  readonly taskId: string;
  /** Strictly increasing per planner; an older one is refused. */
  readonly revision: number;
  readonly intents: readonly Intent[];
  /** 0 to 1. */
  readonly confidence: number;
  readonly rationale: string;
  readonly basis: Basis | null;
  /** What else the planner considered, and why it lost. */
  readonly alternatives: readonly { readonly summary: string; readonly reason: string }[];
}

/** From a peer. */
export interface MessageStimulus {
  readonly kind: 'message';
  readonly from: string;
  readonly topic: string;
  readonly body: Json;
  readonly promise?: PromiseMade;
}

/** What a peer said it would do, and by when. */
export interface PromiseMade {
  readonly id: string;
  readonly what: string;
  readonly args: Json;
  /** Agent time, inclusive. */
  readonly dueUs: number;
}

export interface ResultStimulus {
  readonly kind: 'result';
  readonly actionId: string;
  readonly status: ActionStatus;
  readonly detail: Json;
}

/** A sign of life. `link`: the hub was heard; a planner's: it is alive and answers. */
export interface Beat {
  readonly kind: 'beat';
  readonly from: PlannerName | 'link';
}

/** A state of the runner that the agent must know, such as `recorder_down` (1 or 0) or `restarted`. */
export interface Signal {
  readonly kind: 'signal';
  readonly name: string;
  readonly value: number;
}
