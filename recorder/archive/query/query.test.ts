import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { signalEvent } from '../../src/index.ts';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { archiveRecording } from '../archive-recording.ts';
import { ColdArchive } from '../cold-archive.ts';
import { folderObjects } from '../objects/folder.ts';
import { type Bounds, NO_BOUNDS } from './bounds.ts';
import type { QueryTiers } from './needed.ts';
import { QueryNeedsDamagedError, QuerySession, queryEvents } from './query.ts';
import { QueryError } from './query-child.ts';
import type { Cell } from './query-messages.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-query-test-'));
const place = join(home, "it's here");
const recording = new MemoryStore();
let cold: ColdArchive;

before(async () => {
  for (const [seed, source] of ['tram-1', 'tram-2'].entries()) {
    await recording.append(tramDay({ source, seed, wakes: 100, sha256 }).blocks);
  }
  const store = folderObjects(place);
  const through = ({ source, sequence }: { source: string; sequence: number }) => (source === 'tram-1' ? sequence : 60);
  await archiveRecording(recording, store, { sha256, mostEvents: 50, through });
  cold = await ColdArchive.open(store, { cacheDir: join(home, 'cache') });
});
after(async () => {
  await cold.close();
  rmSync(home, { recursive: true });
});

/** A recording of an opening, and an act that refers to two texts and to one that nobody knows. */
async function referring() {
  const event = new MemoryStore();
  const chain = testChain('hub', sha256);
  const draft = 'hub.act';
  const refers = ['a', 'b', 'f'].map((digit) => `text:${digit.repeat(32)}`).join(' and ');
  await event.append([chain.begin(), chain.writer.seal([signalEvent(draft, { summary: refers }, 1_000, 1_000)])]);
  return { event, draft };
}

const both = (): QueryTiers => ({ hot: [recording], cold: [cold], files: [] });
const LIMITS = { timeoutMs: 20_000, memoryMb: 200, rows: 100_000 };

async function ask(sql: string, tiers: QueryTiers = both(), only: Bounds = NO_BOUNDS, more: object = {}) {
  const answer = await queryEvents(sql, tiers, { only, limits: LIMITS, ...more });
  const rows: (readonly Cell[])[] = [];
  for await (const row of answer.rows) rows.push(row);
  return { ...answer, rows, cut: answer.isCut() };
}

describe('SQL over both tiers', () => {
  test('[R167] sees each event once, with the same columns, wherever it rests', async () => {
    const all = 'SELECT * FROM events ORDER BY source, sequence';
    const [tiers, hot] = [await ask(all), await ask(all, { hot: [recording], cold: [], files: [] })];
    assert.ok(tiers.objects > 2 && tiers.hotEvents > 0 && hot.objects === 0);
    assert.deepEqual(tiers.rows, hot.rows);
    const heads = await recording.heads();
    assert.equal(
      tiers.rows.length,
      heads.reduce((sum, { sequence }) => sum + sequence, 0),
    );
    const { rows } = await ask('SELECT count(*), count(chosen), count(DISTINCT type) FROM decisions');
    assert.equal(rows[0]?.[0], rows[0]?.[1]);
    assert.equal(rows[0]?.[2], 1);
  });

  test('[R167] two archives, or an archive and its restored copy, do not count twice', async () => {
    const count = 'SELECT source, count(*) FROM events GROUP BY 1 ORDER BY 1';
    const twice = await ask(count, { hot: [recording, recording], cold: [cold, cold], files: [] });
    assert.deepEqual(twice.rows, (await ask(count)).rows);
  });

  test('[R169] a bound on the source, in SQL or by option, leaves objects out and never changes the answer', async () => {
    const sql = "SELECT reason, count(*) FROM decisions WHERE source = 'tram-2' GROUP BY 1 ORDER BY 2, 1";
    const bounded = await ask(sql);
    const unbounded = await ask(sql.replace("= 'tram-2'", "|| '' = 'tram-2'"));
    assert.ok(bounded.objectsLeftOut > 0 && unbounded.objectsLeftOut === 0);
    assert.deepEqual(bounded.rows, unbounded.rows);
    const option = await ask('SELECT DISTINCT source FROM events', both(), { ...NO_BOUNDS, sources: ['tram-2'] });
    assert.deepEqual(option.rows, [['tram-2']]);
    assert.ok(option.objectsLeftOut > 0);
  });

  test('[R190] has the column text where what references stand for is handed over, and not otherwise', async () => {
    const { event, draft } = await referring();
    const tiers: QueryTiers = { hot: [event], cold: [], files: [] };
    const texts = [
      [`text:${'a'.repeat(32)}`, 'said "no"\nand left'],
      [`text:${'b'.repeat(32)}`, "it's his"],
      [`text:${'c'.repeat(32)}`, 'of nobody here'],
    ] as const;
    const found = await ask("SELECT name, text FROM events WHERE text LIKE '%left%'", tiers, NO_BOUNDS, { texts });
    assert.deepEqual(found.rows, [[draft, 'said "no"\nand left\nit\'s his']]);
    const all = await ask('SELECT count(*), count(text) FROM events', tiers, NO_BOUNDS, { texts });
    assert.deepEqual(all.rows, [[2, 1]]);
    const none = await ask('SELECT count(text) FROM events', tiers, NO_BOUNDS, { texts: [] });
    assert.deepEqual(none.rows, [[0]]);
    await assert.rejects(ask('SELECT text FROM events', tiers), /text.* not found/i);
    await assert.rejects(ask('DROP TABLE texts', tiers, NO_BOUNDS, { texts }), /a query reads/);
  });

  test('nothing to ask is an empty table, and rows past the limit are cut off and that is said', async () => {
    const none = await ask('SELECT source, sequence, time FROM events', { hot: [], cold: [], files: [] });
    assert.deepEqual([none.rows, none.columns.map(({ type }) => type)], [[], ['VARCHAR', 'BIGINT', 'TIMESTAMP']]);
    const few = await ask('SELECT sequence FROM events', both(), NO_BOUNDS, { limits: { ...LIMITS, rows: 3 } });
    assert.deepEqual([few.rows.length, few.cut], [3, true]);
    const exact = await ask('SELECT sequence FROM events LIMIT 3', both(), NO_BOUNDS, {
      limits: { ...LIMITS, rows: 3 },
    });
    assert.deepEqual([exact.rows.length, exact.cut], [3, false]);
  });
});

