import { NO_BLOCK } from '../src/block.ts';
import type { SealedBlock } from '../src/chain-writer.ts';
import { type ChainHead, type ChainId, sameBytes } from '../src/event.ts';
import { ForeignBlockError } from '../src/store.ts';
import { blocksIn, blocksOf, isPack, type SealedPack } from '../src/sync/taking/sealed-pack.ts';

/** A chain that a commit carries on. */
export interface Advance {
  readonly chain: ChainId;
  /** Where the chain must still end when the commit is made; null when it must not exist. */
  readonly from: ChainHead | null;
  readonly to: ChainHead;
}

/** What is appended: a block, or blocks that came packed, as one. */
export type SealedUnit = SealedBlock | SealedPack;

/** A block in the place that a commit gives it. */
export interface PlacedBlock<Unit extends SealedUnit = SealedBlock> {
  readonly block: Unit;
  /** Counts the blocks of its chain, from 1; of a pack the first one's. */
  readonly ordinal: number;
}

/** What one commit writes, and what each group is told once it is written. */
export interface CommitPlan<Unit extends SealedUnit = SealedBlock> {
  /** For each group null, or why it is refused; of a refused group nothing is written. */
  readonly answers: readonly (ForeignBlockError | null)[];
  readonly advances: readonly Advance[];
  /** In the order in which they came. */
  readonly blocks: readonly PlacedBlock<Unit>[];
}

export const chainKey = ({ tenant, source, epoch }: ChainId): string => `${tenant}\0${source}\0${epoch}`;
export const blockKey = (block: ChainId & { readonly firstSequence: number }): string =>
  `${chainKey(block)}\0${block.firstSequence}`;

/** `chainKey` for blocks of which many in a row are of one chain. */
export function chainKeys(): (chain: ChainId) => string {
  let last: ChainId | null = null;
  let key = '';
  return (chain) => {
    const same = last?.source === chain.source && last.epoch === chain.epoch && last.tenant === chain.tenant;
    if (!same) key = chainKey(chain);
    last = chain;
    return key;
  };
}

/** Blocks that lie before the end of their chain, which only their stored twins can judge. */
export function blocksToCompare(
  groups: readonly (readonly SealedUnit[])[],
  tails: ReadonlyMap<string, ChainHead>,
): readonly SealedBlock[] {
  const keyOf = chainKeys();
  return groups.flatMap((group) =>
    group.flatMap((unit) => {
      const end = tails.get(keyOf(unit))?.sequence ?? 0;
      if (unit.firstSequence > end) return [];
      return isPack(unit) ? blocksOf(unit, unit).filter(({ firstSequence }) => firstSequence <= end) : unit;
    }),
  );
}

/**
 * Decides which blocks go in. Writes nothing: the caller carries the plan out in one transaction that holds only while
 * every chain still ends where the plan says. A pack that goes on where its chain ends stays one; else each of its blocks
 * is judged.
 *
 * @param tails where the chains of these groups end
 * @param stored hashes of the blocks of `blocksToCompare` that are stored, by `blockKey`
 */
