import type { SealedBlock } from '../../../src/index.ts';
import { packBlocks } from '../../../src/sync/packed-blocks.ts';
import { zstandard } from '../../zstandard.ts';

/** Blocks that follow each other in one chain, as `takeBatch` gives those of a packed batch. */
export function packedRuns(blocks: readonly SealedBlock[]): readonly SealedBlock[] {
  const runs: SealedBlock[][] = [];
  for (const block of blocks) {
    const last = runs.at(-1)?.at(-1);
    const follows = last?.source === block.source && last.epoch === block.epoch && last.firstSequence > 1;
    if (follows && last.firstSequence + last.count === block.firstSequence) runs.at(-1)?.push(block);
    else runs.push([block]);
  }
  return runs.flatMap((run) => {
    const [first, ...rest] = run as [SealedBlock, ...SealedBlock[]];
    const { bytes } = packBlocks(
      run.map((one) => one.bytes),
      zstandard,
    );
    return [{ ...first, pack: { bytes, blocks: run.length } }, ...rest];
  });
}
