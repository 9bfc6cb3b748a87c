import { constants, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreCorruptError, StoreReadOnlyError } from '../../src/store.ts';

const BUSY_MS = 2000;

/** What lies at the path and cannot be a recording, before SQLite finds its own words for it. @throws StoreCorruptError */
export function assertFile(path: string, readOnly: boolean): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    throw new StoreCorruptError(path, 'is a folder and no recording', 'Name the file in it');
  }
  if (readOnly && found.size === 0 && !existsSync(`${realpathSync(path)}-wal`)) {
    const wayOut = 'Look for another copy: what a recorder acknowledged is not in this one';
    throw new StoreCorruptError(path, 'is empty and no recording', wayOut);
  }
}

/**
 * Opens a recording for reading, on a medium that cannot be written as well. There SQLite has no shared memory for WAL:
 * without a log beside it the file is whole as it lies; with one that a killed writer left, both are read in a copy.
 *
 * @throws StoreReadOnlyError where there is no room for that copy; Error of node:sqlite
 */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    touch(db);
    return db;
  } catch (error) {
    db.close();
    if (!existsSync(path)) throw error;
    // SQLite follows links, and looks for the log beside the file itself.
    const file = realpathSync(path);
    const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
    // Whoever writes it, or wrote it on this machine, has left shared memory.
    if (log !== undefined && existsSync(`${file}-shm`)) throw error;
    if (log !== undefined && log.size > 0) return openCopy(path, file);
    const url = pathToFileURL(file);
    url.search = '?immutable=1';
    return new DatabaseSync(url, { readOnly: true });
  }
}

/**
 * Takes away the empty log and the shared memory that reading leaves beside a recording. SQLite does so by itself when the
 * last one closes who might write; nothing is written, and whoever reads or writes meanwhile keeps both.
 */
export function takeLogAway(path: string): void {
  try {
    const file = realpathSync(path);
    if (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size !== 0) return;
    // Unlike a path this makes no file where there is none any more.
    const url = pathToFileURL(file);
    url.search = '?mode=rw';
    const db = new DatabaseSync(url, { timeout: 0 });
    try {
      touch(db);
    } finally {
      db.close();
    }
  } catch {
    // Whoever may not write leaves them; they hold nothing.
  }
}

/** The copy has no name any more once it is open: its room is free again when it is closed, however that comes about. */
function openCopy(path: string, file: string): DatabaseSync {
  let folder: string | null = null;
  try {
    folder = mkdtempSync(join(tmpdir(), 'sigma-reading-'));
    for (const end of ['', '-wal']) {
      copyFileSync(file + end, join(folder, `recording${end}`), constants.COPYFILE_FICLONE);
    }
    const db = new DatabaseSync(join(folder, 'recording'), { readOnly: true, timeout: BUSY_MS });
    touch(db);
    return db;
  } catch (error) {
    throw new StoreReadOnlyError(
      path,
      `has a log beside it that cannot be read on a medium that cannot be written, nor in a copy in ${tmpdir()} (${(error as Error).message})`,
      'Copy it, its -wal and its -landing to a disk that can be written, and read it there',
      { cause: error },
    );
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

function touch(db: DatabaseSync): void {
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}