describe('a session of queries', () => {
  const asking = async (session: QuerySession, sql: string, only: Bounds = NO_BOUNDS) => {
    const answer = await session.ask(sql, { only, limits: LIMITS });
    const rows: (readonly Cell[])[] = [];
    for await (const row of answer.rows) rows.push(row);
    return { ...answer, rows };
  };
  const count = 'SELECT source, count(*) FROM events GROUP BY 1 ORDER BY 1';

  test('[R167] sees what was recorded, and what was archived, since the query before', async () => {
    const grown = new MemoryStore();
    const { blocks } = tramDay({ source: 'tram-3', seed: 5, wakes: 100, sha256 });
    const half = blocks.length >> 1;
    const [early, later] = [blocks.slice(0, half), blocks.slice(half)];
    assert.ok(early.length > 1 && later.length > 0);
    await grown.append(early);
    const store = folderObjects(join(home, 'grown'));
    await archiveRecording(grown, store, { sha256, through: () => 10 });
    const archive = await ColdArchive.open(store, { cacheDir: join(home, 'cache') });
    const session = new QuerySession({ hot: [grown], cold: [archive], files: [] }, { asksAgain: true });
    try {
      for (const step of [
        async () => {},
        () => grown.append(later),
        () => archiveRecording(grown, store, { sha256 }),
      ]) {
        await step();
        const whole = { hot: [grown], cold: [], files: [] };
        assert.deepEqual((await asking(session, count)).rows, (await ask(count, whole)).rows);
      }
      assert.equal((await asking(session, count)).hotEvents, 0, 'all of it is archived by now');
    } finally {
      await session.close();
      await archive.close();
    }
  });

  test('[R168] that was harmed by one query, or lost its process in waiting, answers the next', async () => {
    const session = new QuerySession(both(), { asksAgain: true });
    try {
      const whole = (await ask(count)).rows;
      await assert.rejects(asking(session, 'SET lock_configuration = false'), QueryError);
      await assert.rejects(asking(session, 'SELEC 1'), QueryError);
      assert.deepEqual((await asking(session, count)).rows, whole);
      const timed = { ...NO_BOUNDS, fromUs: 0 };
      assert.deepEqual((await asking(session, count, timed)).rows, whole, 'a bound on time changes no answer');
    } finally {
      await session.close();
    }
  });

  test('[R163] finds that a file was altered between two queries', async () => {
    const place = join(home, 'altered');
    await archiveRecording(recording, folderObjects(place), { sha256 });
    const archive = await ColdArchive.open(folderObjects(place), { cacheDir: join(home, 'cache') });
    const session = new QuerySession({ hot: [], cold: [archive], files: [] }, { asksAgain: true });
    try {
      await asking(session, count);
      for (const { eventFile, blockFile } of archive.chains[0]?.objects ?? []) {
        for (const { key } of [eventFile, blockFile]) {
          const bytes = readFileSync(join(place, key));
          bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
          writeFileSync(join(place, key), bytes);
        }
      }
      await assert.rejects(asking(session, count), /is altered/);
    } finally {
      await session.close();
      await archive.close();
    }
  });
});

