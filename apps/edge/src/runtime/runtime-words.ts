import type { Agent, AgentOptions, Ask, OutgoingMessage, PlanStimulus, TerrainModel } from '@sigma/kernel';
import type { Fault } from '@sigma/proto';
import type { Opening } from '@sigma/recorder';
import type { Standing } from './actuators.ts';
import type { Journal, Report, VerifyOrder } from './ports.ts';
import type { Uplink } from './uplink.ts';

export interface AgentRuntimeOptions<World> {
  readonly model: TerrainModel<World>;
  readonly agent: AgentOptions;
  /** What the chain's first event says besides what the agent's own options and the model say. */
  readonly opening: Pick<Opening, 'policyText' | 'previousEpochHash' | 'software'>;
  /** What the epoch before began with; null or left out in the first. */
  readonly before?: Opening | null;
  readonly journal: Journal;
  /** Wall time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
  readonly report: Report<World>;
  /** Kind of body, as the hub shows it. */
  readonly body: string;
  readonly verify: VerifyOrder;
  /** True where the body is simulated: fault orders pass. */
  readonly simulated: boolean;
  /** Actions that were under way when the epoch before ended, by id and name: nobody knows how far they came. */
  readonly inFlight?: readonly { readonly id: string; readonly name: string }[];
  readonly limits?: Partial<RuntimeLimits>;
  /** A life that goes on from here instead of beginning: what stood at its actuators is the rest command. */
  readonly resume?: Agent<World>;
  /** Fault injection: what becomes of a plan of the hub's before the agent sees it; null: it never arrives. */
  readonly tamper?: (plan: PlanStimulus) => PlanStimulus | null;
}

export interface RuntimeLimits {
  /** A cut at least this often while anything happens, microseconds. */
  readonly cutEveryUs: number;
  /** The whole state goes on record this often: replay of a moment begins at the last one before it. */
  readonly snapshotEveryUs: number;
  /** A block not on disk after this long means that the recorder is down. */
  readonly recorderTimeoutUs: number;
  /** With the recorder down, a moving command is prolonged for this long and no longer. */
  readonly unrecordedUs: number;
  /** Refusals at the door that are put on record each second of agent time; the rest is counted in the next one. */
  readonly refusalsPerS: number;
}

export const RUNTIME_LIMITS: RuntimeLimits = {
  cutEveryUs: 250_000,
  snapshotEveryUs: 5_000_000,
  recorderTimeoutUs: 1_000_000,
  unrecordedUs: 5_000_000,
  refusalsPerS: 10,
};

/** What has become free to leave. */
export interface Free {
  /** Frames for the hub. */
  readonly uplink: readonly Uplink[];
  /** To peers. */
  readonly messages: readonly OutgoingMessage[];
  /** For the simulated body, to be injected once `uplink` has left: a fault may cut the link that its answer takes. */
  readonly faults: readonly Fault[];
}

/** What one wake asks of the world around the agent. */
export interface RuntimeOutput extends Free {
  /** What the actuators must hold now, and until when. */
  readonly actuate: Standing;
  /** Questions to the secondary planner, which lives beside the agent. */
  readonly asks: readonly Ask[];
  /** Actions whose fate the body must tell. */
  readonly reconcile: readonly string[];
  /** Agent time of the next wake without stimulus. */
  readonly wakeAtUs: number;
}

export interface RuntimeCounts {
  readonly wakes: number;
  readonly decisions: number;
  readonly violations: number;
  readonly ordersAccepted: number;
  readonly ordersRefused: number;
  /** Of those, refused at the door because the bytes were not the hub's. */
  readonly ordersForged: number;
  /** Failsafe activations by action. */
  readonly failsafe: Readonly<Record<string, number>>;
}
