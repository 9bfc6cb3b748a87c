import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Recording, StoreCorruptError } from '@sigma/recorder';
import type { Moved, ObjectStore } from '@sigma/recorder/archive';
import { openSqliteRecording } from '@sigma/recorder/sqlite';

/** True for the address of a hub's database, false for a file. */
export const isAddress = (named: string): boolean => /^postgres(ql)?:\/\//.test(named);

/** True for the folder of an archive, which is a recording of all that it holds. */
export const isArchiveFolder = (named: string): boolean =>
  statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;

interface Opened {
  readonly recording: Recording;
  readonly close: () => Promise<void>;
}

/**
 * A recording by the name that people give it: a file, the folder of an archive, or `postgres://…?tenant=…`. One whose
 * beginning was moved to an archive is read with it (R164).
 *
 * @param hubDir where the hub of this machine keeps how its database is reached
 * @throws StoreError
 */
export async function openNamed(named: string, hubDir: string): Promise<Opened> {
  if (isAddress(named)) {
    const { openRecordingAt } = await import('@sigma/hub');
    const { store, moved, close } = await openRecordingAt(named, hubDir);
    return withMoved({ recording: store, close }, moved, hubDir);
  }
  if (isArchiveFolder(named)) {
    const { ColdArchive, folderObjects } = await import('@sigma/recorder/archive');
    const archive = await ColdArchive.open(folderObjects(named), cacheOf(hubDir));
    if (archive.manifests.length > 0) return { recording: archive, close: () => archive.close() };
    await archive.close();
    throw new StoreCorruptError(named, 'is a folder and no archive', 'Name a recording, or an archive');
  }
  const recording = openSqliteRecording(named);
  const hot = { recording, close: () => recording.close() };
  if (statSync(`${named}.archive`, { throwIfNoEntry: false }) === undefined) return hot;
  const { readMark } = await import('@sigma/recorder/archive');
  return withMoved(hot, readMark(named), hubDir);
}

const cacheOf = (hubDir: string) => ({ cacheDir: join(dirname(hubDir), 'archive-cache') });

async function withMoved(hot: Opened, moved: readonly Moved[], hubDir: string): Promise<Opened> {
  if (moved.length === 0) return hot;
  const { folderObjects, openMoved, tieredRecording } = await import('@sigma/recorder/archive');
  const openStore = async (address: string): Promise<ObjectStore> => {
    if (!address.startsWith('s3://')) return folderObjects(address);
    throw new StoreCorruptError(address, 'is in a bucket, and forks and trials read folders', 'Run `sigma restore`');
  };
  const cold = await openMoved(moved, openStore, cacheOf(hubDir));
  return {
    recording: tieredRecording(hot.recording, cold),
    close: async () => {
      await cold.close();
      await hot.close();
    },
  };
}
