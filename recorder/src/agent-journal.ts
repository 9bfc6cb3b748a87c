import { type Agent, encodeState, type Outputs, type Stimulus } from '@sigma/kernel';
import { EVENT_TYPE, type EventDraft, type Sha256 } from './event.ts';
import { agentEvents } from './payload/agent-events.ts';
import { snapshotEvent } from './payload/snapshot.ts';
import { encodeSegment, type Wake } from './payload/stimulus-segment.ts';
import { WireWriter } from './wire/wire-writer.ts';

/** The model an agent runs, as its snapshots name it. */
export interface JournalModel {
  readonly name: string;
  readonly version: number;
  readonly policy: { readonly hash: string };
}

export interface JournalOptions {
  /** The agent's id. */
  readonly agent: string;
  readonly model: JournalModel;
  readonly sha256: Sha256;
  /** Inputs the agent has folded so far: 0 for a new one. */
  readonly inputSequence: number;
}

interface RecordedWake extends Wake {
  readonly outputs: Outputs;
}

/**
 * Collects what an agent was given and what it said, and turns it into events for its chain. Does no IO and never
 * waits; what it holds is only as safe as the next `cut` that becomes durable.
 */
export class AgentJournal {
  readonly #agent: string;
  readonly #model: JournalModel;
  readonly #sha256: Sha256;
  readonly #wire = new WireWriter(16_384);
  #inputSequence: number;
  #wakes: RecordedWake[] = [];
  /** Events that already have their order, with the wall clock still to come. */
  #events: ((timeUs: number) => EventDraft)[] = [];

  constructor({ agent, model, sha256, inputSequence }: JournalOptions) {
    this.#agent = agent;
    this.#model = model;
    this.#sha256 = sha256;
    this.#inputSequence = inputSequence;
  }

  /** Wakes since the last cut. */
  get pendingWakes(): number {
    return this.#wakes.length;
  }

  /** Records one call of `step`. Every wake counts, one without stimuli too: it moves the agent's clock. */
  wake(atUs: number, inbox: readonly Stimulus[], outputs: Outputs): void {
    this.#wakes.push({ atUs, inbox, outputs });
  }

  /** Puts an event of the runner (a signal with a dot in its name, an order as it was signed) after the wakes so far. */
  note(event: (timeUs: number) => EventDraft): void {
    this.#closeSegment();
    this.#events.push(event);
  }

  /** Puts the agent's whole state after the wakes so far; `agent` must be what the last of them left. */
  snapshot(agent: Agent<unknown>): void {
    this.#closeSegment();
    const state = UTF8.encode(encodeState(agent));
    const stateHash = this.#sha256(state);
    const { name, version, policy } = this.#model;
    const { inputSequence, wokeUs: atUs, flags } = agent;
    const model = { model: name, modelVersion: version, flags, policyHash: policy.hash };
    this.#events.push((timeUs) => snapshotEvent({ inputSequence, atUs, state, stateHash, ...model }, timeUs));
  }

  /**
   * Everything since the last cut: for each stretch of wakes a segment, then its signals, decisions and messages in
   * order of happening, then notes and snapshots where they were put. Empty when nothing happened.
   *
   * @param timeUs wall clock, microseconds since 1970
   */
  cut(timeUs: number): readonly EventDraft[] {
    const events = this.#events.map((event) => event(timeUs));
    this.#events = [];
    this.#writeSegment(timeUs, events);
    return events;
  }

  #closeSegment(): void {
    if (this.#wakes.length === 0) return;
    const closed: EventDraft[] = [];
    this.#writeSegment(0, closed);
    for (const event of closed) this.#events.push((timeUs) => ({ ...event, timeUs }));
  }

  #writeSegment(timeUs: number, into: EventDraft[]): void {
    const wakes = this.#wakes;
    const first = wakes[0];
    if (first === undefined) return;
    this.#wire.reset();
    encodeSegment(this.#wire, { firstInput: this.#inputSequence + 1, wakes });
    const data = this.#wire.take();
    into.push({ type: EVENT_TYPE.stimulusSegment, subject: '', atUs: first.atUs, timeUs, traceparent: '', data });
    for (const { atUs, inbox, outputs } of wakes) {
      this.#inputSequence += inbox.length;
      agentEvents(this.#agent, atUs, timeUs, outputs, into);
    }
    this.#wakes = [];
  }
}

const UTF8 = new TextEncoder();
