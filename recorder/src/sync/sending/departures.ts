import { type LinkedChain, linkedKey } from '../sync-words.ts';

/** What an edge remembers of where its chains have been. Losing it loses no event: then everything may have left. */
export interface DepartureMemory {
  /** Chains of which nothing has left for a hub, in no life of this edge. */
  untouched(): readonly LinkedChain[];
  /** A chain is written in this life; one of which nothing is known is untouched. */
  begins(chain: LinkedChain): void;
  /** Something of it is about to leave. On disk, through a power cut, when it returns. */
  leaves(chain: LinkedChain): void;
}

/**
 * How far each chain may have come, whether a hub has said so or not. What stands behind that, no hub can stand amid: of
 * a stretch that is dropped there nobody will ask for a part (SPEC R127).
 */
export class Departures {
  readonly #memory: DepartureMemory;
  readonly #untouched: Set<string>;
  /** Of chains of which nothing had left when this life began. */
  readonly #furthest = new Map<string, number>();

  /** @throws what the memory throws */
  constructor(memory: DepartureMemory, growing: readonly LinkedChain[]) {
    for (const chain of growing) memory.begins(chain);
    this.#memory = memory;
    this.#untouched = new Set(memory.untouched().map(linkedKey));
  }

  /** To be told before anything of a chain is sent. @throws what the memory throws; then nothing may be sent */
  leaves(chain: LinkedChain): void {
    const key = linkedKey(chain);
    if (!this.#untouched.has(key)) return;
    this.#memory.leaves(chain);
    this.#untouched.delete(key);
    this.#furthest.set(key, 0);
  }

  /** Events up to that one have left. */
  left(chain: LinkedChain, sequence: number): void {
    const key = linkedKey(chain);
    const before = this.#furthest.get(key);
    if (before !== undefined && sequence > before) this.#furthest.set(key, sequence);
  }

  /** The last event that a hub may have; Infinity: nobody knows. */
  furthest(chain: LinkedChain): number {
    const key = linkedKey(chain);
    return this.#untouched.has(key) ? 0 : (this.#furthest.get(key) ?? Number.POSITIVE_INFINITY);
  }
}
