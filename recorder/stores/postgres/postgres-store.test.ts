import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type ChainHead, type CommittedBlock, NO_VERSION, type StoredBlock, verify } from '../../src/index.ts';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { testChain } from '../../testing/chains.ts';
import { chainWithGap } from '../../testing/dropped-blocks.ts';
import { versionedStoreContract } from '../../testing/versioned-store-contract.ts';
import { openPostgres, type PostgresRecordings, type PostgresStore } from './postgres-store.ts';
import { packedRuns } from './testing/packed-runs.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));
let server: TestServer;
const opened: PostgresRecordings[] = [];
before(async () => {
  server = await startTestServer();
});
after(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await server.stop();
});

/** Every exam gets tenant acme in tables that are empty. */
async function fresh(): Promise<() => Promise<PostgresStore>> {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await server.asOwner('TRUNCATE recorder.tenants, recorder.chains, recorder.blocks, recorder.snapshots');
  return async () => {
    const recordings = await openPostgres(server.url);
    opened.push(recordings);
    return recordings.recording('acme');
  };
}

blockStoreContract({
  name: 'postgresql',
  sha256,
  open: async () => {
    const open = await fresh();
    return { store: await open(), reopen: open };
  },
});

versionedStoreContract({
  name: 'postgresql',
  sha256,
  open: async () => {
    const open = await fresh();
    return { store: await open(), other: await open() };
  },
});

/** A store to which whatever may come packed comes packed, as from a link. */
const packing = (store: PostgresStore): PostgresStore => ({
  append: (blocks) => store.appendPacked(packedRuns(blocks)),
  appendPacked: (units) => store.appendPacked(units),
  heads: () => store.heads(),
  blocks: (...range) => store.blocks(...range),
  snapshotBefore: (...moment) => store.snapshotBefore(...moment),
  version: () => store.version(),
  changes: (after) => store.changes(after),
  watch: (...from) => store.watch(...from),
  close: () => store.close(),
});

describe('[R195] the same of rows that hold several blocks packed', () => {
  blockStoreContract({
    name: 'postgresql',
    sha256,
    open: async () => {
      const open = await fresh();
      return { store: packing(await open()), reopen: async () => packing(await open()) };
    },
  });

  versionedStoreContract({
    name: 'postgresql',
    sha256,
    open: async () => {
      const open = await fresh();
      return { store: packing(await open()), other: packing(await open()) };
    },
  });
});

