import { existsSync } from 'node:fs';
import type { ChainId, Recording, StoredBlock } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';

type Shown = Pick<Recording, 'heads' | 'blocks' | 'snapshotBefore'>;

/** Recordings shown as one. A chain is read from the first that holds it. */
export interface ShownRecordings {
  /** @param ofHub the hub's own, the one that the people who look at it are told of; its owner closes it */
  readonly showWith: (ofHub: NamedRecording) => NamedRecording;
  readonly close: () => Promise<void>;
}

interface NamedRecording extends Shown {
  readonly path: string;
}

/**
 * The recordings of a hub and of the edges beside it, as one for whoever verifies. Opened for reading, each when it is
 * first asked for: an edge begins its own after the hub is up. A recording that does not exist yet holds nothing.
 *
 * @param paths of the edges' recordings
 * @throws StoreError when a file cannot be read
 */
export function showRecordings(paths: readonly string[]): ShownRecordings {
  const open = new Map<string, Recording>();
  const present = (): readonly Recording[] => {
    for (const path of paths) if (!open.has(path) && existsSync(path)) open.set(path, openSqliteRecording(path));
    return [...open.values()];
  };
  return {
    showWith: (ofHub) => ({ path: ofHub.path, ...together(() => [ofHub, ...present()]) }),
    close: async () => {
      for (const recording of open.values()) await recording.close();
      open.clear();
    },
  };
}

function together(present: () => readonly Shown[]): Shown {
  const holder = async ({ tenant, source, epoch }: ChainId): Promise<Shown | null> => {
    for (const recording of present()) {
      const heads = await recording.heads();
      if (heads.some((one) => one.tenant === tenant && one.source === source && one.epoch === epoch)) return recording;
    }
    return null;
  };
  return {
    heads: async () => (await Promise.all(present().map((recording) => recording.heads()))).flat(),
    async *blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
      const recording = await holder(chain);
      if (recording !== null) yield* recording.blocks(chain, fromSequence, toSequence);
    },
    snapshotBefore: async (chain, atUs) => (await (await holder(chain))?.snapshotBefore(chain, atUs)) ?? null,
  };
}
