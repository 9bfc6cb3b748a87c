import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { McapStreamReader, McapWriter } from '@mcap/core';
import { decodeSignal, eventsOf, openingOf, type RecordedEvent, type Recording } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { runSigma } from '../testing/run-sigma.ts';

const GOLDEN = fileURLToPath(new URL('../../../../sim/golden/fleet-2.sqlite', import.meta.url));

let folder = '';
let recording = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-import-'));
  recording = join(folder, 'fleet.sqlite');
  copyFileSync(GOLDEN, recording);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const sigma = (...args: readonly string[]) => runSigma(args, { SIGMA_DATA: join(folder, 'data') });

async function withEvents<Result>(
  path: string,
  use: (
    recording: Recording,
    eventsBySource: ReadonlyMap<string, readonly RecordedEvent[]>,
  ) => Promise<Result> | Result,
): Promise<Result> {
  const opened = openSqliteRecording(path);
  try {
    const found = new Map<string, RecordedEvent[]>();
    for (const head of await opened.heads()) {
      const events: RecordedEvent[] = [];
      for await (const event of eventsOf(opened, head)) events.push({ ...event, data: event.data.slice() });
      found.set(head.source, events);
    }
    return await use(opened, found);
  } finally {
    await opened.close();
  }
}

const decisionsIn = (events: readonly RecordedEvent[]): readonly string[] =>
  events.filter(({ type }) => type === 'sigma.decision.v1').map(({ data }) => Buffer.from(data).toString('hex'));

test('[R188] what was exported as MCAP comes back as a timeline of its own: marked, verified as a chain, decisions as they were', async () => {
  const [mcap, back] = [join(folder, 'drive.mcap'), join(folder, 'back.sqlite')];
  assert.equal((await sigma('export', '--format', 'mcap', '--agents', 'r01', '--out', mcap, recording)).code, 0);
  assert.match(
    (await sigma('verify', mcap)).error,
    /drive\.mcap is no recording.*sigma import .*drive\.mcap makes one of it/s,
  );
  const imported = await sigma('import', '--json', '--out', back, mcap);
  assert.equal(imported.code, 0, imported.error);
  const verified = await sigma('verify', back);
  assert.equal(verified.code, 0, verified.error);
  assert.match(verified.out, /imported\.drive.*chain only/);
  const original = await withEvents(recording, (_, bySource) => decisionsIn(bySource.get('r01') ?? []));
  await withEvents(back, async (opened, bySource) => {
    const events = bySource.get('imported.drive') ?? [];
    assert.deepEqual(decisionsIn(events), original);
    assert.ok(original.length > 5);
    const [head] = await opened.heads();
    assert.ok(head !== undefined);
    const { config, model, role } = await openingOf(opened, head);
    assert.deepEqual([model, role], ['', 'imported']);
    assert.equal((config as { imported: { file: string } }).imported.file, 'drive.mcap');
    const scan = events.find(({ type }) => type === 'mcap.foxglove.LaserScan');
    assert.equal(scan?.subject, '/r01/scan');
    const channel = events
      .filter(({ type }) => type === 'sigma.signal.v1')
      .map(({ data }) => decodeSignal(data))
      .find(({ name, body }) => name === 'import.channel' && (body as { topic: string }).topic === '/r01/scan');
    assert.ok(channel !== undefined);
    assert.equal((channel.body as { schema: { name: string } }).schema.name, 'foxglove.LaserScan');
  });
});

/** Every message of an MCAP file: topic, encodings, name and bytes of its schema, time and bytes. */
function messagesIn(path: string): readonly string[] {
  const decompressHandlers = { zstd: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
  const reader = new McapStreamReader({ decompressHandlers });
  reader.append(readFileSync(path));
  const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');
  const schemas = new Map<number, string>();
  const topics = new Map<number, string>();
  const messages: string[] = [];
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === 'Schema') schemas.set(record.id, `${record.name} ${record.encoding} ${hex(record.data)}`);
    else if (record.type === 'Channel')
      topics.set(record.id, `${record.topic} ${record.messageEncoding} ${schemas.get(record.schemaId)}`);
    else if (record.type === 'Message')
      messages.push(`${topics.get(record.channelId)} ${record.logTime} ${hex(record.data)}`);
  }
  return messages;
}

