import { DatabaseSync } from 'node:sqlite';

/**
 * Bytes that a recording holds, its log apart: what is on pages that are in use.
 *
 * @throws Error of node:sqlite when the recording cannot be read
 */
export function spooledBytes(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
  try {
    const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  } finally {
    db.close();
  }
}
