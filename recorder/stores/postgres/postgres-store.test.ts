import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { NO_VERSION } from '../../src/index.ts';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { testChain } from '../../testing/chains.ts';
import { versionedStoreContract } from '../../testing/versioned-store-contract.ts';
import { openPostgres, type PostgresRecordings, type PostgresStore } from './postgres-store.ts';
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
