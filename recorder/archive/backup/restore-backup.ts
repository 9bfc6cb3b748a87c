import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreCorruptError, StoreError } from '../../src/index.ts';
import { type Base, copyHashed, forEach, type Log, NO_LOG, readList } from './backup-list.ts';

export interface RestoreOptions {
  readonly from: string;
  /** The hub's data folder to be made; must not exist. */
  readonly hubDir: string;
  /** Wall clock of the server; the end of the copied log when absent. */
  readonly toUs?: number;
  readonly progress?: (text: string) => void;
}

export interface BackupRestored {
  readonly base: string;
  readonly files: number;
  readonly segments: number;
  /** What the server comes to when it is started on the folder. */
  readonly toUs: number;
}

/** The moment lies outside what the backup covers, or the folder is taken. */
export class BackupMomentError extends StoreError {}

const timeText = (us: number): string => new Date(us / 1000).toISOString();

/** The moments to which a backup can be restored, wall clock in microseconds; null of a folder without a base. */
export function backupSpan(from: string): { readonly fromUs: number; readonly throughUs: number } | null {
  const bases = basesOf(from);
  const first = bases[0];
  return first === undefined
    ? null
    : { fromUs: first.fromUs, throughUs: (readList<Log>(from, 'wal.json') ?? NO_LOG).throughUs };
}

function basesOf(from: string): readonly Base[] {
  const names = existsSync(from) ? readdirSync(from).filter((name) => /^base-\d{4}\.json$/.test(name)) : [];
  return names.sort().flatMap((name) => readList<Base>(from, name) ?? []);
}

/**
 * Lays a hub's data folder out as it was, every file checked by its hash, with the log that leads to the moment. The
 * server runs that log when it is started on it, and is then the hub of that moment (R177). What stands beside the
 * database (keys, the hub's own recording) is that of the base.
 *
 * @throws BackupMomentError, StoreCorruptError; the folder is then as it was before
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupRestored> {
  const { from, hubDir, progress } = options;
  if (existsSync(hubDir))
    throw new BackupMomentError(hubDir, 'exists', 'Name a folder that is free: nothing is overwritten');
  const span = backupSpan(from);
  if (span === null) throw new StoreCorruptError(from, 'holds no base backup', 'Name the folder of `sigma backup`');
  const toUs = options.toUs ?? span.throughUs;
  const base = basesOf(from).findLast(({ fromUs }) => fromUs <= toUs);
  if (base === undefined || toUs > span.throughUs) {
    const what = `reaches from ${timeText(span.fromUs)} to ${timeText(span.throughUs)}, and not to ${timeText(toUs)}`;
    throw new BackupMomentError(from, what, 'Name a moment in between');
  }
  const segments = needed(from, base);
  try {
    const pgDir = join(hubDir, 'pg');
    mkdirSync(pgDir, { recursive: true, mode: 0o700 });
    for (const folder of [...base.folders, 'pg_wal']) mkdirSync(join(pgDir, folder), { recursive: true, mode: 0o700 });
    await forEach(base.files, ({ path, sha256, mode }) =>
      checked(join(from, base.name, path), join(hubDir, path), sha256, mode),
    );
    progress?.(`${base.files.length} files`);
    for (const [name, sha256] of segments)
      await checked(join(from, 'wal', name), join(pgDir, 'pg_wal', name), sha256, 0o600);
    // The server's own user must be let pass.
    chmodSync(hubDir, 0o711);
    leadTo(pgDir, options.toUs);
    if (process.getuid?.() === 0) own(pgDir, base);
  } catch (error) {
    rmSync(hubDir, { recursive: true, force: true });
    throw error;
  }
  return { base: base.name, files: base.files.length, segments: segments.length, toUs };
}

/** Segments from the base's first to the newest. @throws StoreCorruptError when one between is not there */
function needed(from: string, base: Base): readonly (readonly [string, string])[] {
  const { segments } = readList<Log>(from, 'wal.json') ?? NO_LOG;
  const names = Object.keys(segments)
    .filter((name) => name >= base.firstSegment)
    .sort();
  let next = segmentNumber(base.firstSegment);
  for (const name of names) {
    if (segmentNumber(name) !== next++) {
      const wayOut = 'Restore to a moment before that, from a copy, or from a newer base';
      throw new StoreCorruptError(from, `lacks the log right before segment ${name}`, wayOut);
    }
  }
  return names.map((name) => [name, segments[name] as string] as const);
}

/** Segments are 16 MB: 256 of them to each of the name's middle numbers. */
const segmentNumber = (name: string): number =>
  Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);

async function checked(from: string, to: string, sha256: string, mode: number): Promise<void> {
  if (!existsSync(from)) throw new StoreCorruptError(from, 'is missing', 'Take it from a copy of this backup');
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const found = await copyHashed(from, to, mode);
  if (found.sha256 === sha256) return;
  throw new StoreCorruptError(
    from,
    'is not as it was written: its SHA-256 differs',
    'Take it from a copy of this backup',
  );
}

/** PostgreSQL manual, 26.3.5: the log lies where the server looks for it anyway, so that nothing has to be fetched. */
function leadTo(pgDir: string, toUs: number | undefined): void {
  const target = toUs === undefined ? '' : `recovery_target_time = '${timeOfMicroseconds(toUs)}'\n`;
  const lines = `restore_command = 'false'\nrecovery_target_action = 'promote'\n${target}`;
  appendFileSync(join(pgDir, 'postgresql.auto.conf'), lines);
  writeFileSync(join(pgDir, 'recovery.signal'), '', { mode: 0o600 });
}

function timeOfMicroseconds(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const rest = String(us - seconds * 1e6).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${rest}+00`;
}

/** The server runs as its own user, and wants its folder to be its own. */
function own(pgDir: string, { owner }: Base): void {
  const chown = (path: string): void => {
    chownSync(path, owner.uid, owner.gid);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) chown(join(path, entry.name));
      else chownSync(join(path, entry.name), owner.uid, owner.gid);
    }
  };
  chown(pgDir);
}
