import { hash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { signalEvent } from '../../../src/index.ts';
import { testChain } from '../../../testing/chains.ts';
import { openPostgres } from '../postgres-store.ts';
import { startTestServer, type TestServer } from './server.ts';

export interface PostgresRates {
  readonly batch: number;
  /** Events per second, each on the server's disk before the next batch begins. */
  readonly ours: number;
  /** Rows per second of a bare `INSERT … SELECT unnest` of as many rows of as many bytes, over the same protocol. */
  readonly bare: number;
  /** The same, of a bare insert of one row that holds all of the batch's bytes. */
  readonly bareBlock: number;
}

const EVENT_BYTES = 200;
const sha256 = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer');

/**
 * Durable append of 200-byte events through PostgreSQL under row-level security, next to bare inserts of the same bytes
 * by one connection without any, in turn, on a real server of its own with fsync. The median of the rounds.
 */
export async function benchPostgresAppend(
  batches: readonly number[] = [1, 100, 1000],
  rounds = 200,
): Promise<readonly PostgresRates[]> {
  const server = await startTestServer();
  try {
    const rates: PostgresRates[] = [];
    for (const batch of batches) rates.push(await measure(server, batch, Math.max(40, rounds - batch / 8)));
    return rates;
  } finally {
    await server.stop();
  }
}

async function measure(server: TestServer, batch: number, rounds: number): Promise<PostgresRates> {
  const recordings = await openPostgres(server.url);
  const bare = new pg.Client(server.ownerUrl);
  await bare.connect();
  await bare.query('DROP TABLE IF EXISTS bare; CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY, data bytea)');
  try {
    const store = recordings.recording('bench');
    const chain = testChain(`r${batch}`, sha256, { tenant: 'bench' });
    await store.append([chain.begin()]);
    const event = signalEvent('bench.event', { text: 'x'.repeat(EVENT_BYTES - 63) }, 1000, 1_700_000_000_000_000);
    const events = Array.from({ length: batch }, () => event);
    const rows = Array.from({ length: batch }, () => Buffer.alloc(EVENT_BYTES, 120));
    const whole = Buffer.alloc(EVENT_BYTES * batch, 120);
    const ways = {
      ours: () => store.append([chain.writer.seal(events)]),
      bare: () =>
        bare.query({ name: 'rows', text: 'INSERT INTO bare (data) SELECT unnest($1::bytea[])', values: [rows] }),
      bareBlock: () => bare.query({ name: 'block', text: 'INSERT INTO bare (data) VALUES ($1)', values: [whole] }),
    };
    const spent: Record<keyof typeof ways, number[]> = { ours: [], bare: [], bareBlock: [] };
    for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
      for (const [way, run] of Object.entries(ways) as [keyof typeof ways, () => Promise<unknown>][]) {
        const from = performance.now();
        await run();
        if (round >= 0) spent[way].push(performance.now() - from);
      }
    }
    const rate = (ms: number[]): number =>
      (batch * 1000) / (ms.sort((a, b) => a - b)[Math.floor(ms.length / 2)] as number);
    return { batch, ours: rate(spent.ours), bare: rate(spent.bare), bareBlock: rate(spent.bareBlock) };
  } finally {
    await bare.end();
    await recordings.close();
  }
}

/**
 * Bytes a second that one connection of the owner inserts as bare rows, one a statement and a commit.
 *
 * @param content one byte over and over, which PostgreSQL packs to almost nothing before it writes, or such that it cannot
 */
export async function benchBareRows(
  server: TestServer,
  bytesARow: number,
  rows: number,
  content: 'packs' | 'unpackable' = 'packs',
): Promise<number> {
  const bare = new pg.Client(server.ownerUrl);
  await bare.connect();
  try {
    await bare.query(
      'DROP TABLE IF EXISTS bare; CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY, data bytea)',
    );
    const row = content === 'packs' ? Buffer.alloc(bytesARow, 120) : randomBytes(bytesARow);
    const from = performance.now();
    for (let n = 0; n < rows; n++) {
      await bare.query({ name: 'block', text: 'INSERT INTO bare (data) VALUES ($1)', values: [row] });
    }
    return (bytesARow * rows * 1000) / (performance.now() - from);
  } finally {
    await bare.end();
  }
}
