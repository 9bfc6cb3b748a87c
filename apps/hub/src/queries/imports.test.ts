import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Client, Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { type Import, type ImportLane, ImportService, Role } from '@sigma/proto';
import { decodeSignal } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { FOREIGN_US, foreignMcap } from '../../testing/foreign-files.ts';
import { until } from '../../testing/hub-people.ts';
import { roleOf } from '../door/authorise.ts';
import { isAct } from '../door/witness.ts';
import { PRINCIPAL, type Principal } from '../identity/principal.ts';
import { ImportDesk } from '../imports/import-desk.ts';
import type { ImportBounds } from '../imports/import-jobs.ts';
import type { HubEvent } from '../roles/arbitration/hub-record.ts';
import { importQueries } from './imports.ts';

const ADA: Principal = { kind: 'person', id: 'p1', email: 'ada@x', holder: 'person:ada@x', role: Role.OPERATOR };
const BOUNDS: Partial<ImportBounds> = { pieceBytes: 2_000, fileBytes: 200_000, lanes: 8, events: 5_000 };

let folder = '';
let clockUs = 1_700_000_000_000_000;
let ids = 0;
const recorded: HubEvent[] = [];
let desk: ImportDesk;
let client: Client<typeof ImportService>;

const openDesk = (bounds: Partial<ImportBounds> = BOUNDS, keptDays: number | null = null): ImportDesk =>
  new ImportDesk({
    ...{ folder, tenant: 'acme', bounds, keptDays, clock: { nowUs: () => clockUs } },
    record: { append: async (event) => void recorded.push(event) },
    newId: () => `n${ids++}`,
  });

function clientOf(of: ImportDesk) {
  const transport = createRouterTransport(({ service }) => service(ImportService, importQueries(of)), {
    router: {
      interceptors: [
        (next) => (request) => {
          request.contextValues.set(PRINCIPAL, ADA);
          return next(request);
        },
      ],
    },
  });
  return createClient(ImportService, transport);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sigma-imports-'));
  desk = openDesk();
  client = clientOf(desk);
});
after(() => {
  desk.close();
  rmSync(folder, { recursive: true, force: true });
});

const refuses = async (asked: Promise<unknown>, code: Code, words: RegExp): Promise<void> => {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  assert.equal(Code[error.code], Code[code], error.message);
  assert.match(error.rawMessage, words);
};

/** Brings a file in pieces, and waits until it is read. */
async function bring(name: string, bytes: Uint8Array) {
  const { import: begun, pieceBytes } = await client.beginImport({ name, bytes: BigInt(bytes.length) });
  const { id: importId } = begun as Import;
  for (let at = 0; at < bytes.length; at += pieceBytes)
    await client.sendImportPiece({ importId, offset: BigInt(at), data: bytes.subarray(at, at + pieceBytes) });
  const known = await until(
    () => client.getImport({ importId }),
    (one) => ['done', 'failed'].includes(one.import?.state ?? ''),
  );
  return { ...known, import: known.import as Import };
}

const lines = (...events: readonly unknown[]): Uint8Array =>
  Buffer.from(events.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));

const sold = (second: number, rest: object = {}) => ({
  ...{ specversion: '1.0', id: `a-${second}`, source: '/shop/7', type: 'shop.sold' },
  time: new Date(FOREIGN_US / 1000 + second * 1000).toISOString(),
  ...rest,
});

const laneOf = (lanes: readonly ImportLane[], topic: string): ImportLane => {
  const found = lanes.find((one) => one.topic === topic);
  assert.ok(found !== undefined, `there is no lane ${topic} among ${lanes.map((one) => one.topic)}`);
  return found;
};

const GAUGE = {
  topic: '/gauge',
  schema: 'Reading',
  said: Array.from({ length: 100 }, (_, n) => [n / 10, { n, unit: 'bar' }] as const),
};

test('[L7] whoever only looks may look at imports; an operator brings and deletes them, and that is an act, not each piece', () => {
  const needs = (role: Role) =>
    ImportService.methods.filter((one) => roleOf(one) === role).map(({ localName }) => localName);
  assert.deepEqual(needs(Role.OPERATOR), ['beginImport', 'sendImportPiece', 'removeImport']);
  assert.equal(needs(Role.VIEWER).length, ImportService.methods.length - 3);
  const acts = ImportService.methods.filter(isAct).map(({ localName }) => localName);
  assert.deepEqual(acts, ['beginImport', 'removeImport']);
});

