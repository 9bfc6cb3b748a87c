import { DatabaseSync } from 'node:sqlite';
import { originOf } from '../../src/proof/checkpoint.ts';
import type { CheckpointShelf } from '../../src/proof/head-book.ts';
import { StoreCorruptError } from '../../src/store.ts';
import { storeError } from './errors.ts';
import { pragma } from './schema.ts';

/** 'SgmP' in PRAGMA application_id. */
const APPLICATION_ID = 0x53676d50;
const VERSION = 1;

/** Tiles of a recording's trees, and checkpoints of its chains. */
export interface ProofShelf extends CheckpointShelf {
  close(): Promise<void>;
}

/**
 * Opens the shelf that stands beside a recording, `<recording>.proofs`, or makes it. It is a file of its own so that a
 * proof can be made while the recording's one writer is at work, or lies on a medium that nobody may write. Without a
 * sync: what is lost is built again. Several processes may use it.
 *
 * @throws StoreError
 */
export function openProofShelf(recordingPath: string): ProofShelf {
  const path = `${recordingPath}.proofs`;
  const db = opened(path);
  const guarded = async <T>(work: () => T): Promise<T> => {
    try {
      return work();
    } catch (error) {
      throw storeError(path, error);
    }
  };
  const size = db.prepare('SELECT size FROM trees WHERE origin = ?');
  const tile = db.prepare('SELECT hashes FROM tiles WHERE origin = ? AND level = ? AND tile = ?');
  const putTile = db.prepare('INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?)');
  const mark = db.prepare('SELECT hash FROM marks WHERE origin = ?');
  const putMark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?)');
  const dropMark = db.prepare('DELETE FROM marks WHERE origin = ?');
  const putSize = db.prepare('INSERT OR REPLACE INTO trees VALUES (?, ?)');
  const kept = db.prepare('SELECT note FROM checkpoints WHERE origin = ? ORDER BY size, note');
  const keep = db.prepare('INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM checkpoints WHERE origin = ? AND size = ?');
  const together = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE');
    try {
      work();
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    size: (chain) => guarded(() => (size.get(originOf(chain))?.size as number | undefined) ?? 0),
    tile: (chain, level, index) =>
      guarded(() => (tile.get(originOf(chain), level, index)?.hashes as Uint8Array | undefined) ?? null),
    mark: (chain) => guarded(() => (mark.get(originOf(chain))?.hash as Uint8Array | undefined) ?? null),
    put: (chain, leaves, tiles, end) =>
      guarded(() =>
        together(() => {
          const origin = originOf(chain);
          for (const { level, index, hashes } of tiles) putTile.run(origin, level, index, hashes);
          putSize.run(origin, leaves);
          if (end === null) dropMark.run(origin);
          else putMark.run(origin, end);
        }),
      ),
    clear: (chain) =>
      guarded(() =>
        together(() => {
          for (const table of ['tiles', 'trees', 'marks'])
            db.prepare(`DELETE FROM ${table} WHERE origin = ?`).run(originOf(chain));
        }),
      ),
    keep: (chain, leaves, note) => guarded(() => void keep.run(originOf(chain), leaves, note)),
    drop: (chain, leaves) => guarded(() => void drop.run(originOf(chain), leaves)),
    checkpoints: (chain) => guarded(() => kept.all(originOf(chain)).map((row) => row.note as string)),
    close: async () => db.close(),
  };
}

function opened(path: string): DatabaseSync {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 2000 });
    const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n as number;
    const foreign = pragma(db, 'application_id') !== APPLICATION_ID || pragma(db, 'user_version') !== VERSION;
    if (tables > 0 && foreign) {
      throw new StoreCorruptError(
        path,
        'is no shelf of proofs of this version',
        'Move it away: what it holds follows from the recording',
      );
    }
    db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS trees (origin TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS marks (origin TEXT PRIMARY KEY, hash BLOB NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS tiles (
        origin TEXT NOT NULL, level INTEGER NOT NULL, tile INTEGER NOT NULL, hashes BLOB NOT NULL,
        PRIMARY KEY (origin, level, tile)
      ) STRICT;
      CREATE TABLE IF NOT EXISTS checkpoints (
        origin TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (origin, size, note)
      ) STRICT, WITHOUT ROWID;
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION};`);
    return db;
  } catch (error) {
    db?.close();
    throw storeError(path, error);
  }
}
