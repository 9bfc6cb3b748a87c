import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Code, ConnectError } from '@connectrpc/connect';
import { AlertService, FleetService, MissionService, SiteService } from '@sigma/proto';
import { verify } from '@sigma/recorder';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { FakeEdge } from '../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { startHub } from './index.ts';

const LIMIT_BYTES = 150_000;

test('[L3] [L8] with a full disk under the record only stops leave, everybody is told why, and nothing acknowledged is lost', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sigma-full-'));
  const path = join(directory, 'small.sqlite');
  const recording = openSqliteStore(path, { limitBytes: LIMIT_BYTES });
  const options = {
    tenant: 'acme',
    dataDir: await layDatabase(join(directory, 'hub')),
    port: 0,
    site: { json: '{}', digest: 'd1' },
    supervisor: oneAtATime,
  };
  const hub = await startHub({ ...options, recording });
  t.after(async () => {
    await hub.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const token = await signIn(hub.url, hub.operator.email, hub.operator.password ?? '');
  const hands = handsOf(hub.url, token);
  const fleet = hands(FleetService);
  const missions = hands(MissionService);
  const alerts = hands(AlertService);
  const edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'] });
  await edge.linked();
  edge.status('r1');
  await until(
    () => fleet.listAgents({}),
    ({ agents }) => agents[0]?.linked === true,
  );
  await fleet.takeLease({ agentId: 'r1' });

  const command = { name: 'hold', kind: { case: 'setPoint' as const, value: { durationUs: 1_000n } } };
  let accepted = 0;
  const full = (error: unknown): true => {
    assert.ok(error instanceof ConnectError);
    assert.equal(Code[error.code], 'Unavailable', error.message);
    assert.match(error.message, /cannot record, so it takes no orders but stops: .*small\.sqlite: no room is left/);
    return true;
  };
  await assert.rejects(async () => {
    for (;;) {
      await fleet.commandAgent({ agentId: 'r1', command, rationale: 'x'.repeat(4_000) });
      accepted++;
    }
  }, full);
  assert.ok(accepted > 3);
  const sent = edge.orders.length;

  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 1 }] } } };
  await assert.rejects(missions.createMission({ name: 'later', goal }), full);
  await assert.rejects(missions.createMission({ goal }), full);
  await assert.rejects(fleet.returnLease({ agentId: 'r1' }), full);
  assert.equal((await fleet.getAgent({ agentId: 'r1' })).agent?.status?.leaseHolder, `operator:${hub.operator.email}`);
  await assert.rejects(fleet.resetAgent({ agentId: 'r1' }), full);
  edge.send({ case: 'ask', value: { agentId: 'r1', task: { id: 't' }, basis: { epoch: 1, inputSequence: 1n } } });
  const site = hands(SiteService);
  const health = await until(
    () => site.getHealth({}),
    ({ components }) => components.some(({ detail }) => / 1 held back/.test(detail)),
  );
  for (const name of ['gateway', 'recorder'])
    assert.equal(health.components.find((component) => component.name === name)?.ok, false, name);
  assert.equal(edge.orders.length, sent, 'nothing that is not recorded left');
  assert.equal((await fetch(`${hub.url}/healthz`)).status, 503);

  const stop = await fleet.stopAgents({ agentIds: ['r1'], stop: 'protective' });
  assert.equal(stop.receipts[0]?.outcome, 'accepted', 'a stop needs no record');
  const standing = (await alerts.listAlerts({})).alerts.find(({ cause }) => cause === 'recorder:failed');
  assert.deepEqual([standing?.agentId, standing?.level], ['hub', 4]);
  assert.match(standing?.advice ?? '', /start the hub again/);
  await assert.rejects(alerts.acknowledgeAlert({ alertId: standing?.id ?? '' }), full);
  await edge.cut();
  await hub.close();
  await recording.close();

  const larger = openSqliteStore(path);
  assert.equal((await verify(larger, { sha256, reexecutors: {} })).firstFailure, null);
  const again = await startHub({ ...options, recording: larger });
  const later = handsOf(again.url, token)(MissionService);
  const { missions: known } = await later.listMissions({});
  assert.deepEqual(
    known.map(({ name, status, detail }) => [name, status, /cannot record/.test(detail)]),
    [['patrol', 4, true]],
    'what was refused does not begin by itself, and one whose name could not be recorded never was',
  );
  assert.equal((await fetch(`${again.url}/healthz`)).status, 200);
  await again.close();
  await larger.close();
});

test('a hub whose record may not be written does not start, and says which file and what to do', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sigma-read-only-'));
  const data = join(directory, 'hub');
  mkdirSync(data);
  const user = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  writeFileSync(join(data, 'hub.sqlite'), '');
  chmodSync(join(data, 'hub.sqlite'), 0o444);
  chmodSync(directory, 0o755);
  if ('uid' in user) chownSync(data, 65_534, 65_534);
  const program = fileURLToPath(new URL('../testing/hub-process.ts', import.meta.url));
  const ended = spawnSync(process.execPath, ['--no-warnings', program, data], {
    encoding: 'utf8',
    env: { ...process.env, HOME: directory },
    ...user,
  });
  assert.notEqual(ended.status, 0);
  assert.match(ended.stderr, /hub\.sqlite: cannot be .*(Give this user the right|may read and write)/);
  rmSync(directory, { recursive: true, force: true });
});
