import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PackReader } from '@sigma/recorder';
import { DataConnection } from './data-connection.ts';

const KEY = new Uint8Array(32).fill(7);

/** A hub's data port that says of each request what it is told to, and keeps what comes. */
async function dataPort(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const come: (readonly [number, Uint8Array])[] = [];
  const requests: IncomingMessage[] = [];
  const server = createServer();
  let heard = (): void => undefined;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request);
    const reader = new PackReader((number, pack) => come.push([number, pack]));
    request.on('data', (bytes: Uint8Array) => {
      reader.push(bytes);
      heard();
    });
    request.on('error', () => undefined);
    request.on('close', () => heard());
    answer(request, response);
    heard();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const until = async (true_: () => boolean): Promise<void> => {
    while (!true_()) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return { come, requests, until, port: (server.address() as AddressInfo).port };
}

function connection(t: TestContext, hubUrl = 'http://127.0.0.1:1') {
  const failures: string[] = [];
  const time = { ms: 0 };
  let told = (): void => undefined;
  const data = new DataConnection({
    hubUrl,
    failed: (url, why) => {
      failures.push(`${url}: ${why}`);
      told();
    },
    nowMs: () => time.ms,
  });
  t.after(() => data.lost());
  const failed = (): Promise<void> =>
    new Promise((resolve) => {
      told = resolve;
    });
  return { data, failures, time, failed };
}

