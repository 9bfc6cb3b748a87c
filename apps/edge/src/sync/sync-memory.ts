import type { DatabaseSync } from 'node:sqlite';
import {
  type AheadEvent,
  type AheadMemory,
  type ChainEnd,
  type DepartureMemory,
  type LinkedChain,
  type LookedChain,
  linkedKey,
  type SyncMemory,
} from '@sigma/recorder';
import { openMemoryFile } from '../live/memory-file.ts';

/** What an edge remembers of sync, and which of its recordings still hold what a hub lacks. */
export interface EdgeSyncMemory extends SyncMemory {
  /** Safety events that are told before their blocks. */
  readonly ahead: AheadMemory;
  readonly departures: DepartureMemory;
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
    CREATE TABLE IF NOT EXISTS last_hub (only INTEGER PRIMARY KEY CHECK (only = 1), hub TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS urgent (
      source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (source, epoch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS looked (
      source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, opened_us INTEGER NOT NULL,
      left_out INTEGER NOT NULL, PRIMARY KEY (source, epoch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ahead (
      source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, grade INTEGER NOT NULL,
      envelope BLOB NOT NULL, PRIMARY KEY (source, epoch, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS departures (
      source TEXT NOT NULL, epoch INTEGER NOT NULL, untouched INTEGER NOT NULL, PRIMARY KEY (source, epoch)
    ) STRICT, WITHOUT ROWID;`,
  );
  const recordings = db.prepare('SELECT path FROM recordings ORDER BY rowid');
  const add = db.prepare('INSERT OR IGNORE INTO recordings VALUES (?)');
  const remove = db.prepare('DELETE FROM recordings WHERE path = ?');
  const acknowledged = db.prepare('SELECT source, epoch, sequence, hash FROM acknowledged WHERE hub = ?');
  const acknowledge = db.prepare('INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?, ?, ?)');
  const lastHub = db.prepare('SELECT hub FROM last_hub');
  const heardOf = db.prepare('INSERT OR REPLACE INTO last_hub VALUES (1, ?)');
  const urgent = db.prepare('SELECT source, epoch, sequence FROM urgent');
  const remind = db.prepare('INSERT OR REPLACE INTO urgent VALUES (?, ?, ?)');
  return {
    recordings: () => recordings.all().map((row) => row.path as string),
    addRecording: (path) => void add.run(path),
    removeRecording: (path) => void remove.run(path),
    lastHub: () => (lastHub.get()?.hub as string | undefined) ?? null,
    acknowledged: (hub) => acknowledged.all(hub) as unknown as readonly (LinkedChain & ChainEnd)[],
    acknowledge: (hub, chains) => {
      db.exec('BEGIN');
      heardOf.run(hub);
      for (const { source, epoch, sequence, hash } of chains) acknowledge.run(hub, source, epoch, sequence, hash);
      db.exec('COMMIT');
    },
    urgent: () => urgent.all() as unknown as readonly (LinkedChain & { readonly sequence: number })[],
    remindOf: ({ source, epoch }, sequence) => void remind.run(source, epoch, sequence),
    ahead: aheadMemory(db),
    departures: departureMemory(db),
    close: () => db.close(),
  };
}

/** @throws Error of node:sqlite */
function departureMemory(db: DatabaseSync): DepartureMemory {
  const untouched = db.prepare('SELECT source, epoch FROM departures WHERE untouched = 1');
  // What an earlier life wrote, which knew of no departures, may have left.
  const begins = db.prepare(
    `INSERT OR IGNORE INTO departures VALUES (:source, :epoch,
      NOT EXISTS (SELECT 1 FROM looked WHERE source = :source AND epoch = :epoch)
      AND NOT EXISTS (SELECT 1 FROM acknowledged WHERE source = :source AND epoch = :epoch))`,
  );
  const leaves = db.prepare('UPDATE departures SET untouched = 0 WHERE source = :source AND epoch = :epoch');
  return {
    untouched: () => untouched.all() as unknown as readonly LinkedChain[],
    begins: ({ source, epoch }) => void begins.run({ source, epoch }),
    leaves: ({ source, epoch }) => {
      db.exec('PRAGMA synchronous = FULL');
      try {
        leaves.run({ source, epoch });
      } finally {
        db.exec('PRAGMA synchronous = NORMAL');
      }
    },
  };
}

/** Safety events that are kept of one chain, and of all: at two a minute, a week of one is among them by its failsafes. */
const MOST_OF_CHAIN = 1_000;
const MOST_OF_ALL = 20_000;
/** An event that is longer comes with its block. */
const LONGEST = 16 * 1024;

/** @throws Error of node:sqlite */
function aheadMemory(db: DatabaseSync): AheadMemory {
  const looked = db.prepare('SELECT source, epoch, sequence, opened_us AS openedUs, left_out AS leftOut FROM looked');
  const look = db.prepare(
    `INSERT INTO looked VALUES (?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)`,
  );
  const keep = db.prepare('INSERT OR IGNORE INTO ahead VALUES (?, ?, ?, ?, ?)');
  const leaveOut = db.prepare('UPDATE looked SET left_out = left_out + ? WHERE source = ? AND epoch = ?');
  const least = db.prepare(
    `DELETE FROM ahead WHERE (source, epoch, sequence) IN (SELECT source, epoch, sequence FROM ahead
      WHERE source = ? AND epoch = ? ORDER BY grade, sequence LIMIT ?)`,
  );
  const counted = db.prepare('SELECT source, epoch, count(*) AS count FROM ahead GROUP BY source, epoch');
  const after = db.prepare(
    'SELECT sequence, grade, envelope FROM ahead WHERE source = ? AND epoch = ? AND sequence > ? ORDER BY sequence LIMIT ?',
  );
  const forget = db.prepare('DELETE FROM ahead WHERE source = ? AND epoch = ? AND sequence <= ?');
  const whole = db.prepare('UPDATE looked SET left_out = 0 WHERE source = ? AND epoch = ? AND sequence <= ?');
  const counts = new Map<string, number>();
  for (const { source, epoch, count } of counted.all() as unknown as readonly (LinkedChain & { count: number })[]) {
    counts.set(linkedKey({ source, epoch }), count);
  }
  /** How many of a chain must go, so that these have room. */
  const tooMany = (key: string): number => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const own = counts.get(key) ?? 0;
    return Math.min(own, Math.max(0, own - MOST_OF_CHAIN, all - MOST_OF_ALL));
  };
  const insert = ({ source, epoch, sequence, openedUs }: LookedChain, events: readonly AheadEvent[]): void => {
    const key = linkedKey({ source, epoch });
    look.run(source, epoch, sequence, openedUs);
    const fit = events.filter(({ envelope }) => envelope.length <= LONGEST);
    let kept = 0;
    for (const { sequence: at, grade, envelope } of fit)
      kept += Number(keep.run(source, epoch, at, grade, envelope).changes);
    counts.set(key, (counts.get(key) ?? 0) + kept);
    const out = tooMany(key);
    if (out > 0) counts.set(key, (counts.get(key) ?? 0) - Number(least.run(source, epoch, out).changes));
    const leftOut = out + events.length - fit.length;
    if (leftOut > 0) leaveOut.run(leftOut, source, epoch);
  };
  return {
    looked: () => looked.all() as unknown as readonly LookedChain[],
    keep: (chain, events) => {
      db.exec('BEGIN');
      try {
        insert(chain, events);
        db.exec('COMMIT');
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    chains: () =>
      (looked.all() as unknown as readonly (LookedChain & { readonly leftOut: number })[]).filter(
        (chain) => (counts.get(linkedKey(chain)) ?? 0) > 0,
      ),
    after: ({ source, epoch }, sequence, most) =>
      after.all(source, epoch, sequence, most) as unknown as readonly AheadEvent[],
    arrived: ({ source, epoch }, sequence) => {
      const key = linkedKey({ source, epoch });
      const count = counts.get(key) ?? 0;
      if (count === 0) return;
      counts.set(key, count - Number(forget.run(source, epoch, sequence).changes));
      whole.run(source, epoch, sequence);
    },
  };
}
