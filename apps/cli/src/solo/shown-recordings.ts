import { existsSync } from 'node:fs';
import type { ChainId, Recording, StoredBlock } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';

type Shown = Pick<Recording, 'heads' | 'blocks' | 'snapshotBefore'>;

/** Recordings shown as one. A chain is read from the first that holds it. */
export interface ShownRecordings extends Shown {
  /** Path of the recording that the people who look at it are told of. */
  readonly path: string;
  readonly close: () => Promise<void>;
}

/**
 * The recordings of a hub and of the edges beside it, as one for whoever verifies. Opened for reading, each when it is
 * first asked for: an edge begins its own after the hub is up. A recording that does not exist yet holds nothing.
 *
 * @param paths the first is the one that people are told of
 * @throws StoreError when a file cannot be read
 */
export function showRecordings(paths: readonly [string, ...string[]]): ShownRecordings {
  const open = new Map<string, Recording>();
  const present = (): Recording[] => {
    for (const path of paths) if (!open.has(path) && existsSync(path)) open.set(path, openSqliteRecording(path));
    return [...open.values()];
  };
  const holder = async ({ tenant, source, epoch }: ChainId): Promise<Recording | null> => {
    for (const recording of present()) {
      const heads = await recording.heads();
      if (heads.some((one) => one.tenant === tenant && one.source === source && one.epoch === epoch)) return recording;
    }
    return null;
  };
  return {
    path: paths[0],
    heads: async () => (await Promise.all(present().map((recording) => recording.heads()))).flat(),
    async *blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
      const recording = await holder(chain);
      if (recording !== null) yield* recording.blocks(chain, fromSequence, toSequence);
    },
    snapshotBefore: async (chain, atUs) => (await (await holder(chain))?.snapshotBefore(chain, atUs)) ?? null,
    close: async () => {
      for (const recording of open.values()) await recording.close();
      open.clear();
    },
  };
}
