import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { HybridMark, HybridMarks } from '../../src/index.ts';

/** Beside a hub's recording: the moments that its blocks do not tell (SPEC R128). */
export const hybridMarksPath = (recordingPath: string): string => `${recordingPath}.times`;

const TABLE = `CREATE TABLE IF NOT EXISTS marks (
    tenant TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL, last_sequence INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL, us INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (tenant, source, epoch, last_sequence, first_sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS newest ON marks (tenant, us, count);`;
const OF_CHAIN = `SELECT source, epoch, first_sequence AS firstSequence, last_sequence AS lastSequence, us, count
  FROM marks WHERE tenant = ? AND source = ? AND epoch = ? ORDER BY last_sequence, first_sequence`;

interface Row extends Omit<HybridMark, 'time'> {
  readonly us: number;
  readonly count: number;
}

const marksIn = (rows: readonly unknown[]): readonly HybridMark[] =>
  (rows as readonly Row[]).map(({ us, count, ...place }) => ({ ...place, time: { us, count } }));

/**
 * Opens the marks of a hub's recording for writing. A program that is killed loses none that it has; a power cut may take
 * the newest, and with them the order of a moment, never an event.
 *
 * @throws Error of node:sqlite when the file cannot be written
 */
export function openHybridMarks(recordingPath: string, tenant: string): HybridMarks & { close(): void } {
  const db = new DatabaseSync(hybridMarksPath(recordingPath), { timeout: 2000 });
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${TABLE}`);
  const add = db.prepare('INSERT OR IGNORE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)');
  const of = db.prepare(OF_CHAIN);
  const newest = db.prepare('SELECT us, count FROM marks WHERE tenant = ? ORDER BY us DESC, count DESC LIMIT 1');
  return {
    add: async ({ source, epoch, lastSequence, firstSequence, time: { us, count } }) =>
      void add.run(tenant, source, epoch, lastSequence, firstSequence, us, count),
    of: async ({ source, epoch }) => marksIn(of.all(tenant, source, epoch)),
    newest: async () => {
      const row = newest.get(tenant);
      return row === undefined ? null : { us: row.us as number, count: row.count as number };
    },
    close: () => db.close(),
  };
}

/** Reads the marks beside a recording; none where nothing was ever marked. */
export function readHybridMarks(
  recordingPath: string,
  { tenant, source, epoch }: { readonly tenant: string; readonly source: string; readonly epoch: number },
): readonly HybridMark[] {
  const path = hybridMarksPath(recordingPath);
  if (!existsSync(path)) return [];
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
  try {
    return marksIn(db.prepare(OF_CHAIN).all(tenant, source, epoch));
  } finally {
    db.close();
  }
}
