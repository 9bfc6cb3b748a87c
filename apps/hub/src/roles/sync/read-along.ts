import { type LinkedChain, linkedKey, type SealedBlock, type StoredBlock } from '@sigma/recorder';
import type { ReadState } from '../chronicle/read-on.ts';
import { type ReadFrom, type ReadStretch, readStretch } from '../chronicle/read-stretch.ts';

/** Chains of which is remembered how far they were read; of more the one that was read longest ago is forgotten. */
const MOST_CHAINS = 4_096;
/** Bytes of what was stored before that are read in one turn. */
const SLICE_BYTES = 256 * 1024;

export interface ReadAlongOptions {
  /** What is stored of a chain, both ends inclusive. */
  readonly blocks: (chain: LinkedChain, from: number, to: number) => AsyncIterable<StoredBlock>;
  /** Something was found in what had been stored before; views into that. */
  readonly found: (chain: LinkedChain, read: ReadStretch, asked: readonly number[]) => void;
  readonly mostChains?: number;
}

interface Known {
  readonly next: number;
  readonly state: ReadState;
}

/** A chain that is read up from the store, so that it can be read along again. */
interface CatchUp {
  readonly chain: LinkedChain;
  readonly asked: readonly number[];
  readonly holds: boolean;
  /** The last event that is stored of it. */
  until: number;
}

/**
 * Reads what is stored while it is at hand, for whoever looks into it elsewhere (recorder/SPEC.md R192): from where he
 * stands, and then on by itself. Where he stands further back, because a thread or a hub was ended, it reads from the
 * store what lies between, of one chain at a time; else he would be behind until the backlog ends.
 */
export class ReadAlong {
  readonly #options: ReadAlongOptions;
  /** By chain, the one that was read last at the end. */
  readonly #known = new Map<string, Known>();
  #catchUp: CatchUp | null = null;
  #catching: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ReadAlongOptions) {
    this.#options = options;
  }

  /**
   * @param from what he knows of the chain; null: he does not look into it
   * @param stored blocks that follow each other, made when they are read; they are let go before it returns
   * @returns what was found, views into them, or null where it was not read now
   */
  read(chain: LinkedChain, from: ReadFrom | null, stored: () => readonly SealedBlock[]): ReadStretch | null {
    if (from === null) return null;
    try {
      return this.#read(chain, from, stored());
    } catch {
      // They are stored all the same. He comes upon what is wrong with them too, and says so.
      this.#known.delete(linkedKey(chain));
      return null;
    }
  }

  /** Resolves when the store is asked for nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#catching;
  }

  #read(chain: LinkedChain, from: ReadFrom, blocks: readonly SealedBlock[]): ReadStretch | null {
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (first === undefined || last === undefined) return null;
    const lastSequence = last.firstSequence + last.count - 1;
    const ways = this.#ways(chain, from);
    for (const { next, state } of ways) {
      const at = blocks.findIndex(({ firstSequence }) => firstSequence === next);
      if (at < 0) continue;
      const read = readStretch(
        blocks.slice(at),
        { firstSequence: next, lastSequence },
        state,
        from.waiting,
        from.holds,
      );
      this.#remember(chain, { next: lastSequence + 1, state: read.state });
      return read;
    }
    const [furthest] = ways;
    if (this.#catchUp !== null && linkedKey(this.#catchUp.chain) === linkedKey(chain)) {
      this.#catchUp.until = Math.max(this.#catchUp.until, lastSequence);
    } else if (this.#catchUp === null && furthest.next < first.firstSequence) {
      this.#catchUp = { chain, asked: from.waiting, holds: from.holds, until: lastSequence };
      this.#catching = this.#catchesUp(this.#catchUp, furthest)
        // What cannot be read here cannot be read by him either.
        .catch(() => undefined)
        .finally(() => {
          this.#catchUp = null;
        });
    }
    return null;
  }

  /** Where the chain can be read on from, the furthest first. */
  #ways(chain: LinkedChain, { next, state }: ReadFrom): readonly [Known, ...Known[]] {
    const own = this.#known.get(linkedKey(chain));
    const given = { next, state };
    if (own === undefined) return [given];
    return own.next >= next ? [own, given] : [given, own];
  }

  async #catchesUp(job: CatchUp, { next, state }: Known): Promise<void> {
    const { chain, asked, holds } = job;
    let blocks: StoredBlock[] = [];
    let bytes = 0;
    const readTo = (lastSequence: number): void => {
      const read = readStretch(blocks, { firstSequence: next, lastSequence }, state, asked, holds);
      [next, state, blocks, bytes] = [lastSequence + 1, read.state, [], 0];
      this.#remember(chain, { next, state });
      this.#options.found(chain, read, asked);
    };
    // What was stored meanwhile was not read.
    while (next <= job.until) {
      const { until } = job;
      for await (const block of this.#options.blocks(chain, next, until)) {
        if (this.#closed) return;
        if (bytes >= SLICE_BYTES) readTo(block.firstSequence - 1);
        blocks.push(block);
        bytes += block.bytes.length;
      }
      readTo(until);
    }
  }

  #remember(chain: LinkedChain, known: Known): void {
    const { mostChains = MOST_CHAINS } = this.#options;
    const key = linkedKey(chain);
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= mostChains) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
