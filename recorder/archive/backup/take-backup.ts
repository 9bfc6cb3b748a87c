import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { StoreFailedError } from '../../src/index.ts';
import { copySqlite } from '../../stores/sqlite/copies.ts';
import {
  type BackupFile,
  type Base,
  copyHashed,
  forEach,
  type Log,
  NO_LOG,
  readList,
  writeList,
} from './backup-list.ts';

export interface BackupOptions {
  /** The hub's data folder; PostgreSQL's files are below it in `pg`. */
  readonly hubDir: string;
  /** Connection of the superuser of the running server. */
  readonly ownerUrl: string;
  /** Where the backup goes. */
  readonly to: string;
  /** A new base even where the log goes on from the last one. */
  readonly base?: boolean;
  readonly progress?: (text: string) => void;
}

export interface BackupReport {
  /** The base that the log goes on from, and whether it was taken now. */
  readonly base: string;
  readonly isNew: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly segments: number;
  /** To which moments this backup can be restored, wall clock of the server. */
  readonly fromUs: number;
  readonly throughUs: number;
}

const SLOT = 'sigma_backup';
/** An abandoned backup must not fill the hub's disk with log: then the slot is given up, and the next run takes a base. */
const MOST_LOG = '4GB';
/** Rewritten when the server starts, or no part of a backup (PostgreSQL manual, 26.3.3.2). */
const LEFT_OUT =
  /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/|^postmaster\.(pid|opts)$|pgsql_tmp|pg_internal\.init|^recovery\.signal$/;
/** Secrets that erasing must be able to destroy are in no copy. */
const NEVER_COPIED = /\.people(-journal)?$|-(wal|shm|landing)$|\.part$|^lock$|\.pid$/;

/**
 * Takes a backup of a hub while it runs (R176): a base the first time, and each time the log behind it, so that it can be
 * restored to any moment in between. PostgreSQL keeps the log for us behind a replication slot; nothing of its settings
 * needs a restart.
 *
 * @throws StoreError
 */
export async function takeBackup(options: BackupOptions): Promise<BackupReport> {
  const { hubDir, to } = options;
  mkdirSync(join(to, 'wal'), { recursive: true, mode: 0o700 });
  const client = new pg.Client({ connectionString: options.ownerUrl });
  try {
    await client.connect();
    await assertOurs(client, join(hubDir, 'pg'));
    const kept = await keepLog(client);
    const last = newestBase(to);
    const isNew = options.base === true || !kept || last === null;
    const base = isNew ? await takeBase(client, options) : last;
    const log = await copyLog(client, options, base);
    const bytes = base.files.reduce((sum, file) => sum + file.bytes, 0);
    const segments = Object.keys(log.segments).length;
    const { name, files, fromUs } = base;
    return { base: name, isNew, files: files.length, bytes, segments, fromUs, throughUs: log.throughUs };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    throw new StoreFailedError(to, `the server refuses: ${error.message}`, 'Back up as the superuser of the hub');
  } finally {
    await client.end();
  }
}

function newestBase(to: string): Base | null {
  const names = existsSync(to) ? readdirSync(to).filter((name) => /^base-\d{4}\.json$/.test(name)) : [];
  const newest = names.sort()[names.length - 1];
  return newest === undefined ? null : readList<Base>(to, newest);
}

async function one(client: pg.Client, sql: string, values: readonly unknown[] = []): Promise<Record<string, string>> {
  return (await client.query(sql, [...values])).rows[0] as Record<string, string>;
}

async function assertOurs(client: pg.Client, data: string): Promise<void> {
  const said = await one(
    client,
    `SELECT current_setting('data_directory') AS data,
    (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')) AS spaces`,
  );
  const same = existsSync(data) && statSync(data).ino === statSync(said['data'] ?? '').ino;
  if (same && said['spaces'] === '0') return;
  const what = same ? 'has tablespaces outside its folder' : `is not the server that runs on ${data}`;
  throw new StoreFailedError(data, what, 'Use the backup of whoever runs that server');
}