test('[R188] an MCAP file that came in pieces is a timeline: lanes, counts, values at a moment, the next event', async () => {
  const pose = (x: number) => ({ frame_id: 'map', pose: { position: { x, y: 2 }, orientation: { z: 1, w: 0 } } });
  const scan = { frame_id: 'laser', start_angle: 0, end_angle: Math.PI, ranges: [1, 'Infinity', 2] };
  const laser = { parent_frame_id: 'map', child_frame_id: 'laser', translation: { x: 10, y: 0 }, rotation: { w: 1 } };
  const bytes = await foreignMcap([
    GAUGE,
    {
      topic: '/amr/pose',
      schema: 'foxglove.PoseInFrame',
      said: [
        [0, pose(1)],
        [5, pose(4)],
      ],
    },
    { topic: '/tf', schema: 'foxglove.FrameTransform', said: [[0, laser]] },
    { topic: '/amr/scan', schema: 'foxglove.LaserScan', said: [[4, scan]] },
    { topic: '/ros', schema: 'std_msgs/String', encoding: 'cdr', said: [[1, Uint8Array.of(0, 1, 0, 0)]] },
  ]);
  const { import: made, lanes, leftOut } = await bring('amr.mcap', bytes);
  assert.deepEqual([made.state, made.format, made.by, made.reason], ['done', 'mcap', 'person:ada@x', '']);
  assert.deepEqual([made.events, made.laneCount, leftOut.length], [105n, 5, 0]);
  assert.deepEqual([made.fromTimeUs, made.toTimeUs], [BigInt(FOREIGN_US), BigInt(FOREIGN_US + 9_900_000)]);
  const gauge = laneOf(lanes, '/gauge');
  assert.deepEqual([gauge.kind, gauge.encoding, gauge.events, gauge.unread], ['Reading', 'json', 100n, '']);
  assert.match(laneOf(lanes, '/ros').unread, /cdr is not read/);

  const importId = made.id;
  const at = (second: number) => BigInt(FOREIGN_US + second * 1e6);
  const span = { importId, fromTimeUs: at(0), toTimeUs: at(10), stretches: 4 };
  const counted = await client.countImportEvents({ ...span, lanes: [gauge.lane] });
  assert.deepEqual(
    counted.lanes.map(({ counts }) => counts),
    [[25, 25, 25, 25]],
  );
  const all = await client.countImportEvents(span);
  assert.equal(
    all.lanes.flatMap(({ counts }) => counts).reduce((sum, one) => sum + one),
    105,
  );

  const { values, places } = await client.readImportMoment({ importId, timeUs: at(4.55) });
  const said = values.find(({ lane }) => lane === gauge.lane);
  assert.deepEqual([said?.text, said?.number, said?.timeUs], ['{"n":45,"unit":"bar"}', 46n, at(4.5)]);
  const ros = values.find(({ lane }) => lane === laneOf(lanes, '/ros').lane);
  assert.match(`${ros?.text} ${ros?.unread}`, /4 bytes .*cdr/);
  const amr = places.filter(({ name }) => name === 'amr');
  const posed = amr.find(({ frame, pointsM }) => frame === 'map' && pointsM.length === 0);
  const seen = amr.find(({ pointsM }) => pointsM.length > 0) ?? posed;
  assert.deepEqual(seen?.pointsM.map(Math.round), [11, 0, 8, 0], 'beams end where the frame of the laser lies');
  assert.deepEqual((await client.readImportMoment({ importId, timeUs: at(-1) })).values, []);

  const next = await client.findImportEvent({ importId, timeUs: at(4.5), onward: true, lanes: [gauge.lane] });
  const previous = await client.findImportEvent({ importId, timeUs: at(4.5), onward: false, lanes: [gauge.lane] });
  assert.deepEqual([next.timeUs, previous.timeUs], [at(4.6), at(4.4)]);
  assert.equal((await client.findImportEvent({ importId, timeUs: at(99), onward: true })).timeUs, 0n);

  const done = recorded.filter(({ subject }) => subject === importId).map(({ data }) => decodeSignal(data));
  assert.deepEqual(
    done.map(({ name }) => name),
    ['hub.imported'],
  );
  assert.match(JSON.stringify(done[0]?.body), new RegExp(made.fileSha256));
  const recording = openSqliteRecording(join(folder, importId, 'recording.sqlite'));
  const heads = await recording.heads();
  await recording.close();
  assert.deepEqual(
    heads.map(({ tenant }) => tenant),
    ['acme'],
  );
  assert.deepEqual(
    readdirSync(join(folder, importId)).filter((name) => name === 'upload'),
    [],
  );
});

