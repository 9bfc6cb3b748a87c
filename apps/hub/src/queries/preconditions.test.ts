import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AccountService, FleetService, MissionService, MissionStatus } from '@sigma/proto';
import { decodeSignal, EVENT_TYPE, eventsOf } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { FakeEdge } from '../../testing/fake-edge.ts';
import { codeOf, handsOf, signIn, until } from '../../testing/hub-people.ts';
import { layDatabase } from '../../testing/laid-database.ts';
import { oneAtATime } from '../../testing/one-at-a-time.ts';
import { type Hub, startHub } from '../main.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-preconditions-'));
let hub: Hub;
let edge: FakeEdge;
let ann: ReturnType<typeof handsOf>;
let bob: ReturnType<typeof handsOf>;

before(async () => {
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(directory),
    port: 0,
    site: { json: '{}', digest: 'd1' },
    supervisor: oneAtATime,
  });
  ann = handsOf(hub.url, await signIn(hub.url, hub.operator.email, hub.operator.password ?? ''));
  const email = 'bob@example.org';
  const { password } = await ann(AccountService).createAccount({ email, name: 'Bob', role: 'operator' });
  bob = handsOf(hub.url, await signIn(hub.url, email, password));
  edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'], capabilities: ['drive'] });
  await edge.linked();
  edge.telemetry('r1', 'state', [1, 2, 0, 0, 0.9, 40]);
  edge.status('r1');
  await until(
    () => ann(FleetService).listAgents({}),
    ({ agents }) => agents.some(({ status, state }) => status?.mode === 'automatic' && state !== undefined),
  );
});
after(async () => {
  await edge.cut();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Reasons for which commands to that target are on record as rejected. */
async function reasons(target: string): Promise<string[]> {
  const recording = openSqliteRecording(hub.recordingPath);
  const found: string[] = [];
  try {
    for (const head of await recording.heads()) {
      for await (const event of eventsOf(recording, head, 1, head.sequence)) {
        if (event.type !== EVENT_TYPE.signal || event.subject !== target) continue;
        const { name, body } = decodeSignal(event.data);
        if (name === 'hub.command_rejected') found.push((body as { reason: string }).reason);
      }
    }
  } finally {
    await recording.close();
  }
  return found;
}

test('[R129] a mission is cancelled only as it was seen: begun, given to another or over since, the order is rejected with what changed', async () => {
  const missions = ann(MissionService);
  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 2 }] } } };
  const missionId = (await missions.createMission({ name: 'round', goal })).mission?.id ?? '';
  const read = async () => (await missions.listMissions({})).missions.find(({ id }) => id === missionId);
  const stands = await until(read, (mission) => (mission?.status ?? 0) > MissionStatus.QUEUED);
  const { status = 0, tasks = [] } = stands ?? {};
  const agentIds = tasks.map(({ agentId }) => agentId);
  assert.deepEqual([status, agentIds], [MissionStatus.ACTIVE, ['r1']]);
  const cancel = (seen?: { status: MissionStatus; agentIds: string[] }) =>
    missions.cancelMission({ missionId, reason: 'not needed', ...(seen && { seen }) });
  assert.equal(await codeOf(cancel({ status: MissionStatus.QUEUED, agentIds: [] })), 'FailedPrecondition');
  assert.equal(await codeOf(cancel({ status, agentIds: ['r2'] })), 'FailedPrecondition');
  assert.equal((await read())?.status, MissionStatus.ACTIVE, 'nothing came of it');
  assert.equal((await cancel({ status, agentIds: [...agentIds, ''] })).mission?.status, MissionStatus.CANCELLED);
  assert.equal(await codeOf(cancel({ status, agentIds })), 'FailedPrecondition');
  assert.deepEqual(await reasons(`mission/${missionId}`), [
    'it was queued when the order was given; it is active now',
    'r2 had it when the order was given; r1 has it now',
    'it was active when the order was given; it is cancelled now',
  ]);
  assert.equal(await codeOf(cancel({ status: MissionStatus.UNSPECIFIED, agentIds })), 'InvalidArgument');
});