test('[R188] what came from MCAP goes out as MCAP again: every message in its topic, with its schema, time and bytes', async () => {
  const [drive, gauge] = [join(folder, 'out-drive.mcap'), join(folder, 'out-gauge.mcap')];
  assert.equal((await sigma('export', '--format', 'mcap', '--agents', 'r02', '--out', drive, recording)).code, 0);
  await chunkedMcap(gauge);
  for (const file of [drive, gauge]) {
    const [back, again] = [`${file}.sqlite`, `${file}.again.mcap`];
    assert.equal((await sigma('import', '--name', 'there', '--out', back, file)).code, 0);
    const { code, error } = await sigma('export', '--format', 'mcap', '--out', again, back);
    assert.equal(code, 0, error);
    const own = (message: string): boolean => message.startsWith('/imported.there/');
    const [was, is] = [
      messagesIn(file).toSorted(),
      messagesIn(again)
        .filter((message) => !own(message))
        .toSorted(),
    ];
    assert.ok(was.length >= 100, `${was.length} messages`);
    const first = was.findIndex((message, k) => message !== is[k]);
    assert.equal(first, -1, `${was.length} and ${is.length} messages, which part at ${was[first]} and ${is[first]}`);
  }
});

test('[R191] what was imported stands beside what was lived here, event by event, by the clock on the wall', async () => {
  const [mcap, back] = [join(folder, 'beside.mcap'), join(folder, 'beside.sqlite')];
  assert.equal((await sigma('export', '--format', 'mcap', '--agents', 'r01', '--out', mcap, recording)).code, 0);
  assert.equal((await sigma('import', '--out', back, mcap)).code, 0);
  const topics = ['/r01/decision', '/r01/scan'].flatMap((topic) => ['--subject', topic]);
  const wanted = ['--from', 'r01#30', '--to', '0:03', '--agents', 'r01,imported.beside'];
  const { code, out, error } = await sigma('record', 'show', '--json', ...wanted, recording, back);
  assert.equal(code, 0, error);
  type Shown = { recording: string; time: string; source: string; type: string; text: string };
  const { events } = JSON.parse(out) as { events: readonly Shown[] };
  const times = events.map(({ time }) => time);
  assert.deepEqual(times, times.toSorted(), 'they stand by time');
  const decided = (path: string) =>
    events
      .filter(({ recording: of, type }) => of === path && type === 'sigma.decision.v1')
      .map(({ time, text }) => `${time} ${text}`);
  assert.ok(decided(recording).length > 2);
  assert.deepEqual(decided(back), decided(recording), 'the same decisions at the same moments');
  const read = await sigma('record', 'show', '--rows', '4', ...topics, ...wanted, recording, back);
  assert.equal(read.code, 0, read.error);
  assert.match(read.out, /beside\.sqlite +imported\.beside#\d+ +\/r01\/scan foxglove\.LaserScan \{"timestamp":"/);
  assert.match(read.out, /only the first 4 are shown/);
  const nobody = await sigma('record', 'show', '--agents', 'r99', recording, back);
  assert.equal(nobody.code, 2);
  assert.match(nobody.error, /They hold .*r01.*imported\.beside/);
});

test('[R188] exact CloudEvents come back chain for chain, payload for payload', async () => {
  const [jsonl, back] = [join(folder, 'events.jsonl'), join(folder, 'events.sqlite')];
  assert.equal((await sigma('export', '--format', 'cloudevents', '--exact', '--out', jsonl, recording)).code, 0);
  const imported = await sigma('import', '--out', back, jsonl);
  assert.equal(imported.code, 0, imported.error);
  const kept = (events: readonly RecordedEvent[]): readonly unknown[] =>
    events
      .filter(({ type }) =>
        ['sigma.decision.v1', 'sigma.signal.v1', 'sigma.message.v1', 'sigma.order.v1'].includes(type),
      )
      .map(({ type, subject, atUs, data }) => [type, subject, atUs, Buffer.from(data).toString('hex')]);
  const original = await withEvents(recording, (_, bySource) => bySource);
  await withEvents(back, (_, bySource) => {
    assert.equal(bySource.size, original.size);
    for (const [source, events] of original)
      assert.deepEqual(kept(bySource.get(`imported.${source}`) ?? []), kept(events));
  });
});

test('CloudEvents of others are kept whole, line by line; what is none is left out and named', async () => {
  const jsonl = join(folder, 'shop.jsonl');
  const sold = { specversion: '1.0', id: 'a-1', source: '/shop/7', type: 'shop.sold', time: '2026-01-01T00:00:00.5Z' };
  const later = { ...sold, id: 'a-2', time: '2026-01-01T01:00:02.5+01:00', data: { bread: 3 } };
  const forged = {
    ...sold,
    id: 'a-3',
    type: 'sigma.decision.v1',
    datacontenttype: 'application/protobuf',
    data_base64: '!!',
  };
  const lines = [sold, later, { ...sold, specversion: '0.3' }, { ...sold, source: '' }, forged].map((one) =>
    JSON.stringify(one),
  );
  writeFileSync(jsonl, [lines[0], 'not json', '', ...lines.slice(1)].join('\n'));
  const back = join(folder, 'shop.sqlite');
  const { code, out, error } = await sigma('import', '--json', '--tenant', 'acme', '--out', back, jsonl);
  assert.equal(code, 1, error);
  const { bad, events } = JSON.parse(out) as { bad: { where: string; why: string }[]; events: number };
  assert.equal(events, 3);
  assert.deepEqual(
    bad.map(({ where }) => where),
    ['line 2', 'line 5', 'line 6'],
  );
  assert.match(bad.map(({ why }) => why).join(), /no JSON.*specversion.*no source/);
  await withEvents(back, (_, bySource) => {
    const [, first, second, third] = bySource.get('imported./shop/7') ?? [];
    assert.deepEqual([first?.type, first?.atUs, second?.atUs], ['shop.sold', 0, 2_000_000]);
    assert.equal(Buffer.from(second?.data ?? []).toString(), lines[1]);
    assert.equal(third?.type, 'imported.sigma.decision.v1', 'what only says that it is a decision is none');
  });
  assert.match((await sigma('record', 'show', back)).out, /imported\.\/shop\/7#3 +shop\.sold \{"bread":3\}/);
});

/** An MCAP file of many small chunks. */
async function chunkedMcap(path: string): Promise<void> {
  const pieces: Uint8Array[] = [];
  let at = 0n;
  const writer = new McapWriter({
    writable: {
      write: async (bytes) => {
        pieces.push(bytes.slice());
        at += BigInt(bytes.length);
      },
      position: () => at,
    },
    chunkSize: 200,
    compressChunk: (chunk) => ({ compression: 'zstd', compressedData: zstdCompressSync(chunk) }),
  });
  await writer.start({ profile: '', library: 'test' });
  const schemaId = await writer.registerSchema({ name: 'Reading', encoding: 'jsonschema', data: Buffer.from('{}') });
  const channel = { topic: '/gauge', schemaId, messageEncoding: 'json', metadata: new Map() };
  const channelId = await writer.registerChannel(channel);
  for (let n = 0; n < 100; n++) {
    // Written out of order, as several threads of a recorder do.
    const logTime = 1_700_000_000_000_000_000n + BigInt(n ^ 1) * 1_000_000n;
    await writer.addMessage({
      channelId,
      sequence: n,
      logTime,
      publishTime: logTime,
      data: Buffer.from(`{"n":${n ^ 1}}`),
    });
  }
  await writer.addMetadata({ name: 'robot', metadata: new Map([['serial', '7']]) });
  await writer.addAttachment({
    logTime: 0n,
    createTime: 0n,
    name: 'photo.png',
    mediaType: 'image/png',
    data: Uint8Array.of(1, 2, 3),
  });
  await writer.end();
  writeFileSync(path, Buffer.concat(pieces));
}

const numbersIn = (events: readonly RecordedEvent[]): readonly number[] =>
  events.filter(({ type }) => type === 'mcap.Reading').map(({ data }) => JSON.parse(Buffer.from(data).toString()).n);

test('an MCAP file of another program is taken by time, with what describes it and what is attached', async () => {
  const [mcap, back] = [join(folder, 'gauge.mcap'), join(folder, 'gauge.sqlite')];
  await chunkedMcap(mcap);
  const { code, error } = await sigma('import', '--out', back, mcap);
  assert.equal(code, 0, error);
  await withEvents(back, (_, bySource) => {
    const events = bySource.get('imported.gauge') ?? [];
    assert.deepEqual(
      numbersIn(events),
      Array.from({ length: 100 }, (_, n) => n),
    );
    assert.deepEqual(
      events.find(({ type }) => type === 'mcap.attachment'),
      { ...events.at(-1), subject: 'photo.png', data: Uint8Array.of(1, 2, 3) },
    );
    const names = events.filter(({ type }) => type === 'sigma.signal.v1').map(({ data }) => decodeSignal(data).name);
    assert.deepEqual(names, ['import.channel', 'import.metadata']);
  });
});

test('an MCAP file that is cut short is taken up to there, and the cut is named', async () => {
  const [whole, cut, back] = ['whole.mcap', 'cut.mcap', 'cut.sqlite'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await chunkedMcap(whole);
  const bytes = readFileSync(whole);
  writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length / 3)));
  const { code, out, error } = await sigma('import', '--json', '--out', back, cut);
  assert.equal(code, 1, error);
  const { bad } = JSON.parse(out) as { bad: { why: string }[] };
  assert.match(bad[0]?.why ?? '', /cut short/);
  const taken = await withEvents(back, (_, bySource) => numbersIn(bySource.get('imported.cut') ?? []));
  assert.ok(taken.length > 10 && taken.length < 100, `${taken.length} messages`);
  assert.equal((await sigma('verify', back)).code, 0);
});

