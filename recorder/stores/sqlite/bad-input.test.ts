import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import {
  agentReexecutor,
  type BlockStore,
  type Reexecutors,
  replayAt,
  StoreCorruptError,
  StoreError,
  verify,
} from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { tramModel } from '../../testing/tram.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { openSqliteRecorder, openSqliteRecording, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-bad-input-'));
after(() => rmSync(home, { recursive: true }));
const pathOf = (name: string): string => join(home, `${name}.db`);
const trams: Reexecutors = { tram: () => agentReexecutor(tramModel()) };

const IO = '/proc/self/io';
const skip = existsSync(IO) ? false : 'needs Linux: bytes read are counted by /proc/self/io';

/** Bytes that this process asked the system for while `work` ran, from the disk or from its cache. */
async function bytesRead(work: () => Promise<void>): Promise<number> {
  const count = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync(IO, 'latin1'))?.[1]);
  const overhead = -count() + count();
  const before = count();
  await work();
  return count() - before - overhead;
}

/** A tram's day, and between its blocks those of a talkative source of the given size in all. */
async function largeRecording(name: string, megabytes: number): Promise<string> {
  const path = pathOf(name);
  const store = openSqliteStore(path);
  const day = tramDay({ seed: 3, wakes: 2000, sha256 });
  const talker = testChain('talker', sha256);
  await store.append([talker.begin()]);
  const padding = Math.ceil((megabytes * 1e6) / (day.blocks.length * 10));
  for (const block of day.blocks) await store.append([block, talker.notes(10, padding)]);
  await store.close();
  return path;
}

test('[R44] a recording of any size is opened, asked for its heads, replayed and written on without being read: the bytes are counted', {
  skip,
}, async () => {
  const used = async (path: string): Promise<Record<string, number>> => {
    const reader = openSqliteRecording(path);
    let writer: BlockStore | null = null;
    const used = {
      heads: await bytesRead(async () => void (await reader.heads())),
      replay: await bytesRead(async () => {
        const sources = await replayAt(reader, 100_000_000, trams);
        assert.equal(sources.find(({ chain }) => chain.source === 'tram-1')?.exact, true);
      }),
      open: await bytesRead(async () => {
        writer = openSqliteStore(path);
      }),
      append: await bytesRead(async () => {
        await writer?.append([testChain('late', sha256).begin()]);
      }),
    };
    await reader.close();
    await (writer as BlockStore | null)?.close();
    return used;
  };
  const [small, large] = [await largeRecording('small', 3), await largeRecording('large', 40)];
  const size = statSync(large).size;
  assert.ok(size > 8 * statSync(small).size && size > 40e6, `${size} bytes`);
  const [few, many] = [await used(small), await used(large)];
  for (const [what, bytes] of Object.entries(many)) {
    assert.ok(bytes < size / 40, `${what} read ${bytes} of ${size} bytes`);
    // The talker's blocks are ten times larger, its last one is looked at, and the tables are a level deeper.
    assert.ok(
      bytes < (few[what] ?? 0) + 400_000,
      `${what}: ${few[what]} bytes of the small, ${bytes} of the large one`,
    );
  }
});

test('[R44] a file of 50 GB, most of it empty, is opened, read and written on at once', { skip }, async () => {
  const path = await largeRecording('sparse', 1);
  const before = statSync(path).size;
  truncateSync(path, 50e9);
  const read = await bytesRead(async () => {
    const store = openSqliteStore(path);
    const heads = await store.heads();
    assert.deepEqual(
      heads.map(({ source }) => source),
      ['talker', 'tram-1'],
    );
    assert.equal((await replayAt(store, 100_000_000, trams)).length, 2);
    await store.append([testChain('late', sha256).begin()]);
    assert.equal((await verify(store, { sha256, reexecutors: {} })).ok, true);
    await store.close();
  });
  assert.ok(read < 3 * before + 2e6, `${read} bytes of a recording of ${before}`);
  rmSync(path);
});