test('[R129] of two people who move one mission in the queue the second, who saw it elsewhere, is told and moves nothing', async () => {
  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 2 }] } } };
  const missionId = (await ann(MissionService).createMission({ name: 'queued', goal })).mission?.id ?? '';
  await ann(MissionService).setMissionPriority({ missionId, priority: 7, expectsPriority: 0 });
  const late = bob(MissionService).setMissionPriority({ missionId, priority: 3, expectsPriority: 0 });
  assert.equal(await codeOf(late), 'FailedPrecondition');
  const { mission } = await bob(MissionService).setMissionPriority({ missionId, priority: 8, expectsPriority: 7 });
  assert.equal(mission?.priority, 8);
  assert.deepEqual(await reasons(`mission/${missionId}`), ['its priority was 0 when the order was given; it is 7 now']);
});

test('[R129] control is taken over from whoever was seen to hold it, and a command without control is on record as rejected', async () => {
  const fleet = ann(FleetService);
  const { holder } = await bob(FleetService).takeLease({ agentId: 'r1', seconds: 60 });
  const from = (expectsHolder: string) => fleet.takeLease({ agentId: 'r1', takeOver: true, expectsHolder });
  assert.equal(await codeOf(from('operator:carl@example.org')), 'FailedPrecondition');
  assert.equal(await codeOf(from('')), 'FailedPrecondition');
  assert.equal(await codeOf(fleet.takeLease({ agentId: 'r1' })), 'FailedPrecondition');
  assert.equal(await codeOf(fleet.setAgentMode({ agentId: 'r1', mode: 'manual' })), 'FailedPrecondition');
  const taken = await from(holder);
  assert.notEqual(taken.holder, holder);
  const command = { name: 'hold', kind: { case: 'setPoint' as const, value: { durationUs: 1_000n } } };
  assert.equal(await codeOf(bob(FleetService).commandAgent({ agentId: 'r1', command })), 'FailedPrecondition');
  assert.equal(edge.orders.filter(({ order }) => order.case === 'mode' || order.case === 'command').length, 0);
  const [first, second, third] = await reasons('lease/r1');
  assert.match(first ?? '', /held it when the order was given; .* holds it now/);
  assert.match(second ?? '', /^nobody held it/);
  assert.match(third ?? '', /holds it$/);
  assert.equal((await reasons('agent/r1')).length, 2);
  await fleet.returnLease({ agentId: 'r1' });
});

test('[R129] nobody acknowledges or resets what came up after he looked; what went meanwhile does no harm', async () => {
  const fleet = ann(FleetService);
  const hot = { condition: 'motor_hot', action: 'thermal_shutdown', cause: 'hot', clear: 'on_acknowledge' };
  edge.status('r1', { failsafe: 'thermal_shutdown', failsafeEntries: [hot] } as object);
  const heard = async () => (await fleet.getAgent({ agentId: 'r1' })).agent?.status?.failsafeEntries.length ?? 0;
  await until(heard, (count) => count === 1);
  const before = (await reasons('agent/r1')).length;
  const seen = (...conditions: string[]) => ({ agentId: 'r1', seen: { conditions } });
  assert.equal(await codeOf(fleet.acknowledgeAgent(seen('tilted'))), 'FailedPrecondition');
  assert.equal(await codeOf(fleet.resetAgent(seen())), 'FailedPrecondition');
  assert.equal(edge.orders.filter(({ order }) => order.case === 'acknowledge' || order.case === 'reset').length, 0);
  const told = (await reasons('agent/r1')).slice(before);
  assert.deepEqual(told, Array(2).fill('motor_hot has come up since the order was given'));
  const { receipt } = await fleet.acknowledgeAgent(seen('motor_hot', 'tilted'));
  assert.equal(receipt?.outcome, 'accepted');
  assert.equal((await fleet.resetAgent({ agentId: 'r1' })).receipt?.outcome, 'accepted');
});
