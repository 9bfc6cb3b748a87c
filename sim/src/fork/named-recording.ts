import { hash } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Recording, StoreCorruptError } from '@sigma/recorder';
import type { Moved, ObjectStore, S3Access } from '@sigma/recorder/archive';
import { openSqliteRecording } from '@sigma/recorder/sqlite';

const isDatabase = (named: string): boolean => /^postgres(ql)?:\/\//.test(named);

/** True for the address of an archive in a bucket. */
const isBucket = (named: string): boolean => named.startsWith('s3://');

/** True for the address of a hub's database or of a bucket, false for a file or folder. */
export const isAddress = (named: string): boolean => isDatabase(named) || isBucket(named);

/** True for an archive, which is a recording of all that it holds: a bucket, or a folder. */
export const isArchive = (named: string): boolean =>
  isBucket(named) || statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;

interface Opened {
  readonly recording: Recording;
  readonly close: () => Promise<void>;
}

/**
 * A recording by the name that people give it: a file, an archive (a folder, or `s3://bucket/prefix?…`), or
 * `postgres://…?tenant=…`. One whose beginning was moved to an archive is read with it (R164).
 *
 * @param hubDir where the hub of this machine keeps how its database is reached
 * @param s3 key of the server that archives in buckets rest on; null where there is none
 * @throws StoreError
 */
export async function openNamed(named: string, hubDir: string, s3: S3Access | null): Promise<Opened> {
  if (isDatabase(named)) {
    const { openRecordingAt } = await import('@sigma/hub');
    const { store, moved, close } = await openRecordingAt(named, hubDir);
    return withMoved({ recording: store, close }, moved, hubDir, s3);
  }
  if (isArchive(named)) {
    const { ColdArchive } = await import('@sigma/recorder/archive');
    const archive = await ColdArchive.open(await objectsOf(named, s3), cacheOf(hubDir));
    if (archive.manifests.length > 0) return { recording: archive, close: () => archive.close() };
    await archive.close();
    const what = `is a ${isBucket(named) ? 'bucket' : 'folder'} and no archive`;
    throw new StoreCorruptError(named, what, 'Name a recording, or an archive');
  }
  const recording = openSqliteRecording(named);
  const hot = { recording, close: () => recording.close() };
  if (statSync(`${named}.archive`, { throwIfNoEntry: false }) === undefined) return hot;
  const { readMark } = await import('@sigma/recorder/archive');
  return withMoved(hot, readMark(named), hubDir, s3);
}

/**
 * Below which name facts about a recording are kept: beside it, and of a bucket with what was fetched of it. Null of a
 * database.
 */
export function factsName(named: string, hubDir: string): string | null {
  if (!isAddress(named)) return named;
  if (!isBucket(named)) return null;
  const { cacheDir } = cacheOf(hubDir);
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  return join(cacheDir, hash('sha256', named));
}

const cacheOf = (hubDir: string) => ({ cacheDir: join(dirname(hubDir), 'archive-cache') });

/** @throws StoreError */
async function objectsOf(named: string, s3: S3Access | null): Promise<ObjectStore> {
  const { archiveObjects } = await import('@sigma/recorder/archive');
  try {
    return await archiveObjects(named, s3);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StoreCorruptError(named, error.message, 'Correct the address', { cause: error });
  }
}

async function withMoved(hot: Opened, moved: readonly Moved[], hubDir: string, s3: S3Access | null): Promise<Opened> {
  if (moved.length === 0) return hot;
  const { openMoved, tieredRecording } = await import('@sigma/recorder/archive');
  const cold = await openMoved(moved, (address) => objectsOf(address, s3), cacheOf(hubDir));
  return {
    recording: tieredRecording(hot.recording, cold),
    close: async () => {
      await cold.close();
      await hot.close();
    },
  };
}
