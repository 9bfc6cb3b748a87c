import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  AccountService,
  AlertService,
  type FencesInForce,
  FleetService,
  type Order,
  RecordService,
  SimulationService,
  SiteService,
} from '@sigma/proto';
import pg from 'pg';
import { FakeEdge } from '../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { runningEmbedded } from './store/embedded.ts';

const PROGRAM = fileURLToPath(new URL('../testing/hub-process.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'sigma-killed-people-'));
let running: ChildProcess | null = null;

after(async () => {
  if (running !== null) await kill(running);
  rmSync(directory, { recursive: true, force: true });
});

async function start() {
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, await layDatabase(directory)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const said = JSON.parse(line.toString('utf8')) as { url: string; joinToken: string; password: string | null };
  return { ...said, process: child };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const link = async (place: { url: string; joinToken: string }, epochs: number) => {
  const edge = new FakeEdge({ url: place.url, joinToken: place.joinToken, agentIds: ['r1'], epoch: epochs });
  await edge.linked();
  edge.telemetry('r1', 'state', [2.5, 2.5, 0, 0, 0.9, 40]);
  edge.status('r1', { failsafe: 'stop', failsafeEntries: [HOT] } as object);
  return edge;
};
const HOT = { condition: 'motor_hot', action: 'thermal_shutdown', cause: 'hot', clear: 'on_acknowledge' };
const fencesIn = ({ order }: Order) => (order.case === 'fences' ? (order.value as FencesInForce) : null);
const triangle = [
  { xM: 1, yM: 1 },
  { xM: 6, yM: 1 },
  { xM: 6, yM: 6 },
];

/** Takes the table away by which texts are found. */
async function loseTexts(): Promise<void> {
  const owner = new pg.Client({ connectionString: runningEmbedded(directory) ?? '' });
  await owner.connect();
  assert.ok(((await owner.query('delete from texts')).rowCount ?? 0) > 0);
  await owner.end();
}

test('[L3][R190] what people did, drew, wrote, silenced and gave stands after the hub was killed, and fences only go up', async () => {
  const first = await start();
  const token = await signIn(first.url, 'operator@sigma.local', first.password ?? '');
  const hands = handsOf(first.url, token);
  const edge = await link(first, 1);
  await until(
    () => hands(AlertService).listAlerts({}),
    ({ alerts }) => alerts.length > 0,
  );
  const made = await hands(AccountService).createAccount({ email: 'ann@example.org', name: 'Ann', role: 'operator' });
  const drawn = await hands(SiteService).putFence({ name: 'spill', kind: 'restricted', polygon: { points: triangle } });
  const brief = await hands(SiteService).putFence({ kind: 'restricted', polygon: { points: triangle }, seconds: 1 });
  assert.equal(drawn.receipts[0]?.outcome, 'accepted');
  await hands(AlertService).silenceAlerts({
    cause: 'failsafe:motor_hot',
    agentId: 'r1',
    seconds: 3_600,
    reason: 'known',
  });
  await hands(SimulationService).injectFault({ agentId: 'r1', fault: 'overheating' });
  await hands(FleetService).stopAgents({ agentIds: ['r1'], stop: 'normal' });
  const acts = async (of: typeof hands) => (await of(AccountService).listActs({})).acts.map(({ act }) => act);
  const before = await until(
    () => acts(hands),
    (list) => list.includes('StopAgents'),
  );
  const version = Math.max(...edge.orders.map((order) => Number(fencesIn(order)?.version ?? 0n)));
  assert.equal(version, 2);
  await until(
    () => hands(RecordService).listMarks({ kinds: ['alert'] }),
    ({ marks }) => marks.length > 0,
  );
  await loseTexts();
  const endsUs = Number(brief.fence?.endsTimeUs ?? 0n);
  await kill(first.process);
  await edge.ended;

  const second = await start();
  assert.ok(Date.now() * 1000 > endsUs, 'the brief fence ended while nobody was there');
  const later = handsOf(second.url, token);
  const again = await link(second, 1);
  const order = await again.order((one) => (fencesIn(one)?.version ?? 0n) > version);
  assert.deepEqual(
    fencesIn(order)?.fences.map(({ id }) => id),
    [drawn.fence?.id],
  );
  assert.deepEqual(
    (await later(SiteService).listFences({})).fences.map(({ id, name }) => [id, name]),
    [[drawn.fence?.id, 'spill']],
  );
  const ann = handsOf(second.url, await signIn(second.url, 'ann@example.org', made.password));
  assert.equal((await ann(AccountService).whoAmI({})).role, 'operator');
  assert.deepEqual(await acts(later), before);
  const { silences } = await later(AlertService).listSilences({});
  assert.deepEqual(
    silences.map(({ cause, agentId, reason }) => [cause, agentId, reason]),
    [['failsafe:motor_hot', 'r1', 'known']],
  );
  const { alerts } = await later(AlertService).listAlerts({});
  assert.deepEqual(
    alerts.map(({ cause, silencedUntilTimeUs }) => [cause, silencedUntilTimeUs]),
    [['failsafe:motor_hot', silences[0]?.untilTimeUs]],
  );
  assert.equal((await later(RecordService).listMarks({ kinds: ['alert'] })).marks.length, 1, 'no alert is news twice');
  const faults = async () => (await later(SimulationService).listFaults({})).active.map(({ fault }) => fault);
  assert.deepEqual(await faults(), ['overheating']);
  await again.cut();
  const reborn = await link(second, 2);
  await until(faults, (list) => list.length === 0);
  await reborn.cut();
});