test('CloudEvents with a broken line are shown without it, and it is named; who bears no time stands with the one before', async () => {
  const nested = '['.repeat(5_000) + ']'.repeat(5_000);
  const {
    import: made,
    lanes,
    leftOut,
  } = await bring(
    'shop.jsonl',
    lines(
      sold(0, { data: { '<img src=x onerror=alert(1)>': '<b>3</b>', __proto__: { x: 1 } } }),
      'not json',
      sold(1, { time: undefined }),
      `{"specversion":"1.0","id":"deep","source":"/deep","type":"t","data":${nested}}`,
      sold(2, { specversion: '0.3' }),
    ),
  );
  assert.deepEqual([made.state, made.format, made.events, made.untimedEvents], ['done', 'cloudevents', 3n, 2n]);
  assert.deepEqual(
    leftOut.map(({ where }) => where),
    ['line 2', 'line 5'],
  );
  const timeUs = made.toTimeUs;
  const { values } = await client.readImportMoment({ importId: made.id, timeUs, characters: 5_000 });
  const of = (topic: string) => values.find(({ lane }) => lane === laneOf(lanes, topic).lane);
  assert.deepEqual([of('/deep')?.cut, of('/deep')?.unread], [true, '']);
  assert.match(of('/deep')?.text ?? '', /… \(1 items\)/);
  const before = await client.readImportMoment({ importId: made.id, timeUs: made.fromTimeUs });
  assert.ok(before.values.length > 0);
});

test('a file that is cut short is shown up to there, and the cut is named', async () => {
  const whole = await foreignMcap([GAUGE]);
  const { import: made, leftOut } = await bring('cut.mcap', whole.subarray(0, Math.floor(whole.length / 2)));
  assert.equal(made.state, 'done', made.reason);
  assert.ok(made.events > 10n && made.events < 100n, `${made.events} events`);
  assert.match(leftOut.map(({ why }) => why).join(), /cut short/);
});

test('[L8] what lies past a bound is left out and named: events, topics', async () => {
  const many = Array.from({ length: 12 }, (_, k) => ({ topic: `/t${k}`, schema: 'T', said: [[k, {}] as const] }));
  const { lanes, leftOut } = await bring('wide.mcap', await foreignMcap(many));
  assert.equal(lanes.length, 8);
  assert.match(leftOut.map(({ why }) => why).join(), /4 events of further topics: 8 topics are the most/);
  const long = { topic: '/long', schema: 'T', said: Array.from({ length: 30_000 }, (_, k) => [k, 0] as const) };
  const cut = openDesk({ fileBytes: 2 ** 24, pieceBytes: 2 ** 24, events: 17_500 });
  client = clientOf(cut);
  try {
    const { import: made, leftOut: rest } = await bring('long.mcap', await foreignMcap([long]));
    assert.equal(made.state, 'done', made.reason);
    assert.ok(made.events >= 10_000n && made.events < 30_000n, `${made.events} events`);
    assert.match(
      rest.map(({ where, why }) => `${where}: ${why}`).join(),
      /the rest of the file: more than 17500 events/,
    );
  } finally {
    cut.close();
    client = clientOf(desk);
  }
});

test('few bytes that say that they unpack to very many are not unpacked', async () => {
  const bomb = Buffer.from(await foreignMcap([GAUGE]));
  // Opcode and length of the first chunk follow the header; what it says it unpacks to is its third field.
  const at = 8 + 9 + Number(bomb.readBigUInt64LE(9));
  assert.equal(bomb.readUInt8(at), 0x06);
  bomb.writeBigUInt64LE(2n ** 40n, at + 9 + 16);
  const { import: made } = await bring('bomb.mcap', bomb);
  assert.equal(made.state, 'failed');
  assert.match(made.reason, /chunk at byte \d+ says that it unpacks to 1099511627776 bytes/);
  assert.doesNotMatch(made.reason, /sigma-imports/);
  await refuses(client.countImportEvents({ importId: made.id, toTimeUs: 1n }), Code.FailedPrecondition, /unpacks to/);
  assert.deepEqual(readdirSync(join(folder, made.id)), ['import.json'], 'nothing else of it is left');
});

