import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type Bounds, boundsOf, NO_BOUNDS, narrower } from './bounds.ts';

let instance: DuckDBInstance;
let connection: DuckDBConnection;
before(async () => {
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
});
after(() => {
  connection.closeSync();
  instance.closeSync();
});

async function bounds(sql: string): Promise<Bounds> {
  const answer = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)::VARCHAR', [sql]);
  return boundsOf(JSON.parse(String(answer.getRows()[0]?.[0])), async (text) => {
    const us = Date.parse(text.includes(':') ? `${text.replace(' ', 'T')}Z` : text) * 1000;
    return Number.isFinite(us) ? us : null;
  });
}

const DAY_US = Date.UTC(2026, 3, 1) * 1000;
const [fromUs, toUs] = [DAY_US, DAY_US + 86_400e6];

describe('[R169] what a query can need', () => {
  for (const [where, expected] of [
    ["source = 'r1'", { sources: ['r1'] }],
    ["'r1' = source AND tenant IN ('a', 'b')", { sources: ['r1'], tenants: ['a', 'b'] }],
    ["e.source = 'r1' AND (epoch = 2 AND chosen = 'stop')", { sources: ['r1'], epochs: [2] }],
    ["time >= '2026-04-01' AND time < TIMESTAMP '2026-04-02 00:00:00'", { fromUs, toUs }],
    ["time BETWEEN DATE '2026-04-01' AND '2026-04-02'", { fromUs, toUs }],
    [`${fromUs} <= time_us AND time_us <= ${toUs}`, { fromUs, toUs }],
    [`time = '2026-04-01'`, { fromUs, toUs: fromUs }],
    ["source = 'r1' AND source IN ('r1', 'r2')", { sources: ['r1'] }],
  ] as const) {
    test(`is bounded by ${where}`, async () => {
      assert.deepEqual(await bounds(`SELECT * FROM events AS e WHERE ${where}`), { ...NO_BOUNDS, ...expected });
    });
  }

  for (const sql of [
    "SELECT * FROM events WHERE source = 'r1' OR true",
    "SELECT * FROM events WHERE NOT (source = 'r1')",
    "SELECT * FROM events WHERE source <> 'r1'",
    "SELECT * FROM events WHERE source = 'r' || '1'",
    "SELECT * FROM events WHERE other.source = 'r1'",
    "SELECT * FROM events WHERE body.source = 'r1'",
    "SELECT * FROM events HAVING source = 'r1'",
    'SELECT * FROM events WHERE source = NULL',
    "SELECT * FROM events, decisions WHERE source = 'r1'",
    "SELECT * FROM events AS a JOIN events AS b USING (time) WHERE a.source = 'r1'",
    "SELECT (SELECT count(*) FROM events) FROM decisions WHERE source = 'r1'",
    "WITH x AS (SELECT * FROM events) SELECT * FROM x WHERE source = 'r1'",
    "SELECT * FROM decisions, query_table('events') WHERE source = 'r1'",
    'SELECT * FROM events WHERE time > now()',
    "SELECT * FROM events WHERE time > TIMESTAMPTZ '2026-04-01 00:00:00+02'",
    'SELECT * FROM events WHERE time_us > 1.5 AND at_us > 7',
    'SELECT 1',
  ]) {
    test(`may be everything: ${sql}`, async () => assert.deepEqual(await bounds(sql), NO_BOUNDS));
  }

  test('both of two bounds hold', () => {
    const a = { ...NO_BOUNDS, sources: ['x', 'y'], fromUs: 5, toUs: 90 };
    const b = { ...NO_BOUNDS, sources: ['y', 'z'], fromUs: 7, epochs: [1] };
    assert.deepEqual(narrower(a, b), { tenants: null, sources: ['y'], epochs: [1], fromUs: 7, toUs: 90 });
    assert.deepEqual(narrower(b, a), narrower(a, b));
  });
});
