import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { archiveRecording } from '../archive-recording.ts';
import { ColdArchive } from '../cold-archive.ts';
import { cutInBody, cutOff, refusal, startScriptedS3 } from '../testing/scripted-s3.ts';
import { ObjectStoreError } from './object-store.ts';
import { parseS3Address, s3Objects } from './s3.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-s3-faults-'));
let server: Awaited<ReturnType<typeof startScriptedS3>>;
const pauses: number[] = [];
const NOW_MS = Date.UTC(2026, 10, 21, 12);
const patience = {
  pause: async (ms: number) => pauses.push(ms),
  idleMs: 60_000,
  chance: () => 0.5,
  nowMs: () => NOW_MS,
};
const open = (more: Partial<typeof patience> = {}) =>
  s3Objects(
    parseS3Address(`s3://bucket/site?endpoint=${server.url}`),
    { accessKeyId: 'KEY', secretAccessKey: 'hush-hush' },
    { ...patience, ...more },
  );
const bytes = Uint8Array.of(1, 2, 3);

before(async () => {
  server = await startScriptedS3();
});
beforeEach(() => {
  pauses.length = 0;
  server.seen.length = 0;
  server.script.length = 0;
  server.objects.clear();
});
after(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

describe('a server that speaks S3, and fails in passing', () => {
  for (const [what, fault] of [
    ['is overloaded', refusal(503, 'SlowDown')],
    ['breaks', refusal(500, 'InternalError')],
    ['counts too many requests', refusal(429, 'TooManyRequests')],
    ['waited too long for the rest', refusal(400, 'RequestTimeout')],
    ['cuts the connection', cutOff],
    ['cuts the connection in the middle of an object', cutInBody],
  ] as const) {
    test(`is asked again when it ${what}, and then gives the object`, async () => {
      const store = open();
      await store.putNew('a/b', bytes);
      server.script.push(fault, fault);
      assert.deepEqual(await store.get('a/b'), bytes);
      assert.equal(pauses.length, 2);
    });
  }

  test('is left after six tries, with pauses that double and end at ten seconds', async () => {
    server.script.push(...Array.from({ length: 9 }, () => cutOff));
    await assert.rejects(open().get('a/b'), (error: Error) => {
      assert.ok(error instanceof ObjectStoreError);
      return /cannot be reached .*6 times in a row/.test(error.message) && !/hush/.test(error.message);
    });
    const most = [200, 400, 800, 1_600, 3_200];
    assert.ok(
      pauses.length === 5 && pauses.every((ms, i) => ms <= (most[i] as number) && ms >= (most[i] as number) / 2),
    );
  });

  test('is given up when nothing comes, and asked again', async () => {
    const store = open({ idleMs: 50 });
    await store.putNew('a/b', bytes);
    server.script.push(() => undefined);
    assert.deepEqual(await store.get('a/b'), bytes);
    assert.equal(pauses.length, 1);
  });

  test('[R161] that took an object and could not say so is not written to twice', async () => {
    const took: typeof cutOff = (request, response, body) => {
      server.objects.set(request.url ?? '', body);
      response.socket?.destroy();
    };
    server.script.push(server.plain, took);
    assert.equal(await open().putNew('a/b', bytes), 'exists');
    assert.deepEqual([...server.objects.values()], [Buffer.from(bytes)]);
  });

  test('[R161] takes an object in one request, however large', async () => {
    const large = new Uint8Array(48 << 20).fill(7);
    await open().putNew('a/large', large);
    assert.equal(server.seen.filter((one) => one.startsWith('PUT')).length, 1);
    assert.equal((await open().get('a/large'))?.length, large.length);
  });
});

describe('a server that speaks S3, and refuses', () => {
  const skewed = new Date(NOW_MS - 3_600_000).toUTCString();
  for (const [code, status, headers, said] of [
    ['InvalidAccessKeyId', 403, {}, /InvalidAccessKeyId.*Set AWS_ACCESS_KEY_ID/],
    ['SignatureDoesNotMatch', 403, {}, /SignatureDoesNotMatch.*Set AWS_ACCESS_KEY_ID/],
    ['AccessDenied', 403, {}, /AccessDenied.*the right to read, write and list/],
    ['ExpiredToken', 400, {}, /ExpiredToken.*AWS_SESSION_TOKEN/],
    ['RequestTimeTooSkewed', 403, { date: skewed }, /its clock is 3600 s behind this one's.*Set this machine's clock/],
    ['NoSuchBucket', 404, {}, /NoSuchBucket.*Make the bucket/],
  ] as const) {
    test(`with ${code} is asked once, and the way out is told`, async () => {
      server.script.push(refusal(status, code, headers));
      await assert.rejects(open().get('a/b'), (error: Error) => {
        assert.match(error.message, said);
        return !/hush/.test(error.message);
      });
      assert.deepEqual([pauses.length, server.seen.length], [0, 1]);
    });
  }
});

describe('an archive on such a server', () => {
  async function recording(): Promise<MemoryStore> {
    const store = new MemoryStore();
    const chain = testChain('r1', sha256);
    await store.append([chain.begin(), chain.notes(20)]);
    return store;
  }
  const read = async (): Promise<number> => {
    const cold = await ColdArchive.open(open(), { tenants: ['acme'], cacheDir: join(home, 'cache') });
    try {
      let blocks = 0;
      for (const head of await cold.heads()) for await (const _ of cold.blocks(head, 1, head.sequence)) blocks++;
      return blocks;
    } finally {
      await cold.close();
    }
  };
  /** The scripted server lists what it holds. */
  const listing: typeof cutOff = (request, response) => {
    const prefix = new URL(request.url ?? '', 'http://x').searchParams.get('prefix') ?? '';
    const keys = [...server.objects.keys()].map((path) => decodeURIComponent(path.slice('/bucket/'.length)));
    const found = keys.filter((key) => key.startsWith(prefix)).map((key) => `<Key>${key}</Key>`);
    response.writeHead(200).end(`<ListBucketResult>${found.join('')}</ListBucketResult>`);
  };

  test('[R162] that stored half of an object: found when it is read back, named, and nothing counts as archived', async () => {
    const half: typeof cutOff = (request, response, body) => {
      server.objects.set(request.url ?? '', body.subarray(0, body.length >> 1));
      response.writeHead(200).end();
    };
    // No manifest yet; no such object; then the object itself.
    server.script.push(listing, server.plain, half);
    await assert.rejects(
      archiveRecording(await recording(), open(), { sha256 }),
      /is altered right after it was written/,
    );
    server.script.push(listing);
    assert.equal(await read(), 0);
  });

  test('[R163] of which an object is gone: it is named with its events', async () => {
    server.script.push(listing);
    await archiveRecording(await recording(), open(), { sha256 });
    for (const key of [...server.objects.keys()]) if (key.includes('blocks')) server.objects.delete(key);
    server.script.push(listing);
    await assert.rejects(read(), /is missing: it holds events 1 to 21 of acme\/r1/);
  });
});
