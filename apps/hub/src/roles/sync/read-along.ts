import { type LinkedChain, linkedKey, type SealedBlock } from '@sigma/recorder';
import type { ReadState } from '../chronicle/read-on.ts';
import { type ReadFrom, type ReadStretch, readStretch } from '../chronicle/read-stretch.ts';

/** Chains of which is remembered how far they were read; of more the one that came first of late is forgotten. */
const MOST_CHAINS = 4_096;

interface Known {
  readonly next: number;
  readonly state: ReadState;
}

/**
 * Reads what is stored while it is at hand, for whoever looks into it elsewhere (recorder/SPEC.md R192): from where he
 * stands, and then on by itself. What it cannot read on from there he reads from the store.
 */
export class ReadAlong {
  /** By chain, the one that was read last at the end. */
  readonly #known = new Map<string, Known>();
  readonly #mostChains: number;

  constructor(mostChains = MOST_CHAINS) {
    this.#mostChains = mostChains;
  }

  /**
   * @param from what he knows of the chain; null: he does not look into it
   * @param stored blocks that follow each other, made when they are read; they are let go before it returns
   * @returns what was found, in memory of its own, or null where nothing was read
   */
  read(chain: LinkedChain, from: ReadFrom | null, stored: () => readonly SealedBlock[]): ReadStretch | null {
    if (from === null) return null;
    try {
      return this.#read(linkedKey(chain), from, stored());
    } catch {
      // They are stored all the same. He comes upon what is wrong with them too, and says so.
      this.#known.delete(linkedKey(chain));
      return null;
    }
  }

  #read(key: string, { next, state, waiting }: ReadFrom, blocks: readonly SealedBlock[]): ReadStretch | null {
    const own = this.#known.get(key);
    const given = state === null ? null : { next, state };
    const ways = [own, given].flatMap((way) => way ?? []).sort((a, b) => b.next - a.next);
    for (const way of ways) {
      const at = blocks.findIndex(({ firstSequence }) => firstSequence === way.next);
      if (at < 0) continue;
      const { firstSequence, count } = blocks.at(-1) as SealedBlock;
      const stretch = { firstSequence: way.next, lastSequence: firstSequence + count - 1 };
      const read = readStretch(blocks.slice(at), stretch, way.state, waiting);
      this.#remember(key, { next: read.lastSequence + 1, state: read.state });
      return inOwnMemory(read);
    }
    return null;
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= this.#mostChains) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** What lies in the blocks is copied into one piece of memory that can change hands. */
function inOwnMemory(read: ReadStretch): ReadStretch {
  const bytes = new Uint8Array(read.decisions.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  const decisions = read.decisions.map((decision) => {
    const data = bytes.subarray(at, at + decision.data.length);
    data.set(decision.data);
    at += data.length;
    return { ...decision, data };
  });
  return { ...read, decisions };
}

/** The memory of what was found, which changes hands with it. */
export function memoryOf(read: ReadStretch | null): readonly ArrayBuffer[] {
  const buffer = read?.decisions[0]?.data.buffer;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}
