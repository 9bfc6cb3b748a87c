import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { McapIndexedReader, type McapTypes } from '@mcap/core';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import { CommandError, EXIT } from '../outcome.ts';
import { runSigma, runSigmaOnFullDisk } from '../testing/run-sigma.ts';

/** Twelve seconds, with states of robots on record. */
const LONGER = fileURLToPath(new URL('../../../../sim/golden/fleet-2-flag-1001.sqlite', import.meta.url));
const GOLDEN = fileURLToPath(new URL('../../../../sim/golden/fleet-2.sqlite', import.meta.url));

let folder = '';
let recording = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-export-'));
  recording = join(folder, 'fleet.sqlite');
  copyFileSync(GOLDEN, recording);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const sigma = (...args: readonly string[]) => runSigma(args, { SIGMA_DATA: join(folder, 'data') });

interface ReadMessage {
  readonly topic: string;
  readonly schema: string;
  readonly logTime: bigint;
  readonly value: Readonly<Record<string, unknown>>;
}

interface ReadFile {
  readonly reader: McapIndexedReader;
  readonly messages: readonly ReadMessage[];
}

/** Reads a file as Foxglove does: the index first, then messages by time, each by the schema that the file holds. */
async function readMcap(path: string): Promise<ReadFile> {
  const handle = await open(path);
  try {
    const decompressHandlers = { zstd: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
    const reader = await McapIndexedReader.Initialize({ readable: readableOf(handle), decompressHandlers });
    const types = new Map<number, protobuf.Type>();
    const messages: ReadMessage[] = [];
    for await (const { channelId, logTime, data } of reader.readMessages({ validateCrcs: true })) {
      const channel = reader.channelsById.get(channelId);
      assert.ok(channel !== undefined);
      const schema = reader.schemasById.get(channel.schemaId);
      assert.ok(schema !== undefined, channel.topic);
      assert.deepEqual([channel.messageEncoding, schema.encoding], ['protobuf', 'protobuf']);
      const type = types.get(schema.id) ?? typeOf(schema);
      types.set(schema.id, type);
      const value = type.toObject(type.decode(data), { longs: Number, defaults: true, enums: String });
      messages.push({ topic: channel.topic, schema: schema.name, logTime, value });
    }
    return { reader, messages };
  } finally {
    await handle.close();
  }
}

const typeOf = ({ name, data }: McapTypes.Schema): protobuf.Type => protobuf.Root.fromDescriptor(data).lookupType(name);

const readableOf = (handle: FileHandle) => ({
  size: async () => BigInt((await handle.stat()).size),
  read: async (offset: bigint, size: bigint) => {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(Number(size)), 0, Number(size), Number(offset));
    assert.equal(bytesRead, Number(size), 'read beyond the end');
    return buffer;
  },
});

