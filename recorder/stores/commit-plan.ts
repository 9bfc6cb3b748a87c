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

/** Blocks that lie before the end of their chain, which only their stored twins can judge. */
export function blocksToCompare(
  groups: readonly (readonly SealedBlock[])[],
  tails: ReadonlyMap<string, ChainHead>,
): readonly SealedBlock[] {
  return groups.flat().filter((block) => block.firstSequence <= (tails.get(chainKey(block))?.sequence ?? 0));
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
  const known = new Map(stored);
  const blocks: PlacedBlock[] = [];
  const answers = groups.map((group) => {
    const ends = new Map<string, ChainHead>();
    const own = new Map<string, Uint8Array>();
    const fresh: PlacedBlock[] = [];
    for (const block of group) {
      const key = chainKey(block);
      const name = blockKey(block);
      const before = ends.get(key) ?? reached.get(key) ?? tails.get(key) ?? null;
      const verdict = judge(block, before, own.get(name) ?? known.get(name));
      if (verdict === 'stored') continue;
      if (verdict !== 'continues') return verdict;
      const end = headAfter(block, before);
      ends.set(key, end);
      own.set(name, block.hash);
      fresh.push({ block, ordinal: (before?.blocks ?? 0) + 1 });
    }
    for (const [name, hash] of own) known.set(name, hash);
    for (const [key, end] of ends) reached.set(key, end);
    blocks.push(...fresh);
    return null;
  });
  const advances = [...reached].map(([key, to]) => ({ chain: to, from: tails.get(key) ?? null, to }));
  return { answers, advances, blocks };
}

function judge(
  block: SealedBlock,
  before: ChainHead | null,
  twin: Uint8Array | undefined,
): 'continues' | 'stored' | ForeignBlockError {
  const { firstSequence } = block;
  const end = before?.sequence ?? 0;
  if (firstSequence <= end) {
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
  const blocks = (before?.blocks ?? 0) + (isStub(bytes) ? decodeStub(bytes).dropped.length : 1);
  return { tenant, source, epoch, hash, atUs, sequence: firstSequence + count - 1, blocks };
}

/** Whether a block is the next of the chain that ends there. */
export function goesOn({ firstSequence, previousHash }: SealedBlock, end: ChainHead | null): boolean {
  return firstSequence === (end?.sequence ?? 0) + 1 && sameBytes(previousHash, end?.hash ?? NO_BLOCK);
}
