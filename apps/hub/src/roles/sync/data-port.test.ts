import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type BlockBatch, type OutOfBandPack, packHead } from '@sigma/recorder';
import { ArrivingPacks } from './arriving-packs.ts';
import { DataPort, PackNotComeError } from './data-port.ts';

const KEY = 'a'.repeat(64);
const MEGABYTE = 1024 * 1024;

async function port(t: TestContext, claimMs?: number) {
  const packs = new DataPort({ host: '127.0.0.1', port: 0, ...(claimMs !== undefined && { claimMs }) });
  const listening = Promise.withResolvers<number>();
  packs.listen(listening.resolve, listening.reject);
  t.after(() => packs.close());
  const at = await listening.promise;
  const ask = (over: { readonly key?: string; readonly path?: string; readonly expect?: boolean } = {}) => {
    const { key = KEY, path = '/packs', expect = true } = over;
    const headers = { authorization: `Bearer ${key}`, ...(expect && { expect: '100-continue' }) };
    const asked = request({ host: '127.0.0.1', port: at, path, method: 'POST', headers, agent: false });
    asked.on('error', () => undefined);
    asked.flushHeaders();
    t.after(() => asked.destroy());
    return asked;
  };
  const connect = async (): Promise<ClientRequest> => {
    const asked = ask();
    await once(asked, 'continue');
    return asked;
  };
  return { packs, ask, connect };
}

const bytesOf = (number: number, length = 100): Uint8Array => new Uint8Array(length).fill(number);
function send(to: ClientRequest, number: number, length = 100): void {
  to.write(packHead(number, length));
  to.write(bytesOf(number, length));
}
const pack = (number: number, bytes = 100) => ({ connection: KEY, number, bytes, unpackedBytes: 300 });
const notCome = (why: RegExp) => (error: unknown) => error instanceof PackNotComeError && why.test(error.message);
const closed = (edge: ClientRequest) => new Promise<void>((resolve) => edge.once('close', () => resolve()));
/** Throws and rejections alike. */
const claimed = async (packs: DataPort, of: ReturnType<typeof pack>) => packs.claim(of);

test('[R197] packs are handed out by their numbers, those that have come and those that are to come, each once', async (t) => {
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const edge = await connect();
  const second = claimed(packs, pack(2));
  send(edge, 1);
  send(edge, 2);
  send(edge, 3);
  assert.deepEqual(await second, bytesOf(2));
  assert.deepEqual(await claimed(packs, pack(1)), bytesOf(1));
  assert.deepEqual(await claimed(packs, pack(3)), bytesOf(3));
  const again = assert.rejects(claimed(packs, pack(1)), notCome(/has ended/));
  edge.destroy();
  await again;
});

test('[R197] [L7] who shows no key of a link, or one of a link that is gone, brings nothing', async (t) => {
  const { packs, ask, connect } = await port(t);
  packs.admit(KEY);
  const refusal = async (over: Parameters<typeof ask>[0]): Promise<number | undefined> => {
    const [response] = (await once(ask(over), 'response')) as [IncomingMessage];
    return response.statusCode;
  };
  assert.deepEqual(
    [
      await refusal({ key: 'b'.repeat(64) }),
      await refusal({ key: '' }),
      await refusal({ path: '/other' }),
      await refusal({ key: 'b'.repeat(64), expect: false }),
    ],
    [401, 401, 404, 401],
  );
  const edge = await connect();
  send(edge, 1);
  await claimed(packs, pack(1));
  const waits = assert.rejects(claimed(packs, pack(2)), notCome(/has ended/));
  const ended = closed(edge);
  packs.revoke(KEY);
  await waits;
  await ended;
  await assert.rejects(claimed(packs, pack(2)), notCome(/is gone/));
  assert.equal(await refusal({}), 401);
});

test('[R197] a connection that breaks loses what had not come, and the next one of the link goes on; the newest holds', async (t) => {
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const first = await connect();
  send(first, 1);
  send(first, 2);
  await claimed(packs, pack(2));
  const third = assert.rejects(claimed(packs, pack(3)), notCome(/has ended/));
  const second = await connect();
  await third;
  // What had come is still there.
  assert.deepEqual(await claimed(packs, pack(1)), bytesOf(1));
  send(first, 3);
  send(second, 4);
  assert.deepEqual(await claimed(packs, pack(4)), bytesOf(4));
});

test('[R197] behind a proxy that says itself that the way is open, a pack is told of before its connection has come, and then it comes', async (t) => {
  const { packs, ask } = await port(t);
  packs.admit(KEY);
  const first = claimed(packs, pack(1));
  const edge = ask({ expect: false });
  send(edge, 1);
  send(edge, 2);
  assert.deepEqual(await first, bytesOf(1));
  assert.deepEqual(await claimed(packs, pack(2)), bytesOf(2));
});

test('[R197] where no connection comes nobody is kept waiting long, and one that comes at last has time to bring what was asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const never = assert.rejects(claimed(packs, pack(1)), notCome(/its data connection is not there in 1 s/));
  t.mock.timers.tick(999);
  const second = claimed(packs, pack(2));
  t.mock.timers.tick(1);
  await never;
  const edge = await connect();
  t.mock.timers.tick(9_999);
  send(edge, 2);
  assert.deepEqual(await second, bytesOf(2));
  const third = assert.rejects(claimed(packs, pack(3)), notCome(/pack 3 has not come in 10 s/));
  t.mock.timers.tick(10_000);
  await third;
});

