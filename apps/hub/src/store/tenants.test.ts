import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { layDatabase } from '../../testing/laid-database.ts';
import { postgresAlerts } from '../roles/alerts/alert-store.ts';
import type { Alert } from '../roles/alerts/board.ts';
import { postgresSilences } from '../roles/alerts/silences.ts';
import { type Act, postgresActs } from '../roles/chronicle/acts.ts';
import { type Mark, type MarkFilter, postgresMarks } from '../roles/chronicle/mark-store.ts';
import { type Fence, postgresFences } from '../roles/fences/fence-store.ts';
import { postgresFaults } from '../roles/gateway/active-faults.ts';
import { postgresWitness } from '../roles/witness/witness-store.ts';
import { keptSecret, takeDataDir } from './data-dir.ts';
import { type Database, openDatabase } from './database.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-tenants-'));
let server: EmbeddedPostgres;
let database: Database;

before(async () => {
  takeDataDir(directory)();
  server = await startEmbedded(await layDatabase(directory));
  database = await openDatabase(server.url, keptSecret(directory, 'app-role', 24));
});
after(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const S = 1_000_000;
const act = (id: string, timeUs: number): Act => ({
  id,
  timeUs,
  actor: 'operator:ann',
  act: 'StopAgents',
  targets: ['r1', 'r2'],
  summary: 'stopped them',
  outcome: 'accepted',
  reason: '',
});
const mark = (id: string, timeUs: number, over: Partial<Mark> = {}): Mark => ({
  id,
  timeUs,
  kind: 'violation',
  agentId: 'r1',
  decisionSequence: 1,
  decisionEpoch: 1,
  level: 2,
  text: '',
  ...over,
});
const fence = (id: string): Fence => ({
  id,
  name: id,
  kind: 'slow',
  speedMps: 0.5,
  points: [
    { xM: 1, yM: 2 },
    { xM: 3, yM: 4 },
    { xM: 5, yM: 6 },
  ],
  createdBy: 'ann',
  createdTimeUs: 7,
  endsTimeUs: 0,
  version: 1,
  note: 'as it was',
});
const alert = (id: string, over: Partial<Alert> = {}): Alert => ({
  id,
  level: 3,
  agentId: 'r1',
  cause: 'failsafe:bumped',
  text: '',
  advice: '',
  raisedTimeUs: 0,
  clearedTimeUs: 0,
  acknowledgedBy: '',
  acknowledgedTimeUs: 0,
  count: 1,
  decisionSequence: 5,
  decisionEpoch: 2,
  rootId: 'a0',
  ...over,
});
const ALL: MarkFilter = { fromTimeUs: 0, toTimeUs: 100 * S, kinds: [], agentId: '', choose: 'most_urgent' };
const EVERYBODY = { actor: '', targets: [], beforeTimeUs: 0 };

test('[L7] what one tenant did, drew, silenced, broke and saw is nothing to another, whatever it is called', async () => {
  for (const tenant of ['a', 'b']) {
    assert.deepEqual(await postgresActs(database, tenant).page(EVERYBODY, 10), []);
    assert.deepEqual(await postgresMarks(database, tenant).find(ALL, 10), []);
    assert.deepEqual(await postgresFences(database, tenant).load(), { fences: [], version: 0 });
    assert.deepEqual(await postgresSilences(database, tenant).load(), []);
    assert.deepEqual(await postgresFaults(database, tenant).load(), []);
    assert.deepEqual(await postgresAlerts(database, tenant).load(10), []);
    await postgresActs(database, tenant).add(act('1', 1));
    await postgresMarks(database, tenant).add([mark('1', 1)]);
    const drawn = await postgresFences(database, tenant).add(fence('f1'), 'key');
    assert.deepEqual(drawn, { earlier: null, version: 1 });
    const silence = { id: 's1', cause: 'c', agentId: '', untilTimeUs: 9, by: 'ann', reason: '', createdTimeUs: 1 };
    await postgresSilences(database, tenant).put(silence);
    await postgresFaults(database, tenant).put({ agentId: 'r1', fault: 'heat', epoch: 1, endsTimeUs: 0, by: 'ann' });
    await postgresAlerts(database, tenant).put(alert('a1'));
  }
  await postgresFences(database, 'a').end(['f1'], 10);
  await postgresSilences(database, 'a').prune(10);
  await postgresFaults(database, 'a').remove('r1', 'heat');
  assert.equal((await postgresFences(database, 'b').load()).fences.length, 1);
  assert.equal((await postgresSilences(database, 'b').load()).length, 1);
  assert.equal((await postgresFaults(database, 'b').load()).length, 1);
});

test('acts are found by who, on what and before when', async () => {
  const store = postgresActs(database, 'acts');
  for (let k = 1; k <= 5; k++) await store.add(act(`${k}`, k));
  await store.add({ ...act('6', 6), actor: 'operator:bob', targets: ['*'] });
  const ids = async (over: object, limit = 10) =>
    (await store.page({ ...EVERYBODY, ...over }, limit)).map(({ id }) => id).join(' ');
  assert.equal(await ids({}), '6 5 4 3 2 1');
  assert.equal(await ids({ actor: 'operator:bob' }), '6');
  assert.equal(await ids({ targets: ['r2', '*'] }, 2), '6 5');
  assert.equal(await ids({ targets: ['r3'] }), '');
  assert.equal(await ids({ beforeTimeUs: 3 }), '2 1');
  await store.prune(2);
  assert.equal(await ids({}), '6 5');
});

test('marks come by urgency or by time, and what was given up is said', async () => {
  const store = postgresMarks(database, 'marks');
  await store.add([1, 2, 3, 4, 5].map((k) => mark(`${k}`, k * S, { level: k === 2 ? 4 : 2 })));
  await store.add([mark('1', 1 * S)]);
  const ids = async (over: object, limit = 10) =>
    (await store.find({ ...ALL, ...over }, limit)).map(({ id }) => id).join(' ');
  assert.equal(await ids({}, 3), '2 5 4');
  assert.equal(await ids({ choose: 'newest' }, 2), '5 4');
  assert.equal(await ids({ choose: 'oldest', fromTimeUs: 2 * S, toTimeUs: 3 * S }), '2 3');
  assert.equal(await ids({ kinds: ['stop'] }), '');
  assert.equal(await ids({ agentId: 'r9' }), '');
  assert.equal(await store.keptFromUs(), 0);
  await store.prune(2);
  assert.equal(await ids({ choose: 'oldest' }), '4 5');
  assert.equal(await store.keptFromUs(), 3 * S + 1);
});

test('a fence is kept as it was drawn, its key makes no second one even when it has ended, and versions only rise', async () => {
  const store = postgresFences(database, 'fences');
  await store.add(fence('f1'), 'key');
  assert.deepEqual((await store.load()).fences, [fence('f1')]);
  assert.equal((await store.add(fence('f2'), 'key')).earlier?.id, 'f1');
  assert.equal(await store.end(['f1'], 10), 2);
  assert.deepEqual(await store.load(), { fences: [], version: 2 });
  assert.equal((await store.add(fence('f3'), 'key')).earlier?.id, 'f1');
  assert.equal((await store.add(fence('f4'), null)).version, 3);
  assert.equal(await store.end(['f4'], 10 + 2 * 86_400 * S), 4);
  assert.equal((await store.add(fence('f5'), 'key')).earlier, null, 'a day later the key is free');
});

test('how often each cause came, how long it stood and on whom it stood most', async () => {
  const store = postgresAlerts(database, 'rates');
  const nowUs = 1_000_000 * S;
  const hour = 3_600 * S;
  const stood = (id: string, agoUs: number, forUs: number, over: Partial<Alert> = {}) =>
    store.put(alert(id, { raisedTimeUs: nowUs - agoUs, clearedTimeUs: nowUs - agoUs + forUs, ...over }));
  await stood('1', hour / 2, 10 * S);
  await stood('2', 2 * hour, 30 * S, { agentId: 'r2', level: 4 });
  await stood('3', 30 * hour, 20 * S, { agentId: 'r2' });
  await stood('4', 200 * hour, 999 * S);
  await stood('5', 1 * S, 1 * S, { cause: 'link:silent' });
  const rates = await store.rates(nowUs);
  assert.deepEqual(rates, [
    { cause: 'failsafe:bumped', level: 4, lastHour: 1, lastDay: 2, lastWeek: 3, stoodS: 20, agentIds: ['r2', 'r1'] },
    { cause: 'link:silent', level: 3, lastHour: 1, lastDay: 1, lastWeek: 1, stoodS: 1, agentIds: ['r1'] },
  ]);
  assert.deepEqual((await store.load(10)).find(({ id }) => id === '2')?.decisionEpoch, 2);
});

test('[L7] [R95] what a hub saw of its edges is kept for each tenant and each key by itself', async () => {
  const store = postgresWitness(database, 'seen');
  const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const head = { origin: 'sigma/seen/r1/0', edgeId: 'e1', size: 7, note: 'n7', seenTimeUs: 5, refusal: '' };
  await store.save(key, [head, { ...head, origin: 'sigma/seen/r2/0' }]);
  await store.save(key, [{ ...head, size: 9, note: 'n9', refusal: 'fork' }]);
  assert.deepEqual(await store.load(key, [head.origin, 'sigma/seen/r3/0']), [
    { ...head, size: 9, note: 'n9', refusal: 'fork' },
  ]);
  assert.deepEqual(await store.load(other, [head.origin]), []);
  await store.pin('e1', key, 5);
  assert.deepEqual(await store.pinned('e1'), key);
  await store.pin('e1', other, 6);
  assert.deepEqual(await store.pinned('e1'), other);
  const rival = postgresWitness(database, 'rival');
  assert.deepEqual([await rival.pinned('e1'), await rival.load(key, [head.origin])], [null, []]);
  await rival.pin('e1', key, 7);
  assert.deepEqual(await store.pinned('e1'), other, 'each tenant has its own edge of that name');
});