describe('MCAP', () => {
  test('[R180] a recorded drive opens in a published reader: floor, bodies, places, scans, decisions and logs, by time', async () => {
    const out = join(folder, 'drive.mcap');
    const { code, out: said, error } = await sigma('export', '--format', 'mcap', '--json', '--out', out, recording);
    assert.equal(code, 0, error);
    const { reader, messages } = await readMcap(out);
    const result = JSON.parse(said) as { readonly messages: number; readonly events: number };
    assert.equal(messages.length, result.messages);
    assert.equal(Number(reader.statistics?.messageCount), result.messages);
    for (let k = 1; k < messages.length; k++) {
      assert.ok((messages[k]?.logTime ?? 0n) >= (messages[k - 1]?.logTime ?? 0n), 'messages stand by time');
    }
    const topics = new Map(messages.map(({ topic, schema }) => [topic, schema]));
    assert.equal(topics.get('/tf'), 'foxglove.FrameTransform');
    assert.equal(topics.get('/site/map'), 'foxglove.Grid');
    assert.equal(topics.get('/site/scene'), 'foxglove.SceneUpdate');
    for (const robot of ['r01', 'r02']) {
      assert.equal(topics.get(`/${robot}/pose`), 'foxglove.PoseInFrame');
      assert.equal(topics.get(`/${robot}/scan`), 'foxglove.LaserScan');
      assert.equal(topics.get(`/${robot}/body`), 'foxglove.SceneUpdate');
      assert.equal(topics.get(`/${robot}/log`), 'foxglove.Log');
      assert.equal(topics.get(`/${robot}/decision`), 'sigma.v1.Decision');
      assert.equal(topics.get(`/${robot}/motion`), 'sigma.fleet.Motion');
    }
    const decision = messages.find(({ schema }) => schema === 'sigma.v1.Decision')?.value as {
      readonly command: { readonly name: string };
    };
    assert.notEqual(decision.command.name, '');
  });

  test('[R181] run again, each robot stands where it believed to be, within what its beacons measured', async () => {
    const [measured, believed] = [join(folder, 'm.mcap'), join(folder, 'b.mcap')];
    const runs = await Promise.all([
      sigma('export', '--format', 'mcap', '--agents', 'r01', '--out', measured, recording),
      sigma('export', '--format', 'mcap', '--agents', 'r01', '--re-execute', '--out', believed, recording),
    ]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0],
      runs.map(({ error }) => error).join(),
    );
    const places = async (path: string) =>
      (await readMcap(path)).messages
        .filter(({ topic }) => topic === '/r01/pose')
        .map(({ logTime, value }) => {
          const { x, y } = (value['pose'] as { position: { x: number; y: number } }).position;
          return { logTime, x, y };
        });
    const [fixes, beliefs] = [await places(measured), await places(believed)];
    assert.ok(fixes.length > 10 && beliefs.length > fixes.length, `${fixes.length} fixes, ${beliefs.length} beliefs`);
    let worstM = 0;
    for (const { logTime, x, y } of fixes) {
      const near = beliefs.findLast((one) => one.logTime <= logTime) ?? beliefs[0];
      assert.ok(near !== undefined);
      worstM = Math.max(worstM, Math.hypot(near.x - x, near.y - y));
    }
    assert.ok(worstM < 0.5, `beliefs and beacons are ${worstM.toFixed(2)} m apart`);
  });

  test('[R181] the people of a computed world are shown when it is run again, whoever sees them', async () => {
    const out = join(folder, 'people.mcap');
    const args = ['export', '--format', 'mcap', '--agents', 'world', '--from', '1', '--to', '4', '--re-execute'];
    const { code, error } = await sigma(...args, '--out', out, recording);
    assert.equal(code, 0, error);
    const pictures = (await readMcap(out)).messages.filter(({ topic }) => topic === '/world/seen');
    assert.ok(pictures.length >= 25 && pictures.length <= 35, `${pictures.length} pictures in 3 s`);
    const placesOf = ({ value }: ReadMessage): ReadonlyMap<string, { readonly x: number; readonly y: number }> => {
      const entities = value['entities'] as {
        id: string;
        cylinders: { pose: { position: { x: number; y: number } } }[];
      }[];
      return new Map(entities.map(({ id, cylinders }) => [id, cylinders[0]?.pose.position ?? { x: 0, y: 0 }]));
    };
    let walkedM = 0;
    for (let k = 1; k < pictures.length; k++) {
      const [before, now] = [placesOf(pictures[k - 1] as ReadMessage), placesOf(pictures[k] as ReadMessage)];
      assert.ok(now.size > 0);
      for (const [id, { x, y }] of now) {
        const was = before.get(id);
        assert.ok(was !== undefined, id);
        const stepM = Math.hypot(x - was.x, y - was.y);
        assert.ok(stepM < 0.3, `${id} walked ${stepM} m in 0.1 s`);
        walkedM += stepM;
      }
    }
    assert.ok(walkedM > 1, 'somebody walks');
  });

  test('[R181] a stretch in the middle is run again from the snapshot before it, and shows what the whole shows there', async () => {
    const [longer, whole, part] = ['longer.sqlite', 'whole.mcap', 'middle.mcap'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    copyFileSync(LONGER, longer);
    const args = ['export', '--format', 'mcap', '--agents', 'r01', '--re-execute'];
    assert.equal((await sigma(...args, '--out', whole, longer)).code, 0);
    const stretch = ['--from', '10.5', '--to', '11.5', '--json'];
    const { code, out, error } = await sigma(...args, ...stretch, '--out', part, longer);
    assert.equal(code, 0, error);
    const all = (await readMcap(whole)).messages;
    const poses = (await readMcap(part)).messages.filter(({ topic }) => topic === '/r01/pose');
    assert.ok(poses.length >= 18, `${poses.length} poses in a second`);
    const told = new Map(all.filter(({ topic }) => topic === '/r01/pose').map((one) => [one.logTime, one.value]));
    const shared = poses.filter(({ logTime }) => told.has(logTime));
    assert.ok(shared.length >= 18, 'the same moments');
    for (const { logTime, value } of shared) assert.deepEqual(value, told.get(logTime));
    const { events } = JSON.parse(out) as { readonly events: number };
    assert.ok(events < 60, `${events} events were read: those from the snapshot on`);
  });

  test('a stretch of time and some agents are all that is written', async () => {
    const out = join(folder, 'part.mcap');
    const args = ['export', '--format', 'mcap', '--agents', 'r02', '--from', 'r01#40', '--to', '0:03', '--out', out];
    const { code, error } = await sigma(...args, recording);
    assert.equal(code, 0, error);
    const { messages } = await readMcap(out);
    const times = messages.map(({ logTime }) => Number(logTime / 1000n));
    assert.ok(Math.max(...times) - Math.min(...times) <= 790_000);
    assert.ok(messages.some(({ topic }) => topic === '/r02/scan'));
    assert.ok(
      messages.some(({ topic }) => topic === '/r02/body'),
      'the body is seen whenever the file begins',
    );
    assert.ok(messages.every(({ topic }) => !topic.startsWith('/r01')));
  });
});

