import { blockHead } from '../../src/block.ts';
import type { StoredBlock } from '../../src/store.ts';
import { storedBlocks } from '../../src/sync/packed-blocks.ts';
import { MalformedBytesError } from '../../src/wire/wire-reader.ts';
import type { CommitPlan, PlacedBlock } from '../commit-plan.ts';
import { zstandard } from '../zstandard.ts';

/** What a row of `recorder.blocks` holds: a block, or several that follow each other, packed (SPEC R109). */
export interface BlockRow extends StoredBlock {
  /** Blocks in it; 0: it is one. */
  readonly packed: number;
}

/**
 * The blocks of a row, in order. Their hashes stand in the block behind each, and of the last beside the row. What cannot
 * be unpacked is given as it lies, for whoever verifies to name.
 */
export function blocksOf(row: BlockRow): readonly StoredBlock[] {
  const { firstSequence, hash, bytes, packed } = row;
  const asItLies: readonly StoredBlock[] = [{ firstSequence, hash, bytes }];
  if (packed === 0) return asItLies;
  try {
    const contents = storedBlocks(bytes, zstandard);
    const heads = contents.map((content) => blockHead(content));
    if (contents.length !== packed || heads[0]?.firstSequence !== firstSequence) return asItLies;
    return contents.map((content, i) => ({
      firstSequence: heads[i]?.firstSequence as number,
      hash: heads[i + 1]?.previousHash ?? hash,
      bytes: content,
    }));
  } catch (error) {
    if (error instanceof MalformedBytesError) return asItLies;
    throw error;
  }
}

/** A row that a commit writes. */
export interface PlannedRow {
  /** One, or all of a pack. */
  readonly blocks: readonly [PlacedBlock, ...PlacedBlock[]];
  readonly bytes: Uint8Array;
  readonly packed: number;
}

/**
 * The rows of a plan: what came packed stays so where all of it goes in. The beginning of a chain is a row of its own,
 * which is looked up by itself.
 */
export function rowsOf({ blocks }: Pick<CommitPlan, 'blocks'>): readonly PlannedRow[] {
  const rows: PlannedRow[] = [];
  for (let at = 0; at < blocks.length; ) {
    const first = blocks[at] as PlacedBlock;
    const { pack, bytes } = first.block;
    const rest = pack === undefined ? [] : blocks.slice(at + 1, at + pack.blocks);
    if (pack !== undefined && rest.length === pack.blocks - 1 && mayPack(first, rest)) {
      rows.push({ blocks: [first, ...rest], bytes: pack.bytes, packed: pack.blocks });
      at += pack.blocks;
    } else {
      rows.push({ blocks: [first], bytes, packed: 0 });
      at++;
    }
  }
  return rows;
}

function mayPack(first: PlacedBlock, rest: readonly PlacedBlock[]): boolean {
  if (rest.length === 0 || first.block.firstSequence === 1) return false;
  let next = first.block.firstSequence + first.block.count;
  return rest.every(({ block }) => {
    const follows = block.source === first.block.source && block.epoch === first.block.epoch;
    const here = follows && block.firstSequence === next;
    next += block.count;
    return here;
  });
}
