import { NO_BLOCK } from '../src/block.ts';
import type { SealedBlock } from '../src/chain-writer.ts';
import { type ChainHead, type ChainId, sameBytes } from '../src/event.ts';
import { ForeignBlockError } from '../src/store.ts';
import { decodeStub, isStub } from '../src/sync/gap.ts';

/** A chain that a commit carries on. */
export interface Advance {
  readonly chain: ChainId;
  /** Where the chain must still end when the commit is made; null when it must not exist. */
  readonly from: ChainHead | null;
  readonly to: ChainHead;
}

/** A block in the place that a commit gives it. */
export interface PlacedBlock {
  readonly block: SealedBlock;
  /** Counts the blocks of its chain, from 1. */
  readonly ordinal: number;
}

/** What one commit writes, and what each group is told once it is written. */
export interface CommitPlan {
  /** For each group null, or why it is refused; of a refused group nothing is written. */
  readonly answers: readonly (ForeignBlockError | null)[];
  readonly advances: readonly Advance[];
  /** In the order in which they came. */
  readonly blocks: readonly PlacedBlock[];
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
  groups: readonly (readonly SealedBlock[])[],
  tails: ReadonlyMap<string, ChainHead>,
): readonly SealedBlock[] {
  const keyOf = chainKeys();
  return groups.flatMap((group) =>
    group.filter((block) => block.firstSequence <= (tails.get(keyOf(block))?.sequence ?? 0)),
  );
}

/**
 * Decides which blocks go in. Writes nothing: the caller carries the plan out in one transaction that holds only while
 * every chain still ends where the plan says.
 *
 * @param tails where the chains of these groups end
 * @param stored hashes of the blocks of `blocksToCompare` that are stored, by `blockKey`
 */
export function planCommit(
  groups: readonly (readonly SealedBlock[])[],
  tails: ReadonlyMap<string, ChainHead>,
  stored: ReadonlyMap<string, Uint8Array>,
): CommitPlan {
  const reached = new Map<string, ChainHead>();
  const blocks: PlacedBlock[] = [];
  const accepted = new Twins(blocks);
  const keyOf = chainKeys();
  const answers = groups.map((group) => {
    const ends = new Map<string, ChainHead>();
    const fresh: PlacedBlock[] = [];
    const own = new Twins(fresh);
    for (const block of group) {
      const key = keyOf(block);
      const before = ends.get(key) ?? reached.get(key) ?? tails.get(key) ?? null;
      const twin = (): Uint8Array | undefined => {
        const name = blockKey(block);
        return own.of(name) ?? accepted.of(name) ?? stored.get(name);
      };
      const verdict = judge(block, before, twin);
      if (verdict === 'stored') continue;
      if (verdict !== 'continues') return verdict;
      ends.set(key, headAfter(block, before));
      fresh.push({ block, ordinal: (before?.blocks ?? 0) + 1 });
    }
    for (const [key, end] of ends) reached.set(key, end);
    blocks.push(...fresh);
    return null;
  });
  const advances = [...reached].map(([key, to]) => ({ chain: to, from: tails.get(key) ?? null, to }));
  return { answers, advances, blocks };
}

/** Hashes by `blockKey` of blocks that only grow in number. Few are ever asked for: they are named when one is. */
class Twins {
  readonly #blocks: readonly PlacedBlock[];
  readonly #hashes = new Map<string, Uint8Array>();
  #named = 0;

  constructor(blocks: readonly PlacedBlock[]) {
    this.#blocks = blocks;
  }

  of(name: string): Uint8Array | undefined {
    for (; this.#named < this.#blocks.length; this.#named++) {
      const { block } = this.#blocks[this.#named] as PlacedBlock;
      this.#hashes.set(blockKey(block), block.hash);
    }
    return this.#hashes.get(name);
  }
}

function judge(
  block: SealedBlock,
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
export function headAfter(block: SealedBlock, before: ChainHead | null): ChainHead {
  const { tenant, source, epoch, hash, firstSequence, count, lastAtUs: atUs, bytes } = block;
  const blocks = (before?.blocks ?? 0) + blocksIn(bytes);
  return { tenant, source, epoch, hash, atUs, sequence: firstSequence + count - 1, blocks };
}

/** Blocks that these bytes stand for: one, or those that a stub took the place of. */
export const blocksIn = (bytes: Uint8Array): number => (isStub(bytes) ? decodeStub(bytes).dropped.length : 1);

/** Whether a block is the next of the chain that ends there. */
export function goesOn({ firstSequence, previousHash }: SealedBlock, end: ChainHead | null): boolean {
  return firstSequence === (end?.sequence ?? 0) + 1 && sameBytes(previousHash, end?.hash ?? NO_BLOCK);
}