describe('SQL that means harm', () => {
  const secret = join(home, 'secret.csv');
  writeFileSync(secret, 'secret\n42\n');
  const out = join(home, 'out.parquet');

  for (const [what, sql] of [
    ['reads another file', `SELECT * FROM read_text('${secret}')`],
    ['reads another file by its name', `SELECT * FROM '${secret}'`],
    ['reads another Parquet file', `SELECT * FROM read_parquet('${home}/*.parquet')`],
    ['lists folders', `SELECT * FROM glob('${home}/*')`],
    ['reads the environment', "SELECT getenv('HOME')"],
    ['reaches for the network', "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')"],
    ['loads an extension', 'LOAD httpfs'],
    ['installs an extension', 'INSTALL httpfs'],
    ['opens another database', `ATTACH '${home}/x.db'`],
    ['writes a file', `COPY (SELECT 1) TO '${out}'`],
    ['writes a file while it explains', `EXPLAIN ANALYZE COPY (SELECT 1) TO '${out}'`],
    ['exports the database', `EXPORT DATABASE '${home}/out'`],
    ['changes its bounds', "SET memory_limit = '100GB'"],
    ['opens files again', 'SET enable_external_access = true'],
    ['makes tables', 'CREATE TABLE t AS SELECT 1'],
    ['removes the table', 'DROP VIEW events'],
    ['says two things', 'SELECT 1; DROP VIEW events'],
    ['says nothing', '-- nothing'],
    ['is no SQL', 'SELEC 1'],
  ] as const) {
    test(`[R168] that ${what} is refused`, async () => {
      await assert.rejects(ask(sql), (error: QueryError) => {
        assert.ok(error instanceof QueryError, String(error));
        assert.equal(error.fault, 'sql', error.message);
        assert.doesNotMatch(error.message, /\b42\b/);
        return true;
      });
      assert.equal(existsSync(out) || existsSync(join(home, 'out')), false);
    });
  }

  test('[R168] that would write over an archived object is refused, and the object is as it was', async () => {
    const [object] = cold.chains[0]?.objects ?? [];
    const path = join(place, object?.eventFile.key ?? '');
    const held = readFileSync(path);
    for (const how of ['', 'EXPLAIN ANALYZE ']) {
      const sql = `${how}COPY (SELECT 1) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, USE_TMP_FILE false)`;
      await assert.rejects(ask(sql), QueryError);
    }
    assert.deepEqual(readFileSync(path), held);
  });

  test('[R168] that never ends is ended, and says after which time', async () => {
    const endless = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t';
    const limits = { ...LIMITS, timeoutMs: 1_500 };
    await assert.rejects(ask(endless, both(), NO_BOUNDS, { limits }), (error: QueryError) => {
      assert.equal(error.fault, 'time');
      return /1\.5 s/.test(error.message);
    });
  });

  test('[R168] that wants all memory is ended', async () => {
    const limits = { ...LIMITS, memoryMb: 64 };
    const hungry = 'SELECT length(list(range)::VARCHAR) FROM range(500000000)';
    await assert.rejects(ask(hungry, both(), NO_BOUNDS, { limits }), (error: QueryError) => {
      assert.equal(error.fault, 'memory', error.message);
      return true;
    });
  });

  test('[R168] that is left in the middle leaves nothing behind', async () => {
    const folders = () =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('sigma-query-') && !name.includes('test'));
    const here = new Set(folders());
    const stop = new AbortController();
    const answer = await queryEvents('SELECT range FROM range(100000000)', both(), {
      only: NO_BOUNDS,
      limits: { ...LIMITS, rows: 100_000_000 },
      signal: stop.signal,
    });
    for await (const _ of answer.rows) break;
    assert.deepEqual(
      folders().filter((name) => !here.has(name)),
      [],
    );
  });
});

describe('SQL over a damaged archive', () => {
  test('[R163] needs what is missing, and says so by name; asked for less, it answers', async () => {
    const damaged = join(home, 'damaged');
    const store = folderObjects(damaged);
    await archiveRecording(recording, store, { sha256, mostEvents: 50 });
    const keys = await store.list('acme/objects/tram-1/');
    const lost = keys.filter((key) => key.endsWith('.events.parquet'))[0] as string;
    const whole = (await ask('SELECT * FROM events ORDER BY source, sequence')).rows;
    await store.remove(lost);
    const rebuilt = await ColdArchive.open(store, { cacheDir: join(home, 'cache') });
    const again = await ask('SELECT * FROM events ORDER BY source, sequence', { hot: [], cold: [rebuilt], files: [] });
    await rebuilt.close();
    assert.deepEqual(again.rows, whole, 'made from the blocks again');
    for (const key of keys.slice(0, 2)) await store.remove(key);
    const archive = await ColdArchive.open(store, { cacheDir: join(home, 'cache') });
    try {
      const only: QueryTiers = { hot: [], cold: [archive], files: [] };
      await assert.rejects(ask('SELECT count(*) FROM events', only), (error: QueryNeedsDamagedError) => {
        assert.ok(error instanceof QueryNeedsDamagedError);
        return error.message.includes(lost) && /is missing/.test(error.message);
      });
      const less = await ask("SELECT count(*) FROM events WHERE source = 'tram-2'", only);
      assert.equal(less.rows[0]?.[0], (await recording.heads())[1]?.sequence);
      const without = await ask('SELECT count(*) FROM events', only, NO_BOUNDS, { withoutDamaged: true });
      assert.deepEqual(
        without.damaged.map(({ key }) => key),
        [lost],
      );
      const hot = await ask('SELECT count(*) FROM events', { hot: [recording], cold: [archive], files: [] });
      assert.deepEqual(hot.rows, (await ask('SELECT count(*) FROM events')).rows);
    } finally {
      await archive.close();
    }
  });
});
