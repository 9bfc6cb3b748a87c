import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AlertService, SiteService } from '@sigma/proto';
import { decodeSignal, EVENT_TYPE, eventsOf } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { FakeEdge } from '../../../testing/fake-edge.ts';
import { codeOf, handsOf, signIn, until } from '../../../testing/hub-people.ts';
import { layDatabase } from '../../../testing/laid-database.ts';
import { oneAtATime } from '../../../testing/one-at-a-time.ts';
import { type Hub, startHub } from '../../main.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-fences-'));
let hub: Hub;
let edge: FakeEdge;
let hands: ReturnType<typeof handsOf>;
let password = '';
const start = async (): Promise<Hub> =>
  startHub({
    tenant: 'acme',
    dataDir: await layDatabase(directory),
    port: 0,
    site: { json: '{}', digest: 'd1' },
    supervisor: oneAtATime,
  });

before(async () => {
  hub = await start();
  password = hub.operator.password ?? '';
  hands = handsOf(hub.url, await signIn(hub.url, hub.operator.email, password));
  const answers = () => ({ accepted: true, reason: '' });
  edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'], capabilities: ['drive'], answers });
  await edge.linked();
});
after(async () => {
  await edge.cut();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

const square = (m: number) => ({
  points: [
    { xM: 1, yM: 1 },
    { xM: m, yM: 1 },
    { xM: m, yM: m },
  ],
});
const draw = async (note: string) => {
  const drawn = { name: 'wet floor', kind: 'restricted', polygon: square(4), note };
  const { fence } = await hands(SiteService).putFence(drawn);
  assert.ok(fence);
  return fence;
};
const inForce = async (id: string) => (await hands(SiteService).listFences({})).fences.find((one) => one.id === id);
/** Signals of that name that the hub has on record about a fence. */
async function recorded(name: string, id: string): Promise<unknown[]> {
  const recording = openSqliteRecording(hub.recordingPath);
  const bodies: unknown[] = [];
  try {
    for (const head of await recording.heads()) {
      for await (const event of eventsOf(recording, head, 1, head.sequence)) {
        if (event.type !== EVENT_TYPE.signal || event.subject !== `fence/${id}`) continue;
        const told = decodeSignal(event.data);
        if (told.name === name) bodies.push(told.body);
      }
    }
  } finally {
    await recording.close();
  }
  return bodies;
}
const conflictOf = (id: string) => (cause: { readonly cause: string; readonly clearedTimeUs: bigint }) =>
  cause.cause === `conflict:fence/${id}` && cause.clearedTimeUs === 0n;

test('[R129] a command that is meant for one version is rejected when another is in force, recorded with the reason, and changes nothing', async () => {
  const { id, version } = await draw('');
  const site = hands(SiteService);
  await site.reviseFence({ fenceId: id, version, note: 'until noon' });
  const late = site.reviseFence({
    fenceId: id,
    version,
    onlyIfInForce: true,
    shape: { kind: 'slow', speedMps: 0.3, polygon: square(6) },
  });
  assert.equal(await codeOf(late), 'FailedPrecondition');
  assert.equal(await codeOf(site.removeFence({ fenceId: id, expectsVersion: version })), 'FailedPrecondition');
  assert.equal(await codeOf(site.reviseFence({ fenceId: id, version: 9, name: 'x' })), 'FailedPrecondition');
  assert.deepEqual([(await inForce(id))?.kind, (await inForce(id))?.version], ['restricted', 2]);
  const rejected = await recorded('hub.command_rejected', id);
  assert.equal(rejected.length, 3);
  assert.match(JSON.stringify(rejected[0]), /it was meant for version 1 of fence\/.*; version 2 is in force/);
  await site.removeFence({ fenceId: id, expectsVersion: 2 });
  assert.equal(await inForce(id), undefined);
});

test('[R129] of a shape that two people changed the last holds and reaches every robot; a note does not trouble them', async () => {
  const { id, version } = await draw('');
  const site = hands(SiteService);
  const slow = { kind: 'slow', speedMps: 0.5, polygon: square(5) };
  const first = await site.reviseFence({ fenceId: id, version, shape: slow });
  const last = await site.reviseFence({ fenceId: id, version, shape: { ...slow, speedMps: 0.2 }, name: 'ice' });
  for (const { receipts } of [first, last])
    assert.deepEqual(
      receipts.map(({ outcome }) => outcome),
      ['accepted'],
    );
  const now = await inForce(id);
  assert.deepEqual([now?.speedMps, now?.name, now?.version, now?.polygon?.points[1]?.xM], [0.2, 'ice', 3, 5]);
  const noted = await site.reviseFence({ fenceId: id, version: 3, note: 'salt is ordered' });
  assert.deepEqual(noted.receipts, []);
  const outside = { ...slow, polygon: { points: [{ xM: -1, yM: 1 }, ...square(3).points] } };
  assert.equal(await codeOf(site.reviseFence({ fenceId: id, version: 4, shape: outside })), 'InvalidArgument');
  assert.equal(await codeOf(site.reviseFence({ fenceId: id, version: 0, note: 'x' })), 'InvalidArgument');
  assert.equal(await codeOf(site.reviseFence({ fenceId: 'f-none', version: 1, note: 'x' })), 'NotFound');
});

test('[R129] what two people wrote in one note is merged; where both changed the same line it stays, and people are told until somebody settles it', async () => {
  const { id, version } = await draw('who: Ann\nwhy: a leak\nuntil: noon');
  const site = hands(SiteService);
  const alerts = async () => (await hands(AlertService).listAlerts({})).alerts;
  await site.reviseFence({ fenceId: id, version, note: 'who: Ann\nwhy: a leak\nuntil: one o’clock' });
  const merged = await site.reviseFence({ fenceId: id, version, note: 'who: Bob\nwhy: a leak\nuntil: noon' });
  assert.equal(merged.fence?.note, 'who: Bob\nwhy: a leak\nuntil: one o’clock');
  assert.equal(merged.fence?.version, 3);

  const both = await site.reviseFence({ fenceId: id, version, note: 'who: Ann\nwhy: a leak\nuntil: midnight' });
  const lines = { base: ['until: noon'], ours: ['until: one o’clock'], theirs: ['until: midnight'] };
  const { base, ours, theirs } = both.conflicts[0] ?? {};
  assert.deepEqual({ base, ours, theirs }, lines);
  assert.equal((await inForce(id))?.note, merged.fence?.note);
  assert.deepEqual((await inForce(id))?.version, 3, 'nothing came of it');
  const [conflict] = (await recorded('hub.text_conflict', id)).map((body) => JSON.stringify(body));
  assert.equal(
    conflict?.match(/text:[0-9a-f]{32}/g)?.length,
    3,
    'what they wrote stands on record by reference (R190)',
  );
  assert.doesNotMatch(conflict ?? '', /noon|midnight/);
  const told = await until(alerts, (all) => all.some(conflictOf(id)));
  assert.match(told.find(conflictOf(id))?.text ?? '', /one o’clock.*midnight/);
  await site.reviseFence({ fenceId: id, version: 3, note: 'until: midnight' });
  await until(alerts, (all) => !all.some(conflictOf(id)));
});

test('[R129] [L3] versions and notes outlive the hub: a change of an old version is merged by whichever hub takes it', async () => {
  const { id, version } = await draw('one\ntwo\nthree');
  await hands(SiteService).reviseFence({ fenceId: id, version, note: 'one\ntwo\nTHREE' });
  await edge.cut();
  await hub.close();
  hub = await start();
  hands = handsOf(hub.url, await signIn(hub.url, hub.operator.email, password));
  const { fence } = await hands(SiteService).reviseFence({ fenceId: id, version, note: 'ONE\ntwo\nthree' });
  assert.deepEqual([fence?.note, fence?.version], ['ONE\ntwo\nTHREE', 3]);
});
