import { byChain, type ChainHead, type ChainId, type Recording } from '../src/index.ts';

/**
 * A recording of which the beginning was moved, and the archive that holds it, as the one recording they are (R164).
 * What is in both is taken from the hot one.
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
      const begin = await firstOf(hot, chain, fromSequence, toSequence);
      const moved = begin === null ? toSequence : Math.min(toSequence, begin - 1);
      if (moved >= fromSequence) yield* cold.blocks(chain, fromSequence, moved);
      if (begin !== null) yield* hot.blocks(chain, Math.max(fromSequence, begin), toSequence);
    },
    snapshotBefore: async (chain, atUs) =>
      (await hot.snapshotBefore(chain, atUs)) ?? (await cold.snapshotBefore(chain, atUs)),
    close: async () => {
      await hot.close();
      await cold.close();
    },
  };
}

async function firstOf(recording: Recording, chain: ChainId, from: number, to: number): Promise<number | null> {
  for await (const { firstSequence } of recording.blocks(chain, from, to)) return firstSequence;
  return null;
}
