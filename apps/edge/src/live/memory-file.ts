import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * A small database in which an edge remembers something beside its recordings.
 *
 * @param synchronous FULL: what was written is there after a power cut; NORMAL: losing the newest of it loses nothing
 * @param tables statements that make what is not there yet
 * @throws Error of node:sqlite when the folder cannot be written
 */
export function openMemoryFile(
  folder: string,
  name: string,
  synchronous: 'FULL' | 'NORMAL',
  tables: string,
): DatabaseSync {
  mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(join(folder, name), { timeout: 2000 });
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; ${tables}`);
  return db;
}
