import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { DecisionMadeSchema } from '@sigma/proto';
import { layDatabase } from '../../../testing/laid-database.ts';
import { keptSecret, takeDataDir } from '../../store/data-dir.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../store/embedded.ts';
import { type KeptDecision, postgresDecisions } from '../arbitration/decision-archive.ts';
import { type Mark, postgresMarks } from './mark-store.ts';
import { UNREAD } from './read-on.ts';
import { postgresReadPlaces } from './read-places.ts';
import { postgresReports } from './report-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-chronicle-'));
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

const ALL = { fromTimeUs: 0, toTimeUs: 1e15, kinds: [], agentId: '', choose: 'oldest' } as const;
const mark = (id: string, over: Partial<Mark> = {}): Mark => ({
  id,
  timeUs: 5,
  kind: 'violation',
  agentId: 'r1',
  decisionSequence: 1,
  decisionEpoch: 2,
  level: 2,
  text: 'bumped',
  ...over,
});

test('[R192] [R193] in the database: heard live, recorded and reported are one mark, which only the record proves and puts right', async () => {
  const store = postgresMarks(database, 'a');
  const found = async () =>
    (await store.find(ALL, 10)).map(({ id, timeUs, decisionSequence, reported }) =>
      [id, timeUs, decisionSequence, reported].join(' '),
    );
  await store.add([mark('e-live')]);
  assert.deepEqual(
    [...(await store.addReported([mark('e-live'), mark('e-told', { timeUs: 6 }), mark('e-told')]))],
    ['e-told'],
  );
  assert.deepEqual(await found(), ['e-live 5 1 false', 'e-told 6 1 true']);
  const recorded = [
    mark('e-live', { timeUs: 50, decisionSequence: 9 }),
    mark('e-told', { timeUs: 60, decisionSequence: 8 }),
    mark('e-new', { timeUs: 70 }),
    mark('e-new', { timeUs: 71 }),
  ];
  assert.deepEqual([...(await store.addRecorded(recorded))], ['e-new']);
  assert.deepEqual([...(await store.addRecorded(recorded))], []);
  assert.deepEqual(await found(), ['e-live 5 9 false', 'e-told 60 8 false', 'e-new 70 1 false']);
  await store.addReported([mark('e-lie')]);
  await store.retract(['e-lie', 'e-told', 'e-live']);
  assert.equal((await found()).length, 3, 'what is proved is not taken back');
});

test('[R192] marks from before they had names are known by what they say', async () => {
  const store = postgresMarks(database, 'old');
  await store.add([mark('k-1'), mark('k-2', { agentId: 'r2' })]);
  assert.deepEqual([...(await store.addRecorded([mark('e-1'), mark('e-2', { text: 'other' })]))], ['e-2']);
  assert.equal((await store.find(ALL, 10)).length, 3);
});

test('[R192] [R193] in the database: a reported decision gives way to the recorded one, is taken back alone, and the floor is the oldest of the newest', async () => {
  const store = postgresDecisions(database, 'a');
  const decision = (sequence: number, rationale: string): KeptDecision => {
    const made = create(DecisionMadeSchema, { agentId: 'r1', decision: { sequence: BigInt(sequence), rationale } });
    const of = { agentId: 'r1', epoch: 2, sequence, timeUs: sequence };
    return { ...of, made: toBinary(DecisionMadeSchema, made), authority: 'rest', words: rationale };
  };
  const found = async () => (await store.page('r1', null, 10)).map(({ sequence, words }) => `${sequence} ${words}`);
  await store.add([decision(1, 'live')]);
  await store.add([decision(1, 'told'), decision(2, 'told'), decision(2, 'told'), decision(3, 'told')], true);
  assert.deepEqual(await found(), ['3 told', '2 told', '1 live']);
  const keys = [1, 2, 3, 4].map((sequence) => ({ agentId: 'r1', epoch: 2, sequence }));
  assert.deepEqual(
    (await store.lacking(keys)).map(({ sequence }) => sequence),
    [2, 3, 4],
  );
  await store.add([decision(1, 'recorded'), decision(2, 'recorded')]);
  await store.retract(keys);
  assert.deepEqual(await found(), ['2 recorded', '1 live']);
  assert.equal(await store.floor('r1', 3), null);
  assert.deepEqual(await store.floor('r1', 2), { agentId: 'r1', epoch: 2, sequence: 1 });
});

test('[R193] in the database: of what was reported and never proved alone it is said that nothing will prove it, until the record does', async () => {
  const marks = postgresMarks(database, 'lost');
  await marks.add([mark('e-live')]);
  await marks.addReported([mark('e-told'), mark('e-other')]);
  await marks.giveUp(['e-live', 'e-told'], 'dropped');
  await marks.giveUp(['e-other'], 'damaged');
  const said = async () => (await marks.find(ALL, 10)).map(({ id, unprovable }) => `${id} ${unprovable}`).sort();
  assert.deepEqual(await said(), ['e-live ', 'e-other damaged', 'e-told dropped']);
  await marks.addRecorded([mark('e-other')]);
  assert.deepEqual(await said(), ['e-live ', 'e-other ', 'e-told dropped']);
  const decisions = postgresDecisions(database, 'lost');
  const decision = (sequence: number): KeptDecision => {
    const made = toBinary(DecisionMadeSchema, create(DecisionMadeSchema, { decision: { sequence: BigInt(sequence) } }));
    return { agentId: 'r1', epoch: 2, sequence, timeUs: sequence, made, authority: 'rest', words: '' };
  };
  await decisions.add([decision(1)]);
  await decisions.add([decision(2), decision(3)], true);
  await decisions.giveUp([decision(1), decision(2), decision(3)], 'dropped');
  await decisions.add([decision(3)]);
  assert.deepEqual(
    (await decisions.page('r1', null, 10)).map((one) => [one.sequence, one.reported, one.unprovable]),
    [
      [3, false, ''],
      [2, true, 'dropped'],
      [1, false, ''],
    ],
  );
});

test('[L7] [R192] [R193] up to where a chain was read, and what was reported of it, is each tenant’s own and survives', async () => {
  const chain = { source: 'r1', epoch: 2 };
  for (const tenant of ['a', 'b']) {
    const places = postgresReadPlaces(database, tenant);
    const reports = postgresReports(database, tenant);
    assert.deepEqual(await places.load(), []);
    assert.deepEqual(await reports.load(), []);
    await places.put([{ ...chain, marked: 1, decided: 0, state: UNREAD }]);
    const place = { ...chain, marked: 7, decided: 5, state: { ...UNREAD, stop: 'normal', decision: 4 } };
    await places.put([place]);
    assert.deepEqual(await places.load(), [place]);
    const report = { ...chain, sequence: 3, digest: Buffer.alloc(32, 1), markId: 'e-1', decision: 0 };
    const later = { ...report, sequence: 4, digest: Buffer.alloc(32, 2) };
    await reports.add([report, later]);
    await reports.add([{ ...report, digest: Buffer.alloc(32, 9) }]);
    await reports.remove(chain, 3);
    assert.deepEqual(await reports.load(), [later]);
  }
});
