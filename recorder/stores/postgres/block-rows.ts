import { blockHead } from '../../src/block.ts';
import type { StoredBlock } from '../../src/store.ts';
import { storedBlocks } from '../../src/sync/packed-blocks.ts';
import { MalformedBytesError } from '../../src/wire/wire-reader.ts';
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
