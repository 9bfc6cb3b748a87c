import { scanBlock } from '../src/block.ts';
import {
  byChain,
  type ChainHead,
  type ChainId,
  decodeStub,
  isStub,
  type Recording,
  type StoredBlock,
} from '../src/index.ts';

/**
 * A recording of which the beginning was moved, and the archive that holds it, as the one recording they are (R164).
 * What is in both is taken from the hot one, and what is missing in it from the archive.
 *
 * @param cold usually a `ColdArchive`; of its chains, only those whose tenant the hot recording has are shown
 */
export function tieredRecording(hot: Recording, cold: Recording): Recording {
  return {
    heads: async () => {
      const ends = [...(await hot.heads())];
      const tenants = new Set(ends.map(({ tenant }) => tenant));
      for (const end of await cold.heads()) {
        const at = ends.findIndex((head) => byChain(head, end) === 0);
        if (at < 0 && tenants.has(end.tenant)) ends.push(end);
        else if (at >= 0 && (ends[at] as ChainHead).sequence < end.sequence) ends[at] = end;
      }
      return ends.sort(byChain);
    },
    async *blocks(chain: ChainId, fromSequence: number, toSequence: number) {
      let next = fromSequence;
      for await (const block of hot.blocks(chain, fromSequence, toSequence)) {
        if (block.firstSequence > next) yield* cold.blocks(chain, next, block.firstSequence - 1);
        yield block;
        next = lastSequenceOf(block) + 1;
      }
      if (next <= toSequence) yield* cold.blocks(chain, next, toSequence);
    },
    snapshotBefore: async (chain, atUs) => {
      const place = await hot.snapshotBefore(chain, atUs);
      // One in the first block, which stays hot, may be followed by others that were moved.
      return place !== null && place.blockSequence > 1 ? place : ((await cold.snapshotBefore(chain, atUs)) ?? place);
    },
    ...(hot.hybridMarks !== undefined && { hybridMarks: hot.hybridMarks.bind(hot) }),
    close: async () => {
      await hot.close();
      await cold.close();
    },
  };
}

/** Of a block that cannot be read nobody knows the end: the archive is asked for what may stand behind it. */
function lastSequenceOf({ bytes, firstSequence }: StoredBlock): number {
  try {
    if (isStub(bytes)) return decodeStub(bytes).dropped.reduce((sum, { count }) => sum + count, firstSequence - 1);
    return firstSequence + scanBlock(bytes).sequences.length - 1;
  } catch {
    return firstSequence;
  }
}