test('what is no file of these kinds, is empty, or would replace a recording, is refused and leaves nothing behind', async () => {
  const out = join(folder, 'none.sqlite');
  const text = join(folder, 'notes.txt');
  writeFileSync(text, 'hello');
  const torn = join(folder, 'torn.mcap');
  writeFileSync(torn, Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a]));
  const nonsense = join(folder, 'nonsense.jsonl');
  writeFileSync(nonsense, '{"a":1}\n');
  const cases: readonly (readonly [string, number, RegExp])[] = [
    [text, 2, /neither MCAP nor CloudEvents/],
    [torn, 5, /no MCAP file/],
    [nonsense, 1, /line 1, its specversion/],
    [join(folder, 'gone.mcap'), 5, /cannot be read/],
    [folder, 5, /cannot be read/],
  ];
  for (const [file, code, why] of cases) {
    const refused = await sigma('import', '--out', out, file);
    assert.equal(refused.code, code, refused.error);
    assert.match(refused.error, why);
    assert.equal(existsSync(out), false, file);
  }
  const taken = await sigma('import', '--out', recording, text);
  assert.equal(taken.code, 2);
  const existing = await sigma('import', '--out', recording, nonsense);
  assert.equal(existing.code, 5);
  assert.match(existing.error, /exists already/);
});