export function planCommit<Unit extends SealedUnit = SealedBlock>(
  groups: readonly (readonly Unit[])[],
  tails: ReadonlyMap<string, ChainHead>,
  stored: ReadonlyMap<string, Uint8Array>,
): CommitPlan<Unit | SealedBlock> {
  const reached = new Map<string, ChainHead>();
  const blocks: PlacedBlock<Unit | SealedBlock>[] = [];
  const accepted = new Twins(blocks);
  const keyOf = chainKeys();
  const answers = groups.map((group) => {
    const ends = new Map<string, ChainHead>();
    const fresh: PlacedBlock<Unit | SealedBlock>[] = [];
    const own = new Twins(fresh);
    const place = (unit: Unit | SealedBlock): ForeignBlockError | null => {
      const key = keyOf(unit);
      const before = ends.get(key) ?? reached.get(key) ?? tails.get(key) ?? null;
      if (isPack(unit) && !goesOn(unit, before)) return firstOf(blocksOf(unit, unit), place);
      const twin = (): Uint8Array | undefined => {
        const name = blockKey(unit);
        return own.of(name) ?? accepted.of(name) ?? stored.get(name);
      };
      const verdict = judge(unit, before, twin);
      if (verdict === 'stored') return null;
      if (verdict !== 'continues') return verdict;
      ends.set(key, headAfter(unit, before));
      fresh.push({ block: unit, ordinal: (before?.blocks ?? 0) + 1 });
      return null;
    };
    const refusal = firstOf(group, place);
    if (refusal !== null) return refusal;
    for (const [key, end] of ends) reached.set(key, end);
    blocks.push(...fresh);
    return null;
  });
  const advances = [...reached].map(([key, end]) => {
    // Bytes of its own: an end is remembered for longer than what brought it.
    const to = { ...end, hash: end.hash.slice() };
    return { chain: to, from: tails.get(key) ?? null, to };
  });
  return { answers, advances, blocks };
}

/** The first error of them all, in order, or null; behind it none is tried. */
function firstOf<T>(items: readonly T[], attempt: (item: T) => ForeignBlockError | null): ForeignBlockError | null {
  for (const item of items) {
    const error = attempt(item);
    if (error !== null) return error;
  }
  return null;
}

/** Hashes by `blockKey` of blocks that only grow in number. Few are ever asked for: they are named when one is. */
class Twins {
  readonly #blocks: readonly PlacedBlock<SealedUnit>[];
  readonly #hashes = new Map<string, Uint8Array>();
  #named = 0;

  constructor(blocks: readonly PlacedBlock<SealedUnit>[]) {
    this.#blocks = blocks;
  }

  of(name: string): Uint8Array | undefined {
    for (; this.#named < this.#blocks.length; this.#named++) {
      const { block: unit } = this.#blocks[this.#named] as PlacedBlock<SealedUnit>;
      for (const block of isPack(unit) ? blocksOf(unit, unit) : [unit]) this.#hashes.set(blockKey(block), block.hash);
    }
    return this.#hashes.get(name);
  }
}

function judge(
  block: SealedUnit,
  before: ChainHead | null,
  twinOf: () => Uint8Array | undefined,
): 'continues' | 'stored' | ForeignBlockError {
  const { firstSequence } = block;
  const end = before?.sequence ?? 0;
  if (firstSequence <= end) {
    const twin = twinOf();
    if (twin !== undefined && sameBytes(twin, block.hash)) return 'stored';
    return new ForeignBlockError(
      block,
      firstSequence,
      `the recording already reaches ${end} with other content: two histories of one source`,
    );
  }
  if (firstSequence !== end + 1) {
    return new ForeignBlockError(block, firstSequence, `the recording ends at ${end}; events between are missing`);
  }
  if (!sameBytes(block.previousHash, before?.hash ?? NO_BLOCK)) {
    return new ForeignBlockError(block, firstSequence, 'it does not carry the hash of the block before it');
  }
  return 'continues';
}

/** The end of a chain once a block that continues it is behind it. A stub counts as all that it stands for (SPEC R150). */
export function headAfter(unit: SealedUnit, before: ChainHead | null): ChainHead {
  const { tenant, source, epoch, hash, firstSequence, count, lastAtUs: atUs } = unit;
  const blocks = (before?.blocks ?? 0) + (isPack(unit) ? unit.standsFor : blocksIn(unit.bytes));
  return { tenant, source, epoch, hash, atUs, sequence: firstSequence + count - 1, blocks };
}

/** Whether a block is the next of the chain that ends there. */
export function goesOn({ firstSequence, previousHash }: SealedUnit, end: ChainHead | null): boolean {
  return firstSequence === (end?.sequence ?? 0) + 1 && sameBytes(previousHash, end?.hash ?? NO_BLOCK);
}