describe('what stands in the way', () => {
  test('[R182] a recording that is damaged in the middle is exported around the damage, which is named', async () => {
    const damaged = join(folder, 'damaged.sqlite');
    copyFileSync(GOLDEN, damaged);
    const { first, last } = spoilBlock(damaged, 'r01');
    const out = join(folder, 'damaged.mcap');
    const { code, out: said, error } = await sigma('export', '--format', 'mcap', '--json', '--out', out, damaged);
    assert.equal(code, 1, error);
    const { leftOut } = JSON.parse(said) as { readonly leftOut: readonly Record<string, unknown>[] };
    assert.deepEqual(
      leftOut.map(({ source, fromSequence, toSequence }) => ({ source, fromSequence, toSequence })),
      [{ source: 'r01', fromSequence: first, toSequence: last }],
    );
    const { reader, messages } = await readMcap(out);
    assert.ok(messages.some(({ topic }) => topic === '/r01/scan'));
    const handle = await open(out);
    try {
      const found: McapTypes.Metadata[] = [];
      const again = await McapIndexedReader.Initialize({ readable: readableOf(handle) });
      for await (const one of again.readMetadata()) found.push(one);
      assert.match(found[0]?.metadata.get('left_out_1') ?? '', new RegExp(`events ${first} to ${last}`));
    } finally {
      await handle.close();
    }
    assert.equal(reader.chunkIndexes.length > 0, true);
    const again = join(folder, 'damaged-again.mcap');
    const rerun = await sigma('export', '--format', 'mcap', '--re-execute', '--agents', 'r01', '--out', again, damaged);
    assert.equal(rerun.code, 1, rerun.error);
    const poses = (await readMcap(again)).messages.filter(({ topic }) => topic === '/r01/pose');
    // What the robot knew is lost with the damage: behind it stands what was measured, and nothing made up.
    const measured = messages.filter(({ topic }) => topic === '/r01/pose');
    const tail = Math.floor(measured.length / 4);
    assert.ok(tail > 5);
    assert.deepEqual(
      poses.slice(-tail).map(({ logTime, value }) => [logTime, value]),
      measured.slice(-tail).map(({ logTime, value }) => [logTime, value]),
    );
  });

  test('[R183] a file that exists is replaced only by force, and what fails leaves nothing behind', async () => {
    const out = join(folder, 'taken.mcap');
    writeFileSync(out, 'mine');
    const refused = await sigma('export', '--format', 'mcap', '--out', out, recording);
    assert.equal(refused.code, 5);
    assert.match(refused.error, /taken\.mcap exists already/);
    const forced = await sigma('export', '--format', 'mcap', '--force', '--out', out, recording);
    assert.equal(forced.code, 0, forced.error);
    const nowhere = await sigma('export', '--format', 'mcap', '--out', join(folder, 'no', 'x.mcap'), recording);
    assert.equal(nowhere.code, 5);
    assert.match(nowhere.error, /folder does not exist/);
    const onFolder = await sigma('export', '--format', 'mcap', '--force', '--out', folder, recording);
    assert.equal(onFolder.code, 5, onFolder.error);
    assert.equal(existsSync(`${folder}.unfinished`), false);
    const unknown = await sigma('export', '--format', 'bag', '--out', out, recording);
    assert.equal(unknown.code, 2);
    assert.match(unknown.error, /mcap/);
    const nobody = await sigma('export', '--format', 'mcap', '--from', 'r99#1', '--out', join(folder, 'x'), recording);
    assert.equal(nobody.code, 2);
    assert.match(nobody.error, /nothing is recorded of 'r99'/);
    const beyond = await sigma('export', '--format', 'mcap', '--to', 'r01#999', '--out', join(folder, 'x'), recording);
    assert.equal(beyond.code, 2);
    assert.match(beyond.error, /r01 has 91 events/);
    const backwards = await sigma('export', '--format', 'mcap', '--from', '3', '--to', '2', '--out', out, recording);
    assert.equal(backwards.code, 2);
  });

  test('[R183] a disk that is full in the middle is named, and no half file stays', async () => {
    const out = join(folder, 'full.mcap');
    const args = ['export', '--format', 'mcap', '--out', out, recording];
    const limited = await runSigmaOnFullDisk(args, { SIGMA_DATA: join(folder, 'data') }, 128);
    assert.equal(limited.code, 5, limited.error);
    assert.match(limited.error, /full\.mcap cannot be written/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('full.mcap')),
      [],
    );
  });
});