test('[R46] [R4] an empty file is no recording to a reader, by name, and a new one to a writer', async () => {
  const path = pathOf('empty');
  writeFileSync(path, '');
  assert.throws(
    () => openSqliteRecording(path),
    (error) =>
      error instanceof StoreCorruptError &&
      error.message.startsWith(path) &&
      /is empty and no recording/.test(error.message),
  );
  assert.equal(statSync(path).size, 0, 'and is left as it is');
  for (const open of [openSqliteRecording, openSqliteStore]) {
    assert.throws(() => open(home), /is a folder and no recording\. Name the file in it/);
  }
  const recorder = await openSqliteRecorder(path);
  await recorder.append([testChain('r01', sha256).begin()]);
  await recorder.close();
  assert.equal(statSync(path).size > 0, true);
});

test('[R60] a recording without a chain verifies as what it is: nothing, and known heads are missed in it', async () => {
  const path = pathOf('without');
  await openSqliteStore(path).close();
  const reader = openSqliteRecording(path);
  const { ok, chains, events, firstFailure } = await verify(reader, { sha256, reexecutors: {} });
  assert.deepEqual([ok, chains, events, firstFailure], [true, [], 0, null]);
  const chain = testChain('r01', sha256);
  chain.begin();
  const missed = await verify(reader, { sha256, reexecutors: {}, knownHeads: [chain.writer.head] });
  assert.match(missed.firstFailure?.message ?? '', /acme\/r01 epoch 0, event 1: the whole chain is gone/);
  await reader.close();
});

test('[R62] [L4] a block of another recording, spliced in with its hash and row in order, is found and its owner named', async () => {
  const path = pathOf('spliced');
  const store = openSqliteStore(path);
  const mine = testChain('r01', sha256);
  await store.append([mine.begin(), ...Array.from({ length: 5 }, () => mine.notes(3))]);
  await store.close();
  const stranger = testChain('r66', sha256);
  stranger.begin();
  stranger.notes(3);
  const block = stranger.notes(3);
  const db = new DatabaseSync(path);
  db.prepare('UPDATE blocks SET bytes = ?, hash = ? WHERE first_sequence = 5').run(block.bytes, block.hash);
  db.close();
  const reader = openSqliteRecording(path);
  const { chains } = await verify(reader, { sha256, reexecutors: {} });
  assert.deepEqual(
    chains[0]?.failures.map(({ kind, fromSequence, recorded }) => [kind, fromSequence, recorded]),
    [
      ['foreign', 5, 'acme/r66 epoch 0'],
      ['link', 8, chains[0]?.failures[1]?.recorded],
    ],
  );
  await reader.close();
});

test('[R134] [L4] a row with columns of the wrong kind, or numbers out of all bounds, is damage by name', async () => {
  const damages: readonly (readonly [string, string, number, number])[] = [
    ['hash', `UPDATE blocks SET hash = 'text' WHERE first_sequence = 5`, 5, 7],
    ['short hash', `UPDATE blocks SET hash = x'00' WHERE first_sequence = 5`, 5, 5],
    ['bytes', `UPDATE blocks SET bytes = NULL WHERE first_sequence = 5`, 5, 7],
    ['sequence', `UPDATE blocks SET first_sequence = 9007199254740993 WHERE first_sequence = 17`, 17, 19],
  ];
  for (const [name, sql, from, to] of damages) {
    const path = pathOf(`row-${name}`);
    const store = openSqliteStore(path);
    const mine = testChain('r01', sha256);
    await store.append([mine.begin(), ...Array.from({ length: 8 }, () => mine.notes(3))]);
    await store.close();
    const db = new DatabaseSync(path, { defensive: false });
    // What rot does, no statement may: the tables are declared anew without their rules.
    db.exec(`PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = replace(replace(sql, ' STRICT', ''), ' NOT NULL', '') WHERE name = 'blocks';
      PRAGMA writable_schema = RESET`);
    db.exec(sql);
    db.close();
    const reader = openSqliteRecording(path);
    const found = await verify(reader, { sha256, reexecutors: {} }).then(
      ({ ok, chains }) => (ok ? null : (chains[0]?.failures[0] ?? null)),
      (error: unknown) => error as Error,
    );
    if (found instanceof Error)
      assert.ok(found instanceof StoreError && found.path === path, `${name}: ${found.stack}`);
    else assert.deepEqual([found?.fromSequence, found?.toSequence], [from, to], `${name}: ${found?.message}`);
    await reader.close();
  }
});
