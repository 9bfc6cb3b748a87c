import { type AheadEvent, aheadEvents } from '../ahead-events.ts';
import { isStub } from '../gap.ts';
import type { HybridTime } from '../hybrid-clock.ts';
import { type HeldChain, isFinal, type LinkedChain, linkedKey } from '../sync-words.ts';
import { AHEAD_MOST_BYTES, AHEAD_MOST_EVENTS, type AheadAnswer, type EventsAhead } from '../taking/take-ahead.ts';

/** Where a source keeps safety events until their blocks have arrived, beside its recordings. Bounded. */
export interface AheadMemory {
  /** Chains that were looked into, and up to which event. */
  looked(): readonly LookedChain[];
  /** Keeps these, and up to where the chain was looked into: together or not at all. */
  keep(chain: LookedChain, events: readonly AheadEvent[]): void;
  /** Chains of which there is something. */
  chains(): readonly (LinkedChain & { readonly openedUs: number; readonly leftOut: number })[];
  /** Of one chain those behind an event, in order; at most so many. */
  after(chain: LinkedChain, sequence: number, most: number): readonly AheadEvent[];
  /** The blocks up to there have arrived. */
  arrived(chain: LinkedChain, sequence: number): void;
}

export interface LookedChain extends LinkedChain {
  readonly sequence: number;
  /** Wall time at which the time of that life was 0. */
  readonly openedUs: number;
}

export interface AheadSourceOptions {
  readonly tenant: string;
  /** Wall time at which the time of the chains that grow now was 0. */
  readonly openedUs: number;
  readonly memory: AheadMemory;
  readonly say: (events: EventsAhead) => void;
  readonly now: () => HybridTime;
  readonly refused: (answer: AheadAnswer) => void;
}

/** Events between two notes of how far a chain was looked into. */
const KEEP_EVERY = 500;

/**
 * The edge's half of telling safety events before their blocks (R193): keeps them while nobody hears of them, and tells
 * those that the hub has not when a link begins, one message after the other. What stands in its way keeps no block.
 */
export class AheadSource {
  readonly #options: AheadSourceOptions;
  /** By chain, the last event that this hub has taken or that it has in blocks. */
  readonly #told = new Map<string, number>();
  /** By chain, up to where it is kept that it was looked into. */
  readonly #kept = new Map<string, number>();
  #queue: (LinkedChain & { readonly openedUs: number; readonly leftOut: number })[] = [];
  #asked: { readonly key: string; readonly lastSequence: number } | null = null;
  #hub = '';

  constructor(options: AheadSourceOptions) {
    this.#options = options;
  }

  /** Chains of earlier lives, and up to where they were looked into. */
  get looked(): readonly LookedChain[] {
    return this.#options.memory.looked();
  }

  /**
   * Looks into a block that was recorded. How far it looked is kept now and then: what follows is looked into again.
   *
   * @throws MalformedBytesError, NewerFormatError of a block that cannot be read, and what the memory throws
   */
  look(chain: LinkedChain, bytes: Uint8Array, lastSequence: number, openedUs = this.#options.openedUs): void {
    const key = linkedKey(chain);
    const events = isStub(bytes) ? [] : aheadEvents(bytes);
    const kept = this.#kept.get(key);
    if (events.length === 0 && kept !== undefined && lastSequence - kept < KEEP_EVERY) return;
    this.#options.memory.keep({ ...chain, openedUs, sequence: lastSequence }, events);
    this.#kept.set(key, lastSequence);
  }

  /** A link has begun. @param hub names it: another one has heard of nothing */
  linked(hub: string): void {
    if (hub !== this.#hub) this.#told.clear();
    this.#hub = hub;
    this.#queue = [];
    this.#asked = null;
  }

  /** The hub has said where it stands in the chains. */
  held(chains: readonly HeldChain[]): void {
    // Of a chain of which it holds another history, it has nothing of this one.
    for (const chain of chains) if (chain.refusal === null) this.arrived(chain, chain.sequence);
    this.#queue = [...this.#options.memory.chains()];
    this.#next();
  }

  answered(answer: AheadAnswer): void {
    const asked = this.#asked;
    if (asked === null || linkedKey(answer) !== asked.key) return;
    this.#asked = null;
    if (answer.refusal === null) this.#told.set(asked.key, asked.lastSequence);
    else {
      // With its blocks it will come; whoever refuses them says so too.
      this.#queue = answer.refusal === 'later' ? [] : this.#queue.filter((chain) => linkedKey(chain) !== asked.key);
      if (isFinal(answer.refusal)) this.#options.refused(answer);
    }
    this.#next();
  }

  /** The hub has the blocks of a chain up to there. */
  arrived(chain: LinkedChain, sequence: number): void {
    this.#options.memory.arrived(chain, sequence);
  }

  #next(): void {
    const { memory, tenant, say, now } = this.#options;
    for (let chain = this.#queue[0]; chain !== undefined; chain = this.#queue[0]) {
      const { source, epoch, openedUs, leftOut } = chain;
      const key = linkedKey(chain);
      const envelopes: Uint8Array[] = [];
      let [bytes, lastSequence] = [0, 0];
      for (const { sequence, envelope } of memory.after(chain, this.#told.get(key) ?? 0, AHEAD_MOST_EVENTS)) {
        bytes += envelope.length;
        if (bytes > AHEAD_MOST_BYTES) break;
        envelopes.push(envelope);
        lastSequence = sequence;
      }
      if (envelopes.length > 0) {
        this.#asked = { key, lastSequence };
        say({ tenant, source, epoch, openedUs, envelopes, leftOut, time: now() });
        return;
      }
      this.#queue.shift();
    }
  }
}
