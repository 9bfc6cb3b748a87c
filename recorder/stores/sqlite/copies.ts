import { rmSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { LandingReader, landingOf } from './landing.ts';
import { SqliteFile } from './sqlite-file.ts';

/**
 * Copies a SQLite file as of one moment, while others write it: of a recording with what has landed beside it.
 *
 * @param to a path that is free
 * @throws StoreError
 */
export async function copySqlite(from: string, to: string): Promise<void> {
  // First what landed: whatever of it is carried over meanwhile is in the copy of the database.
  const landed = new LandingReader(landingOf(from)).blocks();
  const db = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
  await backup(db, to).finally(() => db.close());
  if (landed.length === 0) return;
  const copy = new SqliteFile(to, 'write');
  try {
    copy.goOnWith(landed);
  } finally {
    copy.close();
  }
}

/** Removes a recording with everything that its writer may have left beside it; nothing where there is none. */
export function removeRecording(path: string): void {
  for (const end of ['', '-wal', '-shm', '-landing']) rmSync(path + end, { force: true });
}
