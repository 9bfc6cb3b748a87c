import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { AlertService, FleetService, MissionService, type Order, RecordService } from '@sigma/proto';
import { verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { FakeEdge } from '../testing/fake-edge.ts';
import { until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';

const PROGRAM = fileURLToPath(new URL('../testing/hub-process.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'sigma-killed-'));
let running: ChildProcess | null = null;

after(async () => {
  if (running !== null) await end(running, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

interface Place {
  readonly process: ChildProcess;
  readonly url: string;
  readonly joinToken: string;
  readonly password: string | null;
}

async function start(): Promise<Place> {
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, await layDatabase(directory)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { ...(JSON.parse(line.toString('utf8')) as Omit<Place, 'process'>), process: child };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function people(url: string, token: string) {
  const transport = createGrpcTransport({
    baseUrl: url,
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return {
    fleet: createClient(FleetService, transport),
    missions: createClient(MissionService, transport),
    alerts: createClient(AlertService, transport),
    records: createClient(RecordService, transport),
  };
}

const AGENTS = ['r1', 'r2'];
const FAILSAFE = {
  failsafe: 'thermal_shutdown',
  failsafeEntries: [{ condition: 'overheated', action: 'thermal_shutdown', cause: 'motor at 95 degC', advice: 'wait' }],
};
const taskOf = (order: Order): string => (order.order.case === 'assign' ? (order.order.value.task?.id ?? '') : '');
const numberOf = (agentId: string): number => AGENTS.indexOf(agentId);

function link(place: Place, working: ReadonlyMap<string, string>): FakeEdge {
  const edge = new FakeEdge({
    url: place.url,
    joinToken: place.joinToken,
    agentIds: AGENTS,
    capabilities: ['drive', 'load', 'unload', 'dock'],
  });
  for (const agentId of AGENTS) {
    edge.telemetry(agentId, 'state', [0.5, 0.5 + 4 * numberOf(agentId), 0, 0, 0.9, 40]);
    const taskId = working.get(agentId);
    edge.status(agentId, {
      ...(agentId === 'r2' ? FAILSAFE : {}),
      ...(taskId === undefined ? {} : { taskId, taskStatus: 'active', planRevision: 3n }),
    } as object);
  }
  return edge;
}

test('[L3] [L11] a hub killed in the midst of work goes on: robots keep their tasks, nothing is cancelled, doubled or forgotten', async () => {
  const first = await start();
  const signedIn = await fetch(`${first.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'operator@sigma.local', password: first.password }),
  });
  const token = signedIn.headers.get('set-auth-token') ?? '';
  const before = link(first, new Map());
  await before.linked();
  const hub = await people(first.url, token);
  await until(
    () => hub.fleet.listAgents({}),
    ({ agents }) =>
      agents.filter(({ state, status }) => state !== undefined && status?.mode === 'automatic').length === 2,
  );
  const patrol = (agentId: string) => ({
    goal: { case: 'patrol' as const, value: { points: [{ xM: 9.5, yM: 5.5 }], rounds: 1, agentId } },
  });
  // r2 is in a failsafe and may not work: its mission waits, r1's is given to r1.
  const mine = await hub.missions.createMission({ name: 'mine', goal: patrol('r1'), priority: 1, idempotencyKey: 'k' });
  const waits = await hub.missions.createMission({ name: 'waits', goal: patrol('r2'), priority: 1 });
  const assign = await before.order((order) => order.agentId === 'r1' && order.order.case === 'assign');
  const taskId = taskOf(assign);
  await hub.fleet.takeLease({ agentId: 'r2', seconds: 600 });
  const alert = (
    await until(
      () => hub.alerts.listAlerts({}),
      ({ alerts }) => alerts.length > 0,
    )
  ).alerts[0];
  await hub.alerts.acknowledgeAlert({ alertId: alert?.id ?? '' });
  const decided = (sequence: bigint) =>
    ({
      case: 'decision',
      value: { agentId: 'r1', atUs: sequence, decision: { sequence, context: { epoch: 1 } } },
    }) as const;
  for (const sequence of [1n, 2n, 3n]) before.send(decided(sequence));
  const sequences = async (fleet: typeof hub.fleet): Promise<string> =>
    (await fleet.listDecisions({ agentId: 'r1' })).decisions.map(({ decision }) => decision?.sequence).join(' ');
  await until(
    () => sequences(hub.fleet),
    (found) => found === '3 2 1',
  );
  const lastSequence = before.orders.map(({ sequence }) => sequence).sort((a, b) => (a < b ? 1 : -1))[0] ?? 0n;
  await end(first.process, 'SIGKILL');
  await before.ended;

  const second = await start();
  assert.equal(second.password, null);
  const edge = link(second, new Map([['r1', taskId]]));
  await edge.linked();
  const later = await people(second.url, token);
  await until(
    () => later.fleet.listAgents({}),
    ({ agents }) => agents.filter(({ state }) => state !== undefined).length === 2,
  );
  edge.send({
    case: 'ask',
    value: {
      agentId: 'r1',
      task: { id: taskId },
      reason: 'the hub is back',
      basis: { epoch: 1, inputSequence: 99n },
      planRevision: 3n,
    },
  });
  const plan = await edge.order((order) => order.agentId === 'r1' && order.order.case === 'plan');
  assert.equal(plan.order.case === 'plan' ? plan.order.value.taskId : '', taskId);
  assert.ok(plan.order.case === 'plan' && plan.order.value.revision > 3n, 'the robot takes no older plan');
  assert.ok(plan.sequence > lastSequence, 'order sequences go on above');
  const kinds = edge.orders.filter(({ agentId }) => agentId === 'r1').map(({ order }) => order.case);
  assert.deepEqual(new Set(kinds), new Set(['plan']), 'neither cancelled nor given again');

  assert.equal(await sequences(later.fleet), '3 2 1', 'decisions of before are found');
  for (const sequence of [2n, 3n, 4n]) edge.send(decided(sequence));
  await until(
    () => sequences(later.fleet),
    (found) => found === '4 3 2 1',
  );

  const { missions } = await later.missions.listMissions({});
  assert.deepEqual(
    missions.map(({ id, tasks }) => [id, tasks[0]?.id]).sort(),
    [
      [mine.mission?.id, taskId],
      [waits.mission?.id, `${waits.mission?.id}.1`],
    ].sort(),
  );
  const again = await later.missions.createMission({
    name: 'mine',
    goal: patrol('r1'),
    priority: 1,
    idempotencyKey: 'k',
  });
  assert.equal(again.mission?.id, mine.mission?.id, 'the same key is the same mission');
  assert.equal(
    (await later.fleet.getAgent({ agentId: 'r2' })).agent?.status?.leaseHolder,
    'operator:operator@sigma.local',
  );
  const { alerts } = await later.alerts.listAlerts({});
  assert.deepEqual(
    alerts.map(({ id, acknowledgedBy, clearedTimeUs, count }) => [id, acknowledgedBy, clearedTimeUs, count]),
    [[alert?.id, 'operator:operator@sigma.local', 0n, alert?.count]],
  );

  const done = { taskId, status: 'done', reason: 'all points seen' };
  edge.send({
    case: 'event',
    value: { agentId: 'r1', atUs: 5n, signal: { name: 'task', bodyJson: JSON.stringify(done) } },
  });
  await until(
    () => later.missions.listMissions({}),
    (list) => list.missions.find(({ id }) => id === mine.mission?.id)?.finishedTimeUs !== 0n,
  );
  const { path } = await later.records.listChains({});
  await end(second.process, 'SIGKILL');
  const recording = openSqliteRecording(path);
  const heads = await recording.heads();
  assert.deepEqual(
    heads.map(({ epoch }) => epoch),
    [0, 1],
  );
  const report = await verify(recording, { sha256, reexecutors: {} });
  await recording.close();
  assert.equal(report.firstFailure, null);
});
