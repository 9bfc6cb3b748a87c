import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainHead, ChainId } from '../../src/event.ts';
import {
  type BlockRun,
  type ChainEnd,
  runOf,
  type SnapshotPlace,
  type StoredBlock,
  type StoredPack,
} from '../../src/store.ts';
import { chainKey, goesOn, headAfter } from '../commit-plan.ts';
import type { BlockTable } from './block-table.ts';
import { beyond, blocksAnywhere } from './landing.ts';

/** At a landing that seems to be altered. */
const MOST_LOOKS = 3;

/**
 * A recording as it is read: what has landed, and the database. In this order each time, so that what is carried over
 * meanwhile is seen in one of the two.
 */
export class LandedView {
  readonly #table: BlockTable;
  readonly #landingPath: string;
  readonly #landed: () => readonly SealedBlock[];

  /** @param landed what has landed, in order: as far as this program knows, or as the file says */
  constructor(table: BlockTable, landingPath: string, landed: () => readonly SealedBlock[]) {
    this.#table = table;
    this.#landingPath = landingPath;
    this.#landed = landed;
  }

  heads(): readonly ChainHead[] {
    const landed = this.#landed();
    const heads = new Map(this.#table.heads().map((head) => [chainKey(head), head]));
    const known = heads.size;
    for (const block of landed) {
      const before = heads.get(chainKey(block)) ?? null;
      if (goesOn(block, before)) heads.set(chainKey(block), headAfter(block, before));
    }
    return heads.size === known ? [...heads.values()] : [...heads.values()].sort(inOrder);
  }

  /** Where to begin a range: blocks that begin after this sequence hold `fromSequence` and what follows. */
  before(chain: ChainId, fromSequence: number): number {
    const landed = this.#landedOf(chain).findLast(({ firstSequence }) => firstSequence <= fromSequence);
    const stored = this.#table.before(chain, fromSequence);
    if (landed === undefined) return stored;
    const { firstSequence: first, count } = landed;
    return Math.max(stored, first + count <= fromSequence ? first : first - 1);
  }

  /** The first blocks that begin after `after` and not after `toSequence`: `most`, and what is packed with the last. */
  page(chain: ChainId, after: number, toSequence: number, most: number): readonly StoredBlock[] {
    const stored = this.#table.page(chain, after, toSequence, most);
    if (stored.length >= most) return stored;
    const landed = this.#landedOf(chain);
    const blocks = [...this.#table.page(chain, after, toSequence, most)];
    for (const block of landed) {
      const last = blocks.at(-1)?.firstSequence ?? after;
      if (blocks.length < most && block.firstSequence > last && block.firstSequence <= toSequence) blocks.push(block);
    }
    return blocks;
  }

  /** The same for who passes them on; null where there are none. */
  run(chain: ChainId, after: number, toSequence: number, most: number): BlockRun | null {
    const nothingLanded = this.#landedOf(chain).length === 0;
    const stored = this.#table.run(chain, after, toSequence, most);
    if (nothingLanded || (stored !== null && stored.ends.length >= most)) return stored;
    return runOf(this.page(chain, after, toSequence, most));
  }

  /** The pack that begins with that event, as it lies; null where none does. */
  packAt(chain: ChainId, firstSequence: number): StoredPack | null {
    return this.#table.packAt(chain, firstSequence);
  }

  /** From that event on, the last one before the next pack, or how far was looked for one. What lands is never packed. */
  unpackedTo(chain: ChainId, fromSequence: number): number {
    return this.#table.unpackedTo(chain, fromSequence);
  }

  snapshotBefore(chain: ChainId, atUs: number): SnapshotPlace | null {
    for (const { firstSequence, snapshots } of this.#landedOf(chain).toReversed()) {
      const mark = snapshots.findLast((snapshot) => snapshot.atUs <= atUs);
      if (mark !== undefined) return { ...mark, blockSequence: firstSequence };
    }
    return this.#table.snapshotBefore(chain, atUs);
  }

  /** See `Recording.severed`. Who writes meanwhile may be seen in the middle of it, and is not the next time. */
  severed(): readonly ChainEnd[] {
    let ends: readonly ChainEnd[] = beyond(blocksAnywhere(this.#landingPath), this.heads());
    for (let looks = 1; looks < MOST_LOOKS && ends.length > 0; looks++) {
      const again = beyond(blocksAnywhere(this.#landingPath), this.heads());
      ends = ends.filter((end) => again.some((one) => chainKey(one) === chainKey(end)));
    }
    return ends;
  }

  /** What landed of a chain and is not in the database. */
  #landedOf(chain: ChainId): readonly SealedBlock[] {
    const key = chainKey(chain);
    const landed = this.#landed().filter((block) => chainKey(block) === key);
    if (landed.length === 0) return [];
    let end = this.#table.head(chain);
    return landed.filter((block) => {
      if (!goesOn(block, end)) return false;
      end = headAfter(block, end);
      return true;
    });
  }
}

/** As SQLite sorts texts: by their bytes. */
function inOrder(a: ChainId, b: ChainId): number {
  const text = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));
  return text(a.tenant, b.tenant) || text(a.source, b.source) || a.epoch - b.epoch;
}
