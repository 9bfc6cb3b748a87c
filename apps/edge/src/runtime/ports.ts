import type { Agent, OutgoingMessage, Outputs, Stimulus } from '@sigma/kernel';
import type { EventDraft } from '@sigma/recorder';

/** Collects what happened to one agent until it is sealed into a block; `AgentJournal` of the recorder is one. No IO. */
export interface Journal {
  /** One cycle: when, what it was given, what it said. */
  wake(atUs: number, inbox: readonly Stimulus[], outputs: Outputs): void;
  /** Puts an event of the runner after the wakes so far. */
  note(event: (timeUs: number) => EventDraft): void;
  /** Puts the agent's whole state, as the last wake left it, after the wakes so far. */
  snapshot(agent: Agent<unknown>): void;
  /** Everything since the last cut, in order. Empty when nothing happened. */
  cut(timeUs: number): readonly EventDraft[];
}

/** One telemetry channel that the hub gets: what a terrain tells of an agent's belief, in SI units. */
export interface ReportChannel<World> {
  readonly channel: string;
  /** Agent time between two frames, microseconds. */
  readonly everyUs: number;
  readonly fields: readonly ReportField[];
  /** In the order of `fields`, or a multiple of that many for a list; null when there is nothing to tell. NaN: no reading. */
  readonly values: (agent: Agent<World>, atUs: number) => readonly number[] | null;
}

export interface ReportField {
  readonly name: string;
  readonly unit: string;
  /** Normal band, inclusive. */
  readonly low?: number;
  readonly high?: number;
  readonly maxRate?: number;
  readonly frozenAfterUs?: number;
}

/** What a terrain lets its agents tell the hub. */
export interface Report<World> {
  readonly channels: readonly ReportChannel<World>[];
  /** What it tells its peers of itself, unasked. Says where it is, never what it decided. */
  readonly greetings: readonly Greeting<World>[];
  /** Whether a broadcast of the one is heard by the other. */
  readonly reaches: (from: World, to: World) => boolean;
  /** Share of a task that is done by what was sensed and reported, 0 to 1. Absent where nothing on the way is counted. */
  readonly taskProgress?: (world: World, taskId: string) => number;
}

export interface Greeting<World> {
  readonly everyUs: number;
  readonly message: (agent: Agent<World>, atUs: number) => OutgoingMessage | null;
}

/** Ed25519 over the order's bytes with the hub's key. Throws nothing; false for anything that is not a valid signature. */
export type VerifyOrder = (order: Uint8Array, signature: Uint8Array) => boolean;
