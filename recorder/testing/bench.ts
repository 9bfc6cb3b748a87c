import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type EventDraft, signalEvent } from '../src/index.ts';
import { openSqliteRecorder, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { testChain } from './chains.ts';

export interface AppendRates {
  /** Events per second, each on disk before the next batch begins. */
  readonly ours: number;
  /** Rows per second that bare node:sqlite inserts at the same batch size and durability. */
  readonly bare: number;
}

export interface AppendBench {
  readonly batch: number;
  /** Batches of each kind; odd and even rounds alternate, so that both see the same disk. */
  readonly rounds?: number;
  readonly folder?: string;
}

const EVENT_BYTES = 200;

/** Durable append of 200-byte events (the whole envelope), next to bare inserts of 200 bytes in the same run. */
export async function benchAppend({ batch, rounds, folder }: AppendBench): Promise<AppendRates> {
  const count = rounds ?? Math.max(40, Math.min(400, Math.round(40_000 / batch)));
  const home = mkdtempSync(join(folder ?? tmpdir(), 'sigma-append-'));
  const recorder = await openSqliteRecorder(join(home, 'ours.db'));
  const bare = openBare(join(home, 'bare.db'), batch);
  try {
    const chain = testChain('bench', sha256);
    await recorder.append([chain.begin()]);
    const drafts = events(batch);
    const ours = async (): Promise<void> => recorder.append([chain.writer.seal(drafts)]);
    const spent = { ours: 0, bare: 0 };
    for (let round = -Math.ceil(count / 10); round < count; round++) {
      const oursMs = await time(ours);
      const bareMs = await time(async () => bare.insert());
      if (round < 0) continue;
      spent.ours += oursMs;
      spent.bare += bareMs;
    }
    const rate = (ms: number): number => (count * batch * 1000) / ms;
    return { ours: rate(spent.ours), bare: rate(spent.bare) };
  } finally {
    bare.close();
    await recorder.close();
    rmSync(home, { recursive: true });
  }
}

function events(batch: number): readonly EventDraft[] {
  const event = signalEvent('bench.event', { text: 'x'.repeat(EVENT_BYTES - 63) }, 1000, 1_700_000_000_000_000);
  return Array.from({ length: batch }, () => event);
}

async function time(run: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

function openBare(path: string, batch: number): { insert: () => void; close: () => void } {
  const db = new DatabaseSync(path);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (id INTEGER PRIMARY KEY, data BLOB)',
  );
  const insert = db.prepare('INSERT INTO events (data) VALUES (?)');
  const data = new Uint8Array(EVENT_BYTES).fill(120);
  return {
    insert: () => {
      db.exec('BEGIN');
      for (let i = 0; i < batch; i++) insert.run(data);
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}
