import assert from 'node:assert/strict';
import { hash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { draw } from '@sigma/kernel';
import {
  ForeignBlockError,
  hexOfBytes,
  NO_VERSION,
  StoreClosedError,
  StoreCorruptError,
  StoreFailedError,
  StoreFullError,
  verify,
} from '../../src/index.ts';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { testChain } from '../../testing/chains.ts';
import { versionedStoreContract } from '../../testing/versioned-store-contract.ts';
import { connectFoundationDb } from './cluster.ts';
import { type FoundationDbStore, openFoundationDb, recordingsIn } from './foundationdb-store.ts';
import { MemoryCluster, type MemoryClusterOptions } from './testing/memory-cluster.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));
let chances = 0;
const chance = (below: number): number => draw(11, 1, ++chances, 1, 0) % below;
const CLUSTER_FILE = process.env.SIGMA_FDB_CLUSTER_FILE;

/** One recording after another in the same fresh place. */
type Place = () => Promise<() => FoundationDbStore>;
const inMemory: Place = async () => {
  const cluster = new MemoryCluster();
  return () => recordingsIn(cluster, chance).recording('acme');
};

function contracts(name: string, place: Place): void {
  blockStoreContract({
    name,
    sha256,
    open: async () => {
      const open = await place();
      return { store: open(), reopen: async () => open() };
    },
  });
  versionedStoreContract({
    name,
    sha256,
    open: async () => {
      const open = await place();
      return { store: open(), other: open() };
    },
  });
}

contracts('foundationdb in memory', inMemory);
// The suites of a real cluster are there when one is named: no machine of CI has a cluster to name.
if (CLUSTER_FILE !== undefined) {
  const connected = connectFoundationDb(CLUSTER_FILE);
  contracts('foundationdb, a real cluster', async () => {
    const cluster = await connected;
    const root = ['sigma test', randomUUID()];
    return () => recordingsIn(cluster, chance, root).recording('acme');
  });
}

const verified = async (store: FoundationDbStore): Promise<number> => {
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  return report.events;
};

function opened(options: MemoryClusterOptions = {}) {
  const cluster = new MemoryCluster(options);
  return { cluster, open: () => recordingsIn(cluster, chance).recording('acme') };
}

test('[R107] [R109] without the package or its client library the message names both and the way to install them', async (t) => {
  await assert.rejects(openFoundationDb(undefined), /no cluster file is named\. Set SIGMA_FDB_CLUSTER_FILE/);
  const installed = await import('foundationdb' as string).then(
    () => true,
    () => false,
  );
  if (installed) return t.skip('npm foundationdb is installed here');
  await assert.rejects(openFoundationDb('/etc/foundationdb/fdb.cluster'), (error) => {
    assert.ok(error instanceof StoreFailedError);
    assert.match(error.message, /npm package 'foundationdb' or the client library libfdb_c/);
    assert.match(error.message, /npm install foundationdb@2/);
    assert.match(error.message, /SIGMA_FDB_CLUSTER_FILE/);
    return true;
  });
});

test('[L3] [R104] a commit whose answer was lost is neither lost nor doubled', async () => {
  for (const answer of ['lost', 'never'] as const) {
    const { open } = opened({ answer: (commit) => (commit % 3 === 0 ? answer : 'told') });
    const store = open();
    const a = testChain('r01', sha256);
    await store.append([a.begin()]);
    for (let n = 0; n < 20; n++) await store.append([a.notes(2)]);
    assert.equal(await verified(store), 41);
    const changes: number[] = [];
    for await (const { firstSequence } of store.changes(NO_VERSION)) changes.push(firstSequence);
    assert.deepEqual(changes, [1, ...Array.from({ length: 20 }, (_, n) => 2 + 2 * n)]);
  }
});

test('[R48] [R107] a cluster that never answers a commit ends the store, and opening again tells', async () => {
  let down = false;
  const { open } = opened({ answer: () => (down ? 'lost' : 'told'), mostAttempts: 1 });
  const store = open();
  const a = testChain('r01', sha256);
  await store.append([a.begin()]);
  down = true;
  const block = a.notes(1);
  const unknown = (error: unknown): true => {
    assert.ok(error instanceof StoreFailedError, `${error}`);
    assert.match(error.message, /nobody can know/);
    return true;
  };
  await assert.rejects(store.append([block]), unknown);
  down = false;
  await assert.rejects(store.append([block]), unknown);
  const again = open();
  assert.equal((await again.heads())[0]?.sequence, 2, 'this one was there');
  await again.append([block]);
  assert.equal(await verified(again), 2);
});

test('[R109] blocks over the size of a value come back byte for byte; what no transaction takes is refused alone', async () => {
  const { open } = opened();
  const store = open();
  const a = testChain('r01', sha256);
  const blocks = [a.begin(), a.notes(1, 100_000), a.notes(3, 333_333), a.notes(1)];
  await store.append(blocks);
  const back: string[] = [];
  for await (const { bytes } of store.blocks(a.opening, 1, 99)) back.push(hexOfBytes(bytes));
  assert.deepEqual(
    back,
    blocks.map(({ bytes }) => hexOfBytes(bytes)),
  );
  const b = testChain('r02', sha256);
  const huge = [b.begin(), b.notes(6, 1_000_000)];
  await assert.rejects(store.append(huge), (error) => {
    assert.ok(error instanceof StoreFullError);
    assert.match(error.message, /Append fewer blocks together/);
    return true;
  });
  await store.append([a.notes(1)]);
  assert.deepEqual(
    (await open().heads()).map(({ source }) => source),
    ['r01'],
  );
});

test('[L7] [R108] no tenant sees or continues what another wrote, whatever it is called', async () => {
  const cluster = new MemoryCluster();
  const recordings = recordingsIn(cluster, chance);
  const ours = testChain('r01', sha256);
  await recordings.recording('acme').append([ours.begin(), ours.notes(2)]);
  for (const tenant of ['acme\0', 'acm', 'acme/r01', 'r01', '\u00ff', 'ACME', '\0', 'acme\uffff']) {
    const store = recordings.recording(tenant);
    assert.deepEqual(await store.heads(), []);
    for await (const block of store.blocks(ours.opening, 1, 99))
      assert.fail(`${tenant} was given ${block.firstSequence}`);
    await assert.rejects(store.append([ours.begin()]), ForeignBlockError);
    const own = testChain(tenant, sha256, { tenant, epoch: 3 });
    await store.append([own.begin(), own.notes(1)]);
    const [head] = await store.heads();
    assert.deepEqual([head?.tenant, head?.source, head?.epoch, head?.sequence], [tenant, tenant, 3, 2]);
    await verified(store);
  }
  assert.equal(await verified(recordings.recording('acme')), 3);
  assert.throws(() => recordings.recording(''), RangeError);
  assert.throws(() => recordings.recording('\ud800'), RangeError);
});

test('[R47] a chain whose end was altered is not written any more and is named; the others go on', async () => {
  const { cluster, open } = opened();
  const [a, b] = [testChain('r01', sha256), testChain('r02', sha256)];
  await open().append([a.begin(), b.begin(), a.notes(2), b.notes(1)]);
  await cluster.transact(async (tn) => {
    const rows = await tn.getRange(Buffer.from([0]), Buffer.from([0xfe]));
    const harmed = rows.filter(([, value]) => value.includes('r01') && value.includes('test.note')).at(-1);
    const bytes = Buffer.from(harmed?.[1] ?? '');
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    tn.set(harmed?.[0] as Buffer, bytes);
  });
  const store = open();
  const results = await Promise.allSettled([
    store.append([b.notes(1)]),
    store.append([a.notes(1)]),
    store.append([b.notes(1)]),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const { reason } = results[1] as PromiseRejectedResult;
  assert.ok(reason instanceof StoreCorruptError);
  assert.match(reason.message, /acme\/r01 epoch 0 at sequence 3/);
});

test('[R46] close waits for what was appended; after it every call says that the recording is closed', async () => {
  const { open } = opened();
  const store = open();
  const a = testChain('r01', sha256);
  const appended = [a.begin(), a.notes(1), a.notes(1)].map((block) => store.append([block]));
  await store.close();
  await Promise.all(appended);
  await assert.rejects(store.append([a.notes(1)]), StoreClosedError);
  await assert.rejects(store.heads(), StoreClosedError);
  assert.equal((await open().heads())[0]?.sequence, 3);
});
