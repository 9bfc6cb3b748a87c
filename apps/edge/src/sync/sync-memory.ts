import type { ChainEnd, LinkedChain, SyncMemory } from '@sigma/recorder';
import { openMemoryFile } from '../live/memory-file.ts';

/** What an edge remembers of sync, and which of its recordings still hold what a hub lacks. */
export interface EdgeSyncMemory extends SyncMemory {
  /** Recordings of this edge that may hold something unsent, the oldest first. */
  recordings(): readonly string[];
  addRecording(path: string): void;
  removeRecording(path: string): void;
  close(): void;
}

/** @throws Error of node:sqlite when the folder cannot be written */
export function openSyncMemory(folder: string): EdgeSyncMemory {
  const db = openMemoryFile(
    folder,
    'sync.sqlite',
    'NORMAL',
    `CREATE TABLE IF NOT EXISTS recordings (path TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS acknowledged (
      hub TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
      PRIMARY KEY (hub, source, epoch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS urgent (
      source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (source, epoch)
    ) STRICT, WITHOUT ROWID;`,
  );
  const recordings = db.prepare('SELECT path FROM recordings ORDER BY rowid');
  const add = db.prepare('INSERT OR IGNORE INTO recordings VALUES (?)');
  const remove = db.prepare('DELETE FROM recordings WHERE path = ?');
  const acknowledged = db.prepare('SELECT source, epoch, sequence, hash FROM acknowledged WHERE hub = ?');
  const acknowledge = db.prepare('INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?, ?, ?)');
  const urgent = db.prepare('SELECT source, epoch, sequence FROM urgent');
  const remind = db.prepare('INSERT OR REPLACE INTO urgent VALUES (?, ?, ?)');
  return {
    recordings: () => recordings.all().map((row) => row.path as string),
    addRecording: (path) => void add.run(path),
    removeRecording: (path) => void remove.run(path),
    acknowledged: (hub) => acknowledged.all(hub) as unknown as readonly (LinkedChain & ChainEnd)[],
    acknowledge: (hub, chains) => {
      db.exec('BEGIN');
      for (const { source, epoch, sequence, hash } of chains) acknowledge.run(hub, source, epoch, sequence, hash);
      db.exec('COMMIT');
    },
    urgent: () => urgent.all() as unknown as readonly (LinkedChain & { readonly sequence: number })[],
    remindOf: ({ source, epoch }, sequence) => void remind.run(source, epoch, sequence),
    close: () => db.close(),
  };
}
