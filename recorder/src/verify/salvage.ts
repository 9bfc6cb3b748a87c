import { scanBlock } from '../block.ts';
import type { ChainId } from '../event.ts';
import { type Recording, StoreCorruptError, type StoredBlock } from '../store.ts';

/** Events behind damage that are each tried before steps grow. */
const ONE_BY_ONE = 1024;

/**
 * Reads a chain out of a store that may be damaged itself: what the store cannot give is passed over, and reading goes
 * on behind it. Whoever reads sees a hole in the sequences, and `takeFault` says what made it.
 */
export class Salvage {
  readonly #recording: Recording;
  readonly #chain: ChainId;
  readonly #lastSequence: number;
  #faults: string[] = [];

  /** @param lastSequence end of the chain as its head says: behind damage nothing is sought beyond it */
  constructor(recording: Recording, chain: ChainId, lastSequence: number) {
    this.#recording = recording;
    this.#chain = chain;
    this.#lastSequence = lastSequence;
  }

  /** What the store said of the damage met since the last call, of each part that it knows by name; null of none. */
  takeFault(): string | null {
    const faults = this.#faults;
    this.#faults = [];
    return faults.length === 0 ? null : faults.join('; ');
  }

  /** Every block that can be read, as the store gives them. @throws StoreError other than StoreCorruptError */
  async *blocks(): AsyncIterable<StoredBlock> {
    let next: number | null = 1;
    while (next !== null) {
      let last: StoredBlock | null = null;
      let hiddenTo: number | null;
      try {
        for await (const block of this.#recording.blocks(this.#chain, next, Number.MAX_SAFE_INTEGER)) {
          yield block;
          last = block;
        }
        return;
      } catch (error) {
        if (!(error instanceof StoreCorruptError)) throw error;
        hiddenTo = error.hiddenTo;
        if (hiddenTo !== null) this.#faults.push(error.what);
      }
      if (hiddenTo !== null && hiddenTo >= next) {
        next = hiddenTo < this.#lastSequence ? hiddenTo + 1 : null;
        continue;
      }
      // A store reads ahead, so that what stands right before the damage was not given either. One by one it is.
      if (last !== null) next = Math.max(next, endOf(last) + 1);
      for (let block = await this.#at(next); block !== null; block = await this.#at(next)) {
        yield block;
        next = endOf(block) + 1;
      }
      next = await this.#readableBehind(next);
    }
  }

  /** The block that holds an event, or null when the store cannot give it, or gives another. */
  async #at(sequence: number): Promise<StoredBlock | null> {
    try {
      for await (const block of this.#recording.blocks(this.#chain, sequence, sequence)) {
        if (block.firstSequence <= sequence && endOf(block) >= sequence) return block;
      }
    } catch (error) {
      if (!(error instanceof StoreCorruptError)) throw error;
      if (this.#faults.length === 0) this.#faults.push(error.what);
    }
    return null;
  }

  /**
   * The first event behind the damage: sought one by one as far as a damaged page or two would reach, then in steps that
   * double and at last halve, so that a store of which half is gone, or whose head is nonsense, does not take for ever.
   */
  async #readableBehind(damaged: number): Promise<number | null> {
    let bad = damaged;
    let good: number | null = null;
    for (let step = 1; good === null; step = bad - damaged < ONE_BY_ONE ? 1 : step * 2) {
      const probe = Math.min(bad + step, this.#lastSequence);
      if (probe <= bad) return null;
      if ((await this.#at(probe)) === null) bad = probe;
      else good = probe;
    }
    while (good - bad > 1) {
      const middle = Math.floor((good + bad) / 2);
      if ((await this.#at(middle)) === null) bad = middle;
      else good = middle;
    }
    return good;
  }
}

function endOf({ bytes, firstSequence }: StoredBlock): number {
  try {
    return firstSequence + scanBlock(bytes).sequences.length - 1;
  } catch {
    // A block that cannot be read is for the check of the chain to tell; the next event is sought right behind it.
    return firstSequence;
  }
}
