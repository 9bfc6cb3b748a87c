import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { QueryDesk } from './query-desk.ts';
import type { Cell } from './query-messages.ts';

let desk: QueryDesk;
before(async () => {
  desk = await QueryDesk.open();
});

async function asked(sql: string): Promise<{ readonly types: readonly string[]; readonly rows: readonly Cell[][] }> {
  const { columns, rows } = await desk.answer(sql);
  const all: Cell[][] = [];
  for await (const part of rows) all.push(...part);
  return { types: columns.map(({ type }) => type), rows: all };
}

/** A list among the columns has all of them read by DuckDB's own library. */
async function byLibrary(sql: string): ReturnType<typeof asked> {
  const { types, rows } = await asked(`SELECT *, [1] AS list FROM (${sql})`);
  assert.deepEqual([types.at(-1), rows[0]?.at(-1)], ['INTEGER[]', [1]]);
  return { types: types.slice(0, -1), rows: rows.map((row) => row.slice(0, -1)) };
}

describe('[R168] what a query answers', () => {
  for (const [what, sql] of [
    ['whole numbers', 'SELECT i, i::BIGINT AS b, i::HUGEINT AS h FROM (VALUES (0), (-1), (2147483647), (NULL)) t(i)'],
    [
      'whole numbers that no double holds',
      'SELECT unnest([9007199254740991, 9007199254740993, -9223372036854775807]) AS n',
    ],
    [
      'sums beyond 64 bits',
      'SELECT sum(n) AS s, -sum(n) AS t, count(*) AS c FROM (SELECT unnest([9223372036854775807, 9223372036854775807]) AS n)',
    ],
    ['numbers', 'SELECT unnest([0.1, -0.0, 1e300, NULL]::DOUBLE[]) AS d'],
    ['yes and no', 'SELECT unnest([true, false, NULL]) AS b'],
    [
      'texts on both sides of twelve bytes',
      "SELECT repeat('é', n) AS t, repeat('x', 12) AS a, repeat('x', 13) AS b, '' AS c FROM range(20) r(n)",
    ],
    ['texts of JSON', `SELECT '{"a":1}'::JSON AS j, NULL::VARCHAR AS n`],
    [
      'times',
      "SELECT unnest([TIMESTAMP '2026-04-01 00:00:00.123456', TIMESTAMP '1969-12-31 23:59:59.999999', TIMESTAMP '12026-01-01', NULL]) AS t",
    ],
    [
      'many rows, every third of them null',
      "SELECT CASE WHEN n % 3 = 0 THEN NULL ELSE n END AS n, CASE WHEN n % 7 = 0 THEN NULL ELSE 'text of row ' || n END AS t FROM range(5000) r(n)",
    ],
    ['columns of one name', 'SELECT 1 AS n, 2 AS n, 3 AS n'],
    ['nothing', 'SELECT 1 AS n WHERE false'],
  ] as const) {
    test(`is what DuckDB's own library reads: ${what}`, async () => {
      const own = await asked(sql);
      if (own.rows.length === 0) assert.deepEqual(own, { types: ['INTEGER'], rows: [] });
      else assert.deepEqual(own, await byLibrary(sql));
    });
  }

  test('has a time that no calendar of JSON holds as an error, not as another time', async () => {
    await assert.rejects(asked("SELECT TIMESTAMP '294246-01-01' AS t"), /out of range/);
    await assert.rejects(asked("SELECT 'infinity'::TIMESTAMP AS t"), /out of range/);
  });

  test('has every other type as JSON can say it', async () => {
    const { types, rows } = await asked(
      `SELECT DATE '2026-04-01' AS d, [1, NULL] AS l, {'a': 1::BIGINT} AS s, 'ab'::BLOB AS b, 1.5::DECIMAL(4, 2) AS m`,
    );
    assert.deepEqual(types, ['DATE', 'INTEGER[]', 'STRUCT("a" BIGINT)', 'BLOB', 'DECIMAL(4,2)']);
    assert.deepEqual(rows, [['2026-04-01T00:00:00.000Z', [1, null], { a: 1 }, '6162', 1.5]]);
  });
});
