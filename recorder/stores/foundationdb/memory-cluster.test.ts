import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FdbError, MemoryCluster } from './testing/memory-cluster.ts';
import { FDB_CODE, FDB_LIMITS, type FdbTransaction } from './transaction.ts';

const key = Buffer.from('k');
const one = Buffer.from([1]);
const refused = (code: number) => (error: unknown) => error instanceof FdbError && error.code === code;
const once = new MemoryCluster({ mostAttempts: 1 });

test('the stand-in refuses a transaction whose reads were overtaken, and only such', async () => {
  const race = (read: (tn: FdbTransaction) => Promise<unknown>): Promise<void> =>
    once.transact(async (tn) => {
      await read(tn);
      await once.transact(async (other) => other.set(key, one));
      tn.set(Buffer.from('elsewhere'), one);
    });
  await assert.rejects(
    race((tn) => tn.get(key)),
    refused(FDB_CODE.notCommitted),
  );
  await assert.rejects(
    race((tn) => tn.getRange(Buffer.from('a'), Buffer.from('z'))),
    refused(FDB_CODE.notCommitted),
  );
  await race((tn) => tn.get(key, { snapshot: true }));
  await race((tn) => tn.get(Buffer.from('j')));
  await race((tn) => tn.getRange(Buffer.from('l'), Buffer.from('z')));
});

test('the stand-in keeps limits of time and size, and hides versionstamps until the commit', async () => {
  let nowMs = 0;
  const cluster = new MemoryCluster({ nowMs: () => nowMs, mostAttempts: 1 });
  const old = cluster.transact(async (tn) => {
    await tn.get(key);
    nowMs += 5001;
    return tn.get(key);
  });
  await assert.rejects(old, refused(FDB_CODE.transactionTooOld));
  const write = (bytes: number, times: number): Promise<void> =>
    cluster.transact(async (tn) => {
      for (let n = 0; n < times; n++) tn.set(Buffer.from(`k${n}`), Buffer.alloc(bytes));
    });
  await assert.rejects(write(FDB_LIMITS.value + 1, 1), refused(FDB_CODE.valueTooLarge));
  await assert.rejects(write(FDB_LIMITS.value, 100), refused(FDB_CODE.transactionTooLarge));
  await write(FDB_LIMITS.value, 99);
  const long = cluster.transact(async (tn) => tn.set(Buffer.alloc(FDB_LIMITS.key + 1), one));
  await assert.rejects(long, refused(FDB_CODE.keyTooLarge));
  const unreadable = cluster.transact(async (tn) => {
    tn.setVersionstampedValue(key, one);
    return tn.get(key);
  });
  await assert.rejects(unreadable, refused(FDB_CODE.accessedUnreadable));
});

test('the stand-in gives each commit a greater versionstamp, sees its own writes, and rings who watches', async () => {
  const cluster = new MemoryCluster();
  const stamps: string[] = [];
  for (let n = 0; n < 5; n++) {
    await cluster.transact(async (tn) => tn.setVersionstampedKey(Buffer.from('v'), one, one));
    const rows = await cluster.transact((tn) => tn.getRange(Buffer.from('v'), Buffer.from('w')));
    stamps.push(rows.at(-1)?.[0].toString('hex') ?? '');
  }
  assert.deepEqual([...new Set(stamps)].sort(), stamps);
  const { watch } = await cluster.transact(async (tn) => {
    tn.add(key, one);
    tn.add(key, one);
    assert.deepEqual(await tn.get(key), Buffer.from([2]));
    return { watch: tn.watch(key) };
  });
  await cluster.transact(async (tn) => tn.set(key, Buffer.from([2])));
  await cluster.transact(async (tn) => tn.set(key, Buffer.from([3])));
  assert.equal(await watch.promise, true);
});