test('[R197] a pack that does not come in time, or is not as long as its batch says, is told of', async (t) => {
  const { packs, connect } = await port(t, 20);
  await assert.rejects(claimed(packs, pack(1)), notCome(/is gone/));
  packs.admit(KEY);
  const edge = await connect();
  send(edge, 1, 100);
  send(edge, 2, 100);
  await assert.rejects(claimed(packs, pack(2, 99)), notCome(/pack 2 has 100 bytes; its batch says 99/));
  await assert.rejects(claimed(packs, pack(1, 101)), notCome(/pack 1 has 100 bytes; its batch says 101/));
  const gone = closed(edge);
  await assert.rejects(claimed(packs, pack(3)), notCome(/pack 3 has not come in 0.02 s/));
  // Whoever holds one back loses the connection.
  await gone;
});

test('[R197] a connection that brings what is no pack is ended with the reason', async (t) => {
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const edge = await connect();
  const waits = assert.rejects(claimed(packs, pack(1)), notCome(/has ended/));
  const answered = once(edge, 'response') as Promise<[IncomingMessage]>;
  edge.write(packHead(1, 2 * MEGABYTE));
  await waits;
  const [response] = await answered;
  let why = '';
  for await (const part of response) why += part;
  assert.deepEqual(
    [response.statusCode, why],
    [400, 'Malformed bytes: pack 1 has 2097152 bytes; 1 to 1049600 are taken\n'],
  );
});

test('[R197] [L8] what nobody claims is read up to a bound, and on when somebody does', async (t) => {
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const edge = await connect();
  // Far more than the buffers of both ends have.
  const most = 64;
  for (let number = 1; number <= most; number++) send(edge, number, MEGABYTE);
  const taken: number[] = [];
  let waited = 0;
  for (let number = 1; number <= most; number++) {
    const come = packs.claim(pack(number, MEGABYTE));
    if (come instanceof Promise) waited++;
    taken.push((await come)[0] as number);
    if (number === 1) {
      // All that is read of it without another claim.
      let before = -1;
      for (let length = edge.writableLength; length !== before; length = edge.writableLength) {
        before = length;
        for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(before > 16 * MEGABYTE, `${before} bytes wait with the edge`);
    }
  }
  assert.deepEqual(
    taken,
    Array.from({ length: most }, (_, i) => i + 1),
  );
  assert.ok(waited < most);
});

const none = new Uint8Array();
const batchOf = (source: string, firstSequence: number, outOfBand?: OutOfBandPack): BlockBatch => {
  const chain = { tenant: 'acme', source, epoch: 0, firstSequence, previousHash: none, hash: none };
  return { ...chain, blocks: [], time: { us: 0, count: 0 }, ...(outOfBand !== undefined && { outOfBand }) };
};

test('[R197] [R125] behind a batch whose pack is still to come its chain waits, and no other', async (t) => {
  const { packs, connect } = await port(t);
  packs.admit(KEY);
  const edge = await connect();
  const arriving = new ArrivingPacks(packs);
  const taken: string[] = [];
  const all = Promise.withResolvers<void>();
  const take = (batch: BlockBatch | PackNotComeError): void => {
    assert.ok(!(batch instanceof Error));
    taken.push(`${batch.source} ${batch.firstSequence} ${batch.packed?.bytes[0] ?? 'with it'}`);
    if (taken.length === 5) all.resolve();
  };
  arriving.whole(batchOf('r1', 2, pack(1)), take);
  arriving.whole(batchOf('r1', 9, pack(2)), take);
  arriving.whole(batchOf('r1', 20), take);
  arriving.whole(batchOf('r2', 5), take);
  assert.deepEqual(taken, ['r2 5 with it']);
  send(edge, 1);
  send(edge, 2);
  send(edge, 3);
  arriving.whole(batchOf('r1', 30, pack(3)), take);
  await all.promise;
  assert.deepEqual(taken.slice(1), ['r1 2 1', 'r1 9 2', 'r1 20 with it', 'r1 30 3']);
});

test('[R197] a port that somebody else has is told of once, and taken when it is free', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port: taken } = other.address() as AddressInfo;
  const packs = new DataPort({ host: '127.0.0.1', port: taken, oursMs: 2 });
  t.after(() => packs.close());
  const failures: string[] = [];
  const failed = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<number>();
  packs.listen(heard.resolve, ({ message }) => {
    failures.push(message);
    failed.resolve();
  });
  await failed.promise;
  await new Promise((resolve) => other.close(resolve));
  assert.equal(await heard.promise, taken);
  assert.deepEqual(failures, [`port ${taken} is in use; choose another with --data-port`]);
});

test('[R197] a hub that has no data port says of what was to come there that it is to come otherwise', () => {
  const batch = batchOf('r1', 2);
  const taken: unknown[] = [];
  const arriving = new ArrivingPacks(null);
  arriving.whole({ ...batch, outOfBand: pack(1) }, (whole) => taken.push(whole));
  arriving.whole(batch, (whole) => taken.push(whole));
  assert.ok(taken[0] instanceof PackNotComeError);
  assert.deepEqual(taken[1], batch);
});