/** Sends until the connection is there, and once more. @returns that number */
async function sent(data: DataConnection, pack: () => Uint8Array): Promise<number> {
  for (;;) {
    const number = data.send(pack());
    if (number !== null) return number;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const packOf = (value: number, length = 70_000) => new Uint8Array(length).fill(value);

test('[R197] a pack is refused until the hub has said that it goes on, then numbered, sent whole, and its memory given back', async (t) => {
  const hub = await dataPort(t, (_, response) => response.writeContinue());
  const { data, failures } = connection(t);
  const early = packOf(1);
  assert.equal(data.send(early), null, 'nothing was offered');
  data.offered({ port: hub.port, url: '', key: KEY });
  assert.equal(data.send(early), null, 'the hub has not answered');
  assert.equal(early.length, 70_000, 'and goes on the link');
  assert.equal(await sent(data, () => early), 1);
  const second = packOf(2);
  assert.equal(data.send(second), 2);
  await hub.until(() => hub.come.length === 2);
  assert.deepEqual(hub.come, [
    [1, packOf(1)],
    [2, packOf(2)],
  ]);
  assert.equal(hub.requests[0]?.headers.authorization, `Bearer ${'07'.repeat(32)}`);
  assert.deepEqual([hub.requests[0]?.method, hub.requests[0]?.url], ['POST', '/packs']);
  while (early.length > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(failures, []);
});

test('[R197] what refuses or breaks is told of once, packs go on the link meanwhile, and after ten seconds it is tried again', async (t) => {
  let refuses = true;
  const hub = await dataPort(t, (_, response) => {
    if (refuses) response.writeHead(401).end();
    else response.writeContinue();
  });
  const { data, failures, time, failed } = connection(t);
  data.offered({ port: hub.port, url: '', key: KEY });
  const refused = failed();
  assert.equal(data.send(packOf(1)), null);
  await refused;
  assert.deepEqual(failures, [`http://127.0.0.1:${hub.port}: it answers 401`]);
  time.ms = 9_999;
  assert.equal(data.send(packOf(1)), null);
  assert.equal(hub.requests.length, 1, 'it waits');
  time.ms = 10_000;
  refuses = false;
  assert.equal(await sent(data, () => packOf(1)), 1);
  await hub.until(() => hub.come.length === 1);
  hub.requests[1]?.destroy();
  while (data.send(packOf(2)) !== null) await new Promise((resolve) => setImmediate(resolve));
  time.ms = 30_000;
  const number = await sent(data, () => packOf(3));
  await hub.until(() => hub.come.length > 1 && hub.come.at(-1)?.[0] === number);
  assert.ok(number > 1, 'no number is used twice');
  assert.equal(failures.length, 1);
});

test('[R197] whoever lets a connection be opened and passes nothing on is given up when the hub misses a pack, and each time that follows for twice as long', async (t) => {
  const hub = await dataPort(t, (_, response) => response.writeContinue());
  const { data, failures, time } = connection(t);
  data.offered({ port: hub.port, url: '', key: KEY });
  let waitMs = 10_000;
  for (let times = 1; times <= 9; times++) {
    const number = await sent(data, () => packOf(1));
    data.missed(number - 1, 'of a connection before this one');
    assert.equal(data.send(packOf(2)), number + 1, 'it is still there');
    data.missed(number, `pack ${number} has not come in 10 s`);
    assert.equal(data.send(packOf(2)), null);
    data.missed(number + 1, 'nor the next');
    time.ms += waitMs - 1;
    assert.equal(data.send(packOf(2)), null);
    await hub.until(() => hub.requests.length === times && hub.requests.at(-1)?.destroyed === true);
    time.ms += 1;
    waitMs = Math.min(2 * waitMs, 640_000);
  }
  assert.deepEqual(failures, [`http://127.0.0.1:${hub.port}: pack 1 has not come in 10 s`]);
  const number = await sent(data, () => packOf(1));
  time.ms += 640_001;
  data.missed(number, 'it was there for longer than it was not');
  time.ms += 10_000;
  assert.ok((await sent(data, () => packOf(1))) > number);
});

test('[R197] a firewall that swallows what is sent to it keeps no pack back', async (t) => {
  const ends: Socket[] = [];
  const silent = createTcp((socket) => void ends.push(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    for (const end of ends) end.destroy();
    silent.close();
  });
  const { data } = connection(t);
  data.offered({ port: (silent.address() as AddressInfo).port, url: '', key: KEY });
  assert.equal(data.send(packOf(1)), null);
  await once(silent, 'connection');
  for (let turn = 0; turn < 50; turn++) {
    assert.equal(data.send(packOf(1)), null);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(ends.length, 1);
});

test('[R197] [L7] the key of a link that is encrypted goes to no place that is not', async (t) => {
  const hub = await dataPort(t, (_, response) => response.writeContinue());
  for (const [hubUrl, url] of [
    ['https://hub.example.org', ''],
    ['https://hub.example.org', `http://127.0.0.1:${hub.port}/packs`],
    ['http://127.0.0.1:1', 'ftp://127.0.0.1/packs'],
    ['http://127.0.0.1:1', 'no address'],
  ] as const) {
    const { data } = connection(t, hubUrl);
    data.offered({ port: hub.port, url, key: KEY });
    assert.equal(data.send(packOf(1)), null);
  }
  const { data } = connection(t);
  data.offered({ port: 0, url: `http://127.0.0.1:${hub.port}/packs`, key: KEY });
  assert.equal(await sent(data, () => packOf(1)), 1);
  assert.equal(hub.requests.length, 1, 'of all these only the last came');
});

test('[R197] with its link the connection ends, and the next offer begins anew', async (t) => {
  const hub = await dataPort(t, (_, response) => response.writeContinue());
  const { data, failures } = connection(t);
  data.offered({ port: hub.port, url: '', key: KEY });
  assert.equal(await sent(data, () => packOf(1)), 1);
  await hub.until(() => hub.come.length === 1);
  data.lost();
  await hub.until(() => hub.requests[0]?.destroyed === true);
  assert.equal(data.send(packOf(2)), null);
  data.offered({ port: hub.port, url: '', key: KEY });
  assert.equal(await sent(data, () => packOf(3)), 1);
  await hub.until(() => hub.come.length === 2);
  assert.deepEqual(failures, []);
});
