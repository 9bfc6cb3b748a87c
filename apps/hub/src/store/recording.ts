import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockStore, HybridMarks, Recording } from '@sigma/recorder';
import type { Moved, S3Access } from '@sigma/recorder/archive';
import { hybridMarksPath, openHybridMarks } from '@sigma/recorder/marks';
import { openPostgres, type PostgresRecordings, preparePostgres } from '@sigma/recorder/postgres';
import { openSqliteRecorder } from '@sigma/recorder/sqlite';
import { forOwnerOnly, keptSecret } from './data-dir.ts';
import { APPLICATION_ROLE, applicationUrl, type Database, openDatabaseBeside } from './database.ts';
import { postgresSyncMarks } from './sync-marks.ts';

/** Where a hub's own chain rests. */
export interface HubRecording {
  readonly store: BlockStore;
  /** A file, or the address of a database with the tenant and without a password: what `sigma verify` is given. */
  readonly path: string;
  /** Moments that its blocks do not tell, kept where it is. */
  readonly marks: HybridMarks;
  /** What was moved out of it, and where it rests. */
  readonly moved: readonly Moved[];
  /** Address, with the password, for another thread that writes it too; null where one must be the only one. */
  readonly besideUrl: string | null;
  close(): Promise<void>;
}

/**
 * Opens the recording of a hub: in its site's PostgreSQL where there is one, beside everything else that is to survive
 * this machine; else in a file below the data folder, which can be read while no server runs.
 *
 * @throws StoreError when it cannot be opened, is damaged, or from a newer program
 */
export async function openHubRecording(options: {
  readonly tenant: string;
  readonly dataDir: string;
  /** Owner's connection of the site's PostgreSQL. */
  readonly databaseUrl?: string | undefined;
  /** That database, opened. */
  readonly database: Database;
}): Promise<HubRecording> {
  const { tenant, dataDir, databaseUrl, database } = options;
  if (databaseUrl === undefined) {
    const path = join(dataDir, 'hub.sqlite');
    forOwnerOnly(path);
    const store = await openSqliteRecorder(path);
    forOwnerOnly(hybridMarksPath(path));
    const marks = openHybridMarks(path, tenant);
    const moved = existsSync(`${path}.archive`) ? (await import('@sigma/recorder/archive')).readMark(path) : [];
    return { store, path, marks, moved, besideUrl: null, close: () => store.close().finally(() => marks.close()) };
  }
  await preparePostgres(databaseUrl, APPLICATION_ROLE);
  const besideUrl = applicationUrl(databaseUrl, keptSecret(dataDir, 'app-role', 24));
  const recordings = await openPostgres(besideUrl);
  const address = new URL(applicationUrl(databaseUrl, ''));
  address.searchParams.set('tenant', tenant);
  const marks = postgresSyncMarks(database, tenant);
  const moved = await recordings.moved(tenant);
  const store = recordings.recording(tenant);
  return { store, path: address.href, marks, moved, besideUrl, close: () => recordings.close() };
}

/**
 * A hub's recording with what was moved out of it. The archive is opened once something of it is needed: a bucket may be
 * far away.
 *
 * @param s3 key of the server that archives in buckets rest on
 * @returns closes what it opened, and not the hub's recording
 */
export async function withMoved(
  { store, moved }: Pick<HubRecording, 'store' | 'moved'>,
  dataDir: string,
  s3: S3Access | null,
): Promise<{ readonly recording: Recording; readonly close: () => Promise<void> }> {
  if (moved.length === 0) return { recording: store, close: async () => undefined };
  const { archiveObjects, openMoved, tieredRecording } = await import('@sigma/recorder/archive');
  const options = { cacheDir: join(dataDir, 'archive-cache') };
  let opened: Promise<Recording> | null = null;
  const cold = (): Promise<Recording> => {
    opened ??= openMoved(moved, (address) => archiveObjects(address, s3), options);
    return opened;
  };
  const behind: Recording = {
    heads: async () => [],
    async *blocks(chain, from, to) {
      yield* (await cold()).blocks(chain, from, to);
    },
    snapshotBefore: async (chain, atUs) => (await cold()).snapshotBefore(chain, atUs),
    close: async () => (await opened)?.close(),
  };
  return { recording: tieredRecording(store, behind), close: behind.close };
}

/**
 * Opens the recording of one tenant in a site's PostgreSQL for reading, beside whoever writes it. An address without a
 * password takes the one that the hub keeps below `dataDir`, where there is one.
 *
 * @throws RangeError when the address names no tenant
 * @throws StoreError when it cannot be opened
 */
export async function openRecordingAt(
  address: string,
  dataDir: string,
): Promise<Omit<HubRecording, 'marks' | 'store' | 'besideUrl'> & RecordingBeside> {
  const url = new URL(address);
  const tenant = url.searchParams.get('tenant');
  if (tenant === null || tenant === '') throw new RangeError('the address names no tenant');
  url.searchParams.delete('tenant');
  const kept = join(dataDir, 'keys', 'app-role');
  if (url.username === APPLICATION_ROLE && url.password === '' && existsSync(kept)) {
    url.password = readFileSync(kept, 'utf8').trim();
  }
  const recordings = await openPostgres(url.href);
  const moved = await recordings.moved(tenant);
  const database = openDatabaseBeside(url.href);
  const { of: hybridMarks } = postgresSyncMarks(database, tenant);
  const store: BlockStore = recordings.recording(tenant);
  return {
    store: Object.assign(store, { hybridMarks }),
    path: address,
    moved,
    close: async () => {
      await database.close();
      await recordings.close();
    },
  };
}

interface RecordingBeside {
  /** It tells the moments that its blocks do not. */
  readonly store: BlockStore;
  readonly moved: Awaited<ReturnType<PostgresRecordings['moved']>>;
}
