import type { BlockStore, ChainHead, SealedBlock } from '@sigma/recorder';
import type { VirtualDisk } from '../virtual-disk.ts';
import type { VirtualClock } from './virtual-clock.ts';

/**
 * Where the simulated hub's record goes: blocks are handed on at once, and acknowledged when the virtual disk has had
 * time to sync them. The first block, written before virtual time runs, is acknowledged at once.
 */
export function virtualStore(
  clock: VirtualClock,
  disk: VirtualDisk,
  atUs: () => number,
  take: (blocks: readonly SealedBlock[]) => void,
): BlockStore {
  const heads: ChainHead[] = [];
  let begun = false;
  return {
    append: (blocks) => {
      take(blocks);
      if (!begun) {
        begun = true;
        return Promise.resolve();
      }
      return new Promise((resolve) => clock.after(disk.durableAt(atUs()) - atUs(), resolve));
    },
    heads: async () => heads,
    async *blocks() {
      yield* [];
    },
    snapshotBefore: async () => null,
    close: async () => undefined,
  };
}