/** @returns whether the log was kept without a break since the last run */
async function keepLog(client: pg.Client): Promise<boolean> {
  const find = 'SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1';
  const status = (await client.query(find, [SLOT])).rows[0]?.wal_status as string | undefined;
  if (status !== undefined && status !== 'lost') return true;
  if (status === 'lost') await client.query('SELECT pg_drop_replication_slot($1)', [SLOT]);
  await client.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '${MOST_LOG}'`);
  await client.query('SELECT pg_reload_conf()');
  await client.query('SELECT pg_create_physical_replication_slot($1, true)', [SLOT]);
  return false;
}

async function takeBase(client: pg.Client, { hubDir, to, progress }: BackupOptions): Promise<Base> {
  const name = `base-${String(Number(newestBase(to)?.name.slice(5) ?? 0) + 1).padStart(4, '0')}`;
  const folder = join(to, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const data = join(hubDir, 'pg');
  const began = await one(client, `SELECT pg_walfile_name(pg_backup_start('sigma', true)) AS segment`);
  const files: BackupFile[] = [];
  const folders: string[] = [];
  // Each file waits for its disk: several at a time wait together.
  await forEach([...walk(data, folders)], async (path) => {
    if (LEFT_OUT.test(path)) return;
    const file = await copied(join(data, path), join(folder, 'pg', path));
    if (file !== null) files.push({ path: `pg/${path}`, ...file });
    if (files.length % 500 === 0) progress?.(`${files.length} files`);
  });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const ended = await one(
    client,
    `SELECT labelfile, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us
    FROM pg_backup_stop(false)`,
  );
  writeFileSync(join(folder, 'pg', 'backup_label'), ended['labelfile'] ?? '', { mode: 0o600, flush: true });
  const label = join(folder, 'pg', 'backup_label');
  files.push({ path: 'pg/backup_label', ...(await copyHashed(label, `${label}.part`, 0o600)), mode: 0o600 });
  rmSync(`${label}.part`);
  files.push(...(await besideDatabase(hubDir, folder)));
  const { uid, gid } = statSync(data);
  const fromUs = Number(ended['us']);
  // A slot without its state would keep the restored server from starting.
  const made = folders.filter((path) => !path.startsWith('pg_replslot/'));
  const firstSegment = began['segment'] ?? '';
  const base: Base = { name, fromUs, firstSegment, files, folders: made, owner: { uid, gid } };
  writeList(to, `${name}.json`, base);
  return base;
}

/** Everything else that a hub keeps: its recording, its keys. SQLite files are copied by SQLite, as of one moment. */
async function besideDatabase(hubDir: string, folder: string): Promise<readonly BackupFile[]> {
  const files: BackupFile[] = [];
  for (const path of walk(hubDir, [], (name) => name !== 'pg' && name !== 'pg.new')) {
    if (NEVER_COPIED.test(path)) continue;
    const [from, to] = [join(hubDir, path), join(folder, path)];
    if (isSqlite(from)) {
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
      await copySqlite(from, to);
      const hashed = await copyHashed(to, `${to}.part`, 0o600);
      rmSync(`${to}.part`);
      files.push({ path, ...hashed, mode: 0o600 });
    } else {
      const file = await copied(from, to);
      if (file !== null) files.push({ path, ...file });
    }
  }
  return files;
}

const isSqlite = (path: string): boolean =>
  /\.(sqlite|db)(\.proofs)?$/.test(path) && readFileSync(path).subarray(0, 15).toString('latin1') === 'SQLite format 3';

/** Files below a folder; links and sockets are none. */
function* walk(root: string, folders: string[], enters = (_: string) => true, below = ''): Iterable<string> {
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found?.isDirectory() === true) {
      if (below === '' && !enters(name)) continue;
      folders.push(path);
      yield* walk(root, folders, enters, path);
    } else if (found?.isFile() === true) yield path;
  }
}

/** @returns null when the server has removed it meanwhile: its log says so too */
async function copied(from: string, to: string): Promise<Omit<BackupFile, 'path'> | null> {
  const found = statSync(from, { throwIfNoEntry: false });
  if (found === undefined) return null;
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  try {
    const mode = found.mode & 0o777;
    return { ...(await copyHashed(from, to, mode)), mode };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

/**
 * Ends the running segment and copies every one that is complete. A commit of its own stands behind the moment that is
 * noted, so that recovery to that moment has something to stop at.
 */
async function copyLog(client: pg.Client, { hubDir, to, progress }: BackupOptions, base: Base): Promise<Log> {
  const before = readList<Log>(to, 'wal.json') ?? NO_LOG;
  const now = await one(client, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us');
  await client.query('SELECT pg_current_xact_id()');
  const point = await one(client, `SELECT pg_walfile_name(pg_create_restore_point('sigma')) AS segment`);
  await client.query('SELECT pg_switch_wal()');
  const end = await one(client, 'SELECT pg_current_wal_lsn() AS lsn');
  const segments: Record<string, string> = { ...before.segments };
  const last = point['segment'] ?? '';
  for (const name of readdirSync(join(hubDir, 'pg', 'pg_wal')).sort()) {
    if (!/^[0-9A-F]{24}$/.test(name) || name < base.firstSegment || name > last || segments[name] !== undefined)
      continue;
    segments[name] = (await copyHashed(join(hubDir, 'pg', 'pg_wal', name), join(to, 'wal', name), 0o600)).sha256;
    progress?.(`log ${name}`);
  }
  const log: Log = { segments, throughUs: Number(now['us']) };
  writeList(to, 'wal.json', log);
  await client.query('SELECT pg_replication_slot_advance($1, $2)', [SLOT, end['lsn']]);
  return log;
}