describe('[R195] a pack is one row', () => {
  const rows = `SELECT first_sequence::int AS first, count, packed, version::int, ordinal::int FROM recorder.blocks
    ORDER BY version`;
  async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  }
  const plain = (blocks: readonly StoredBlock[]) =>
    blocks.map(({ firstSequence, bytes, hash }) => [firstSequence, Buffer.from(bytes), Buffer.from(hash)]);

  test('of which ranges, followers and the next block see the blocks', async () => {
    const open = await fresh();
    const store = await open();
    const a = testChain('r01', sha256);
    const blocks = [a.begin(), a.notes(2), a.notes(1), a.notes(3, 500), a.notes(1), a.notes(4)];
    await store.appendPacked(packedRuns(blocks.slice(0, 5)));
    await store.append(blocks.slice(5));
    assert.deepEqual(await server.asOwner(rows), [
      { first: 1, count: 1, packed: 0, version: 1, ordinal: 1 },
      { first: 2, count: 7, packed: 4, version: 5, ordinal: 2 },
      { first: 9, count: 4, packed: 0, version: 6, ordinal: 6 },
    ]);
    const head = a.writer.head;
    for (let from = 1; from <= head.sequence; from++) {
      for (let to = from; to <= head.sequence; to++) {
        const expected = blocks.filter(({ firstSequence: at, count }) => at <= to && at + count > from);
        assert.deepEqual(plain(await gathered(store.blocks(head, from, to))), plain(expected), `${from} to ${to}`);
      }
    }
    const all = await gathered(store.changes(NO_VERSION));
    assert.deepEqual(plain(all), plain(blocks));
    for (const [i, { version }] of all.entries()) {
      const rest: CommittedBlock[] = await gathered(store.changes(version));
      assert.deepEqual(plain(rest), plain(blocks.slice(i + 1)));
    }
    await store.appendPacked(packedRuns(blocks.slice(1, 5)));
    await store.append(blocks.slice(2, 4));
    assert.equal((await server.asOwner(rows)).length, 3, 'what comes again is acknowledged');
    const again = await open();
    await again.appendPacked(packedRuns([a.notes(1), a.notes(1)]));
    const anew = await open();
    await anew.append([a.notes(1)]);
    assert.equal((await verify(anew, { sha256, reexecutors: {} })).ok, true);
  });

  test('[R127] also with stubs in it, of which each stands for all that it took the place of', async () => {
    const store = await (await fresh())();
    const blocks = chainWithGap('r01', sha256);
    await store.appendPacked(packedRuns(blocks));
    const [first, pack] = await server.asOwner(rows);
    assert.deepEqual(
      [first, pack].map((row) => [row?.['first'], row?.['packed'], row?.['ordinal']]),
      [
        [1, 0, 1],
        [2, blocks.length - 1, 2],
      ],
    );
    const [head] = await store.heads();
    assert.deepEqual(plain(await gathered(store.blocks(head as ChainHead, 1, 22))), plain(blocks));
    assert.equal(head?.blocks, blocks.length + 2, 'three were dropped and count');
    const report = await verify(store, { sha256, reexecutors: {} });
    assert.deepEqual(
      report.chains[0]?.stretches.map(({ fromSequence, toSequence, result }) => [fromSequence, toSequence, result]),
      [
        [1, 4, 'chain-only'],
        [5, 13, 'dropped'],
        [14, 22, 'chain-only'],
      ],
    );
  });

  test('of which only the fresh part goes in where the rest is there already', async () => {
    const store = await (await fresh())();
    const a = testChain('r01', sha256);
    const blocks = [a.begin(), a.notes(1), a.notes(1), a.notes(1)];
    await store.append(blocks.slice(0, 2));
    await store.appendPacked(packedRuns(blocks.slice(1)));
    assert.deepEqual(
      (await server.asOwner(rows)).map(({ packed }) => packed),
      [0, 0, 0, 0],
    );
    assert.deepEqual(plain(await gathered(store.changes(NO_VERSION))), plain(blocks));
  });

  test('that is named when it has rotted, and nothing is written behind it', async () => {
    const open = await fresh();
    const store = await open();
    const [a, b] = [testChain('r01', sha256), testChain('r02', sha256)];
    await store.appendPacked(packedRuns([a.begin(), a.notes(2), a.notes(2)]));
    await store.appendPacked(packedRuns([b.begin(), b.notes(2), b.notes(2)]));
    await store.append([a.notes(1), a.notes(1)]);
    await server.asOwner(
      `UPDATE recorder.blocks SET bytes = set_byte(bytes, 60, 255 - get_byte(bytes, 60)) WHERE packed > 0`,
    );
    const report = await verify(store, { sha256, reexecutors: {} });
    assert.deepEqual(
      report.chains.map(({ source, failures }) => [source, failures[0]?.fromSequence]),
      [
        ['r01', 2],
        ['r02', 2],
      ],
    );
    const anew = await open();
    await assert.rejects(anew.append([b.notes(1)]), /acme\/r02 epoch 0 at sequence 5 is not as it was written/);
    await anew.append([a.notes(1)]);
  });
});

test('[R40] [R120] blocks that lie in one message, with more or less between them, are kept byte for byte', async () => {
  const store = await (await fresh())();
  const a = testChain('r01', sha256);
  const [first, second, third, fourth] = [a.begin(), a.notes(1), a.notes(3, 900), a.notes(1)];
  const [one, other] = [Buffer.alloc(10_000, 0xee), Buffer.alloc(10_000, 0xdd)];
  const lying = (message: Buffer, at: number, block: typeof first): typeof first => {
    message.set(block.bytes, at);
    return { ...block, bytes: new Uint8Array(message.buffer, message.byteOffset + at, block.bytes.length) };
  };
  const behind = 37 + first.bytes.length;
  const blocks = [
    lying(one, 37, first),
    lying(one, behind + 3, second),
    lying(other, 5, third),
    lying(one, behind + 2_000, fourth),
  ];
  await store.append(blocks);
  let n = 0;
  for await (const { bytes, hash: of } of store.blocks(a.writer.head, 1, a.writer.head.sequence)) {
    assert.deepEqual(Buffer.from(bytes), Buffer.from(([first, second, third, fourth][n++] as typeof first).bytes));
    assert.deepEqual(sha256(bytes), new Uint8Array(of));
  }
  assert.equal(n, 4);
});

test('[R106] the news comes by notification, and by looking where notifications are lost', async () => {
  for (const pollMs of [3_600_000, 5]) {
    const open = await fresh();
    const watcher = await openPostgres(server.url, { pollMs });
    opened.push(watcher);
    const versions = watcher.recording('acme').watch(NO_VERSION)[Symbol.asyncIterator]();
    const first = versions.next();
    const store = await open();
    const a = testChain('r01', sha256);
    await store.append([a.begin()]);
    assert.equal((await first).value, await store.version());
    const listens = `SELECT pid FROM pg_stat_activity WHERE application_name = 'sigma-recorder watch'`;
    if (pollMs === 5) await server.asOwner(`SELECT pg_terminate_backend(pid) FROM (${listens}) AS l`);
    for (let n = 0; n < 3; n++) {
      const next = versions.next();
      await store.append([a.notes(1)]);
      assert.equal((await next).value, await store.version());
    }
    await watcher.close();
    assert.equal((await versions.next()).done, true);
  }
});