test('what is no such file, is too large, comes out of order or from nobody is refused with what would do', async () => {
  const begin = (bytes: number, name = 'f') => client.beginImport({ name, bytes: BigInt(bytes) });
  await refuses(begin(0), Code.InvalidArgument, /empty/);
  await refuses(begin(200_001), Code.InvalidArgument, /200000 are the most/);
  await refuses(begin(10, ' '), Code.InvalidArgument, /no name/);
  await refuses(client.getImport({ importId: '../..' }), Code.NotFound, /no import '\.\.\/\.\.'/);
  const { import: text } = await begin(5);
  const importId = text?.id ?? '';
  const piece = (offset: number, data: string) =>
    client.sendImportPiece({ importId, offset: BigInt(offset), data: Buffer.from(data) });
  await refuses(piece(3, 'x'), Code.InvalidArgument, /begins at byte 0/);
  await refuses(piece(0, 'x'.repeat(6)), Code.InvalidArgument, /goes past/);
  await refuses(piece(0, 'hello'), Code.InvalidArgument, /neither MCAP nor CloudEvents/);
  await refuses(piece(0, '{"a":'), Code.FailedPrecondition, /neither MCAP/);
  assert.equal((await client.getImport({ importId })).import?.state, 'failed');
  const { import: nothing } = await bring('nothing.jsonl', lines('{"a":1}'));
  assert.match(nothing.reason, /nothing in it could be taken: line 1/);
});

test('a piece whose answer was lost may come twice; who goes away holds no place; what is deleted is gone', async () => {
  const bytes = lines(sold(0), sold(1));
  const { import: begun } = await client.beginImport({ name: 'twice.jsonl', bytes: BigInt(bytes.length) });
  const importId = begun?.id ?? '';
  const first = { importId, offset: 0n, data: bytes.subarray(0, 50) };
  await client.sendImportPiece(first);
  assert.equal((await client.sendImportPiece(first)).import?.receivedBytes, 50n);
  clockUs += 601_000_000;
  const { imports } = await client.listImports({});
  assert.match(imports.find(({ id }) => id === importId)?.reason ?? '', /went away/);
  await client.removeImport({ importId });
  await refuses(client.getImport({ importId }), Code.NotFound, /no import/);
  assert.equal(readdirSync(folder).includes(importId), false);
});

test('the next start knows what was imported, and says of what was still coming that it is to be brought again', async () => {
  const { import: made } = await bring('kept.jsonl', lines(sold(0, { data: 1 })));
  const { import: begun } = await client.beginImport({ name: 'half.jsonl', bytes: 100n });
  desk.close();
  desk = openDesk();
  client = clientOf(desk);
  const timeUs = made.fromTimeUs;
  assert.equal((await client.readImportMoment({ importId: made.id, timeUs })).values[0]?.text, '1');
  assert.match((await client.getImport({ importId: begun?.id ?? '' })).import?.reason ?? '', /bring the file again/);
});

test('[R170] what was imported is deleted after so many days, in whatever state, with its files, and on record why; nothing without a retention', async () => {
  const DAY_US = 86_400_000_000;
  const there = async () => (await client.listImports({})).imports.map(({ name }) => name).sort();
  for (const { id } of (await client.listImports({})).imports) await client.removeImport({ importId: id });
  const { import: old } = await bring('old.jsonl', lines(sold(0)));
  const { import: broken } = await bring('broken.jsonl', lines('{"a":1}'));
  clockUs += 2 * DAY_US;
  const { import: young } = await bring('young.jsonl', lines(sold(0)));
  clockUs += DAY_US;
  assert.equal(await desk.removeAged(), 0);
  desk.close();
  desk = openDesk(BOUNDS, 3);
  client = clientOf(desk);
  assert.equal(await desk.removeAged(), 0, 'none of them is more than three days old');
  assert.equal((await there()).length, 3);
  clockUs += 1;
  recorded.length = 0;
  assert.equal(await desk.removeAged(), 2);
  assert.deepEqual(await there(), ['young.jsonl']);
  assert.deepEqual(readdirSync(folder), [young.id]);
  const told = recorded.map(({ data }) => decodeSignal(data)).map(({ name, body }) => [name, body] as const);
  const because = ['hub.import_removed', { keptDays: 3 }];
  assert.deepEqual(told, [because, because]);
  assert.deepEqual(new Set(recorded.map(({ subject }) => subject)), new Set([old.id, broken.id]));
});
