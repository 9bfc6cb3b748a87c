import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { StoreClosedError, StoreCorruptError } from '../../src/index.ts';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { testChain } from '../../testing/chains.ts';
import { openSqliteRecorder, openSqliteRecording, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-recorder-'));
after(() => rmSync(home, { recursive: true }));
let files = 0;
const plain = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const freshPath = (): string => join(home, `${++files}.db`);

blockStoreContract({
  name: 'sqlite, same thread',
  sha256,
  open: async () => {
    const path = freshPath();
    return { store: openSqliteStore(path), reopen: async () => openSqliteStore(path) };
  },
});

blockStoreContract({
  name: 'sqlite, same thread with a landing',
  sha256,
  open: async () => {
    const path = freshPath();
    const options = { landing: true, mostLanded: 3 };
    return { store: openSqliteStore(path, options), reopen: async () => openSqliteStore(path, options) };
  },
});

blockStoreContract({
  name: 'sqlite, packed as it grows',
  sha256,
  open: async () => {
    const path = freshPath();
    const options = { landing: true, mostLanded: 3, packBytes: 500 };
    return { store: openSqliteStore(path, options), reopen: async () => openSqliteStore(path, options) };
  },
});

blockStoreContract({
  name: 'sqlite, worker thread',
  sha256,
  open: async () => {
    const path = freshPath();
    return { store: await openSqliteRecorder(path), reopen: () => openSqliteRecorder(path) };
  },
});

test('[R45] a recording is read while it is written, and sees what was acknowledged', async () => {
  const path = freshPath();
  const recorder = await openSqliteRecorder(path);
  const a = testChain('r01', sha256);
  await recorder.append([a.begin()]);
  const reader = openSqliteRecording(path);
  for (let n = 1; n <= 20; n++) {
    await recorder.append([a.notes(2)]);
    assert.equal((await reader.heads())[0]?.sequence, 1 + 2 * n);
  }
  await reader.close();
  await recorder.close();
});

test('[R40] [R41] a run is the first of what a range gives, byte for byte, with what has landed and from within a block', async () => {
  for (const landed of [0, 1, 2, 8]) {
    const path = freshPath();
    const store = openSqliteStore(path, { landing: landed > 0, mostLanded: 100 });
    const [a, b] = [testChain('r01', sha256), testChain('r02', sha256)];
    const blocks = [
      a.begin(),
      a.notes(3),
      a.notes(1),
      a.notes(2),
      a.notes(2, 9_000),
      a.notes(1),
      a.notes(4),
      a.notes(1),
    ];
    await store.append([b.begin(), ...blocks.slice(0, blocks.length - landed)]);
    // As large as to go into the database at once, so that what follows lands behind it.
    if (landed > 0) await store.append([b.notes(9, 9_000)]);
    for (const block of blocks.slice(blocks.length - landed)) await store.append([block]);
    const reader = openSqliteRecording(path, { cacheBytes: 1 << 20 });
    const end = a.writer.head.sequence;
    for (let from = 1; from <= end + 1; from++) {
      for (const [to, most] of [
        [end, 100],
        [end, 1],
        [end, 3],
        [from + 2, 100],
      ] as const) {
        const expected = (await all(reader.blocks(a.writer.head, from, to))).slice(0, most);
        const run = await reader.run(a.writer.head, from, to, most);
        const parts = run?.ends.map((till, i) => run.bytes.subarray(run.ends[i - 1] ?? 0, till)) ?? [];
        assert.deepEqual(
          parts.map(plain),
          expected.map(({ bytes }) => plain(bytes)),
          `${landed} ${from} ${to} ${most}`,
        );
        assert.deepEqual(run?.hash, expected.at(-1)?.hash);
      }
    }
    await reader.close();
    await store.close();
  }
});

test('[R134] a run with a block in it that is none any more is damage, by name', async () => {
  const path = freshPath();
  const store = openSqliteStore(path);
  const a = testChain('r01', sha256);
  await store.append([a.begin(), a.notes(1), a.notes(1), a.notes(1)]);
  await store.close();
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE loose AS SELECT * FROM blocks; UPDATE loose SET bytes = 'text' WHERE first_sequence = 3;
    DROP TABLE blocks; ALTER TABLE loose RENAME TO blocks`);
  db.close();
  const reader = openSqliteRecording(path);
  await assert.rejects(reader.run(a.writer.head, 1, 4, 4), StoreCorruptError);
  assert.equal((await reader.run(a.writer.head, 1, 4, 2))?.ends.length, 2);
  await reader.close();
});

test('[R46] close waits for what was appended; after it every call says that the recording is closed', async () => {
  const path = freshPath();
  const recorder = await openSqliteRecorder(path);
  const a = testChain('r01', sha256);
  const appended = [a.begin(), a.notes(1), a.notes(1)].map((block) => recorder.append([block]));
  await recorder.close();
  await Promise.all(appended);
  await assert.rejects(recorder.append([a.notes(1)]), StoreClosedError);
  await assert.rejects(recorder.heads(), StoreClosedError);
  const reader = openSqliteRecording(path);
  assert.equal((await reader.heads())[0]?.sequence, 3);
  await reader.close();
});
