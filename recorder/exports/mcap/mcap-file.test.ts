import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { type IWritable, McapWriter } from '@mcap/core';
import { McapFile } from './mcap-file.ts';

interface Added {
  readonly channel: number;
  readonly timeUs: number;
  readonly data: Uint8Array;
}

const SCHEMAS = ['first', 'second'].map((name) => ({ name, encoding: 'protobuf', data: Uint8Array.of(1, 2, 3) }));
const CHANNELS = [1, 2, 0, 1].map((schemaId, k) => ({
  topic: `/topic/${k}`,
  schemaId,
  messageEncoding: 'protobuf',
  metadata: new Map([['of', `${k}`]]),
}));
const METADATA = new Map([
  ['recording', 'drive'],
  ['places', 'measured'],
]);

class Gathered implements IWritable {
  readonly #parts: Uint8Array[] = [];
  #at = 0n;

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  position(): bigint {
    return this.#at;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes.slice());
    this.#at += BigInt(bytes.length);
  }
}

async function own(messages: readonly Added[]): Promise<Buffer> {
  const gathered = new Gathered();
  const file = new McapFile(gathered);
  await file.start('sigma');
  for (const schema of SCHEMAS) file.addSchema(schema);
  for (const channel of CHANNELS) file.addChannel(channel);
  for (const [n, { channel, timeUs, data }] of messages.entries()) {
    const full = file.addMessage(channel, n, timeUs, data);
    if (full !== undefined) await full;
  }
  await file.addMetadata('sigma.export', METADATA);
  await file.end();
  return gathered.bytes;
}

/** The same by the library. */
async function published(messages: readonly Added[]): Promise<Buffer> {
  const gathered = new Gathered();
  const compressChunk = (chunk: Uint8Array) => ({ compression: 'zstd', compressedData: zstdCompressSync(chunk) });
  const writer = new McapWriter({ writable: gathered, chunkSize: 4 * 1024 * 1024, compressChunk });
  await writer.start({ profile: '', library: 'sigma' });
  for (const schema of SCHEMAS) await writer.registerSchema(schema);
  for (const channel of CHANNELS) await writer.registerChannel(channel);
  for (const [sequence, { channel, timeUs, data }] of messages.entries()) {
    const logTime = BigInt(timeUs) * 1000n;
    await writer.addMessage({ channelId: channel, sequence, logTime, publishTime: logTime, data });
  }
  await writer.addMetadata({ name: 'sigma.export', metadata: METADATA });
  await writer.end();
  return gathered.bytes;
}

const NOW_US = Date.UTC(2026, 3, 1) * 1000;

/** Bytes that tell each message from the others. */
const content = (n: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, k) => (n * 31 + k * (1 + (n % 5))) & 0xff);

for (const [what, messages] of [
  ['without a message', []],
  ['of one message', [{ channel: 2, timeUs: NOW_US, data: content(1, 10) }]],
  ['of an empty message', [{ channel: 0, timeUs: 0, data: new Uint8Array() }]],
  [
    'of many chunks, of which no two hold the same channels',
    Array.from({ length: 60_000 }, (_, n) => ({
      channel: n < 20_000 ? n % 2 : n < 40_000 ? 2 + (n % 2) : ([3, 0, 2][n % 3] ?? 0),
      timeUs: NOW_US + n * 333,
      data: content(n, 40 + (n % 300)),
    })),
  ],
  [
    'of messages that are greater than a chunk',
    [5_000_000, 3, 12_000_000, 4_194_304, 1].map((length, n) => ({
      channel: n % 4,
      timeUs: NOW_US + n,
      data: content(n, length),
    })),
  ],
  [
    'of moments on both sides of what 32 bits hold',
    [0, 1, 4_294_967, 4_294_968, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, NOW_US + 999_999, 2 ** 52].map((timeUs, n) => ({
      channel: n % 4,
      timeUs,
      data: content(n, n),
    })),
  ],
  ['of moments before 1970', [-(2 ** 52), -1, 0, 1].map((timeUs, n) => ({ channel: 1, timeUs, data: content(n, 8) }))],
  [
    'of moments that go back',
    [9, 3, 7, 1, 5].map((timeUs, n) => ({ channel: 1, timeUs: NOW_US + timeUs, data: content(n, 8) })),
  ],
] as const satisfies readonly (readonly [string, readonly Added[]])[]) {
  test(`[R180] a file ${what} is byte for byte what the published writer writes`, async () => {
    const [ours, theirs] = [await own(messages), await published(messages)];
    assert.equal(ours.length, theirs.length);
    assert.ok(ours.equals(theirs));
  });
}
