import type { SealedBlock } from '../../../src/index.ts';
import { packBlocks } from '../../../src/sync/packed-blocks.ts';
import { blocksIn, columnsOf, type SealedPack } from '../../../src/sync/taking/sealed-pack.ts';
import { zstandard } from '../../zstandard.ts';

/** Blocks that follow each other in one chain, as packs; the beginning of a chain, and what stands alone, by itself. */
export function packedRuns(blocks: readonly SealedBlock[]): readonly (SealedBlock | SealedPack)[] {
  const runs: SealedBlock[][] = [];
  for (const block of blocks) {
    const last = runs.at(-1)?.at(-1);
    const follows = last?.source === block.source && last.epoch === block.epoch && last.firstSequence > 1;
    if (follows && last.firstSequence + last.count === block.firstSequence) runs.at(-1)?.push(block);
    else runs.push([block]);
  }
  return runs.flatMap((run) => (run.length > 1 ? packOf(run as [SealedBlock, ...SealedBlock[]]) : run));
}

function packOf(run: readonly [SealedBlock, ...SealedBlock[]]): SealedPack {
  const packed = packBlocks(
    run.map(({ bytes }) => bytes),
    zstandard,
  );
  const [first, last] = [run[0], run.at(-1) ?? run[0]];
  return {
    ...first,
    ...columnsOf(run),
    bytes: packed.bytes,
    blocks: run.length,
    standsFor: run.reduce((sum, { bytes }) => sum + blocksIn(bytes), 0),
    hash: last.hash,
    count: last.firstSequence + last.count - first.firstSequence,
    lastAtUs: last.lastAtUs,
  };
}
