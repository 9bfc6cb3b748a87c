import { DatabaseSync } from 'node:sqlite';

/**
 * What a recording has grown by since this was asked for, in bytes, its log apart: what earlier runs of an edge left in it
 * can say nothing of itself any more, so that nothing of that could be dropped (SPEC R127).
 *
 * @throws Error of node:sqlite when the recording cannot be read
 */
export function spooledBytes(path: string): () => number {
  const before = usedBytes(path);
  return () => Math.max(0, usedBytes(path) - before);
}

/** Pages that hold something. */
function usedBytes(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
  try {
    const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  } finally {
    db.close();
  }
}
