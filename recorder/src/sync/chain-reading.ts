import type { ChainId } from '../event.ts';
import type { Recording, StoredBlock } from '../store.ts';
import { decodeStub, isStub, restOfStub, sealStub } from './gap.ts';
import { outgoingBlock } from './outgoing.ts';
import type { OutgoingBlock } from './sending-chain.ts';

/**
 * Reads one chain for the sender, batch after batch. Where a batch begins at what was read and not taken, or right behind
 * what was, the reading goes on: to look a place up anew in the recording takes as long as to read a batch.
 */
export class ChainReading {
  readonly #recording: Pick<Recording, 'blocks'>;
  readonly #chain: ChainId;
  #running: AsyncIterator<StoredBlock> | null = null;
  /** Read, and perhaps not taken yet. */
  #ahead: OutgoingBlock[] = [];
  /** First event behind all that was read. */
  #next = 0;

  constructor(recording: Pick<Recording, 'blocks'>, chain: ChainId) {
    this.#recording = recording;
    this.#chain = chain;
  }

  /**
   * Blocks from that event on, up to so many bytes, one at least; behind a stub, which ends no batch, comes one more.
   * None where there is nothing.
   *
   * @param toSequence where the chain ended when it was last looked at
   * @throws StoreError, MalformedBytesError; then the next reading begins anew
   */
  async read(fromSequence: number, toSequence: number, mostBytes: number): Promise<readonly OutgoingBlock[]> {
    this.#ahead = this.#ahead.filter(({ firstSequence }) => firstSequence >= fromSequence);
    if ((this.#ahead[0]?.firstSequence ?? this.#next) !== fromSequence) this.forget();
    try {
      return await this.#fill(fromSequence, toSequence, mostBytes);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** The next reading begins anew. */
  forget(): void {
    this.#running = null;
    this.#ahead = [];
    this.#next = 0;
  }

  async #fill(fromSequence: number, toSequence: number, mostBytes: number): Promise<readonly OutgoingBlock[]> {
    let bytes = 0;
    for (let count = 0; ; count++) {
      const block = this.#ahead[count] ?? (await this.#more(fromSequence, toSequence));
      if (block === null) return this.#ahead.slice(0, count);
      bytes += block.bytes.length;
      if (bytes >= mostBytes && !isStub(block.bytes)) return this.#ahead.slice(0, count + 1);
    }
  }

  /**
   * The next block; null at the end. A reading that ends before, since the chain has grown, or passes over a place, since
   * a stub was put there, begins anew.
   */
  async #more(fromSequence: number, toSequence: number): Promise<OutgoingBlock | null> {
    const place = this.#next === 0 ? fromSequence : this.#next;
    if (place > toSequence) return null;
    for (;;) {
      const begins = this.#running === null;
      this.#running ??= this.#recording.blocks(this.#chain, place, toSequence)[Symbol.asyncIterator]();
      const { done, value } = await this.#running.next();
      if (done !== true && (begins || value.firstSequence === place)) {
        const block = outgoingBlock(isStub(value.bytes) ? behind(value, place) : value);
        this.#ahead.push(block);
        this.#next = block.firstSequence + block.count;
        return block;
      }
      this.#running = null;
      if (begins) return null;
    }
  }
}

/** What of a stub the hub does not have yet: it may have received part of the stretch before that was dropped. */
function behind(stored: StoredBlock, fromSequence: number): StoredBlock {
  const rest = stored.firstSequence < fromSequence ? restOfStub(decodeStub(stored.bytes), fromSequence) : null;
  return rest === null ? stored : sealStub(rest);
}
