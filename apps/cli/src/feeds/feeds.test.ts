import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { McapWriter } from '@mcap/core';
import { CommandError } from '../outcome.ts';
import { readCsv, timeOf } from './csv.ts';
import { type FeedPiece, idOf } from './feed.ts';
import { readMcap } from './mcap.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-feeds-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function all(pieces: AsyncIterable<FeedPiece>): Promise<readonly FeedPiece[]> {
  const list: FeedPiece[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a CSV file is one channel of its numbers, and a cell without a number is a missing reading', async () => {
  const path = file(
    'Pump 7.csv',
    'timestamp,name,degC,bar\n2013-12-02 21:15:00,a,73.5,2\n2013-12-02 21:20:00,b,,2.5\nlater,c,1,1\n',
  );
  assert.deepEqual(await all(readCsv(path, null)), [
    { type: 'channel', channel: { channel: 'pump-7', fields: ['degC', 'bar'] } },
    { type: 'frame', frame: { channel: 'pump-7', timeUs: 1_386_018_900_000_000, values: [73.5, 2] } },
    { type: 'frame', frame: { channel: 'pump-7', timeUs: 1_386_019_200_000_000, values: [Number.NaN, 2.5] } },
    { type: 'skipped', reason: "'later' is no time" },
  ]);
});

test('a CSV file of more rows than the sample loses none', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => `${1_700_000_000 + i},${i}`);
  const pieces = await all(readCsv(file('long.csv', `t,x\n${rows.join('\n')}\n`), null));
  const values = pieces.flatMap((piece) => (piece.type === 'frame' ? [...piece.frame.values] : []));
  assert.deepEqual(
    values,
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test('a CSV file without a time column, without numbers or without rows says so', async () => {
  await assert.rejects(
    all(readCsv(file('a.csv', 'when,x\n1,2\n'), null)),
    (error: CommandError) => /time column/.test(error.message) && /--time/.test(error.wayOut),
  );
  await assert.rejects(all(readCsv(file('b.csv', 'time,x\n1,text\n'), null)), /no column of numbers/);
  await assert.rejects(all(readCsv(file('c.csv', ''), null)), /empty/);
  await assert.rejects(all(readCsv(file('d.csv', 't,x\n1,2\n'), 'clock')), /no column 'clock'/);
});

test('times are read by their size or as dates, in UTC where no zone is named', () => {
  assert.equal(timeOf('1700000000'), 1_700_000_000_000_000);
  assert.equal(timeOf('1700000000.25'), 1_700_000_000_250_000);
  assert.equal(timeOf('1700000000250'), 1_700_000_000_250_000);
  assert.equal(timeOf('1700000000250000'), 1_700_000_000_250_000);
  assert.equal(timeOf('1700000000250000000'), 1_700_000_000_250_000);
  assert.equal(timeOf('2020-01-01T00:00:00+01:00'), 1_577_833_200_000_000);
  assert.equal(timeOf('2020-01-01'), 1_577_836_800_000_000);
  assert.equal(timeOf('soon'), null);
});

test('ids keep to what travels everywhere', () => {
  assert.equal(idOf('/Robot One/odom'), 'robot-one-odom');
  assert.equal(idOf('...'), 'feed');
});

test('a ROS 2 recording gives every number of every topic, zstd chunks included', async () => {
  const path = file(
    'drive.mcap',
    await mcap('geometry_msgs/msg/Point', 'float64 x\nfloat64 y\nfloat64 z\n', point(1.5, -2, 0.25), true),
  );
  assert.deepEqual(await all(readMcap(path)), [
    { type: 'channel', channel: { channel: 'robot.odom', fields: ['x', 'y', 'z'] } },
    { type: 'frame', frame: { channel: 'robot.odom', timeUs: 1_700_000_000_000_000, values: [1.5, -2, 0.25] } },
  ]);
});

test('an MCAP file that is cut short or no MCAP at all says so', async () => {
  const whole = await mcap('geometry_msgs/msg/Point', 'float64 x\nfloat64 y\nfloat64 z\n', point(1, 2, 3), false);
  await assert.rejects(all(readMcap(file('cut.mcap', whole.subarray(0, whole.length - 40)))), CommandError);
  await assert.rejects(all(readMcap(file('text.mcap', 'this is no recording, it only says so'))), /no sound MCAP/);
});

/** Little-endian CDR of three doubles. */
function point(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + 8 * values.length));
  view.setUint8(1, 1);
  for (const [i, value] of values.entries()) view.setFloat64(4 + 8 * i, value, true);
  return new Uint8Array(view.buffer);
}

async function mcap(type: string, schema: string, data: Uint8Array, compressed: boolean): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0n;
  const writable = {
    write: async (bytes: Uint8Array) => {
      parts.push(Uint8Array.from(bytes));
      size += BigInt(bytes.length);
    },
    position: () => size,
  };
  const compressChunk = (chunk: Uint8Array) => ({
    compression: 'zstd',
    compressedData: new Uint8Array(zstdCompressSync(chunk)),
  });
  const writer = new McapWriter({ writable, ...(compressed ? { compressChunk } : {}) });
  await writer.start({ profile: 'ros2', library: 'test' });
  const schemaId = await writer.registerSchema({
    name: type,
    encoding: 'ros2msg',
    data: new TextEncoder().encode(schema),
  });
  const channelId = await writer.registerChannel({
    topic: '/robot/odom',
    schemaId,
    messageEncoding: 'cdr',
    metadata: new Map(),
  });
  const at = 1_700_000_000_000_000_000n;
  await writer.addMessage({ channelId, sequence: 1, logTime: at, publishTime: at, data });
  await writer.end();
  return Buffer.concat(parts);
}