describe('a collector', () => {
  /** Says that to every request. */
  async function answering(status: number, body: string): Promise<{ readonly server: Server; readonly url: string }> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (bytes: Buffer) => (text += bytes.toString()));
      request.on('end', () => {
        received.push({ type: request.headers['content-type'] ?? '', text });
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
  }
  let received: { readonly type: string; readonly text: string }[] = [];
  const send = (url: string) => sigma('export', '--format', 'otel', '--json', '--out', url, recording);

  test('[R186] is sent all spans as OTLP over HTTP, the same as stand in a file', async () => {
    received = [];
    const { server, url } = await answering(200, '{}');
    const { code, out, error } = await send(url);
    server.close();
    assert.equal(code, 0, error);
    assert.deepEqual([...new Set(received.map(({ type }) => type))], ['application/json']);
    const file = join(folder, 'spans.jsonl');
    assert.equal((await sigma('export', '--format', 'otel', '--out', file, recording)).code, 0);
    assert.equal(readFileSync(file, 'utf8'), received.map(({ text }) => `${text}\n`).join(''));
    assert.ok((JSON.parse(out) as { readonly spans: number }).spans > 10);
  });

  test('that refuses, rejects a part, or is not there is named with what it said', async () => {
    const cases = [
      [await answering(503, 'busy'), 4, /answers 503: busy/],
      [
        await answering(200, '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'),
        4,
        /3 of them \(too old\)/,
      ],
    ] as const;
    for (const [{ server, url }, expected, why] of cases) {
      const { code, error } = await send(url);
      server.close();
      assert.equal(code, expected, error);
      assert.match(error, why);
    }
    const gone = await answering(200, '{}');
    await new Promise((closed) => gone.server.close(closed));
    const { code, error } = await send(gone.url);
    assert.equal(code, 3, error);
    assert.match(error, /cannot be reached/);
    const wrong = await sigma('export', '--format', 'prov', '--out', 'http://127.0.0.1:1/', recording);
    assert.equal(wrong.code, 2, wrong.error);
  });
});

test('[R183] an export that a person ends leaves nothing behind', async () => {
  const out = join(folder, 'ended.mcap');
  const ended = AbortSignal.abort(new CommandError(EXIT.interrupted, 'stopped by SIGINT', ''));
  const args = ['export', '--format', 'mcap', '--out', out, recording];
  const { code, error } = await runSigma(args, { SIGMA_DATA: join(folder, 'data') }, ended);
  assert.equal(code, 130, error);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('ended.mcap')),
    [],
  );
});

/** Turns over one byte in a block in the middle of a chain. @returns the events that it holds */
function spoilBlock(path: string, source: string): { readonly first: number; readonly last: number } {
  const database = new DatabaseSync(path);
  const rows = database
    .prepare(
      `SELECT block, first_sequence AS first, count, bytes FROM blocks JOIN chains USING (chain)
       WHERE source = ? ORDER BY first_sequence`,
    )
    .all(source) as { block: number; first: number; count: number; bytes: Uint8Array }[];
  const row = rows[Math.floor(rows.length / 2)];
  assert.ok(row !== undefined);
  const bytes = row.bytes.slice();
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 0xff;
  database.prepare('UPDATE blocks SET bytes = ? WHERE block = ?').run(bytes, row.block);
  database.close();
  return { first: row.first, last: row.first + row.count - 1 };
}
