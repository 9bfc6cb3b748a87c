import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AccountService, SimulationService } from '@sigma/proto';
import { codeOf, handsOf, signIn } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { type HubOptions, startHub } from './main.ts';
import type { Pace } from './site-clock.ts';

test('a simulated site lives faster when an engineer says so: its hub and its bodies together, recorded, and after a restart never before', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sigma-speed-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const told: Pace[] = [];
  const options: HubOptions = {
    tenant: 'acme',
    dataDir: await layDatabase(dataDir),
    port: 0,
    site: { json: '{"name":"yard"}', digest: 'd1' },
    supervisor: oneAtATime,
    faults: ['overheating'],
  };
  const simulated: HubOptions = { ...options, onPace: (pace) => told.push(pace) };
  const hub = await startHub(simulated);
  const { email, password } = hub.operator;
  const hands = handsOf(hub.url, await signIn(hub.url, email, password ?? ''));
  const simulation = hands(SimulationService);
  assert.equal(await codeOf(simulation.setSpeed({ speed: 3 })), 'InvalidArgument');
  assert.equal(await codeOf(simulation.setSpeed({ speed: Number.NaN })), 'InvalidArgument');
  const { password: viewers } = await hands(AccountService).createAccount({
    email: 'viewer@example.com',
    name: 'viewer',
    role: 'viewer',
  });
  const viewer = handsOf(hub.url, await signIn(hub.url, 'viewer@example.com', viewers));
  assert.equal(await codeOf(viewer(SimulationService).setSpeed({ speed: 4 })), 'PermissionDenied');
  assert.deepEqual(told, []);

  const { speed } = await simulation.setSpeed({ speed: 4 });
  assert.deepEqual([speed?.speed, speed?.speeds], [4, [0.25, 0.5, 1, 2, 4]]);
  assert.deepEqual(told, [hub.pace()]);
  const { acts } = await hands(AccountService).listActs({});
  assert.match(acts[0]?.summary ?? '', /let simulated time run 4 times as fast/);
  const lived = (acts[0]?.timeUs ?? 0n) as bigint;
  await hub.close();

  const again = await startHub(simulated);
  assert.ok(Number(lived) <= (again.pace()?.siteUs ?? 0), 'it goes on behind where it was');
  assert.equal(again.pace()?.rate, 1);
  await again.close();

  const real = await startHub(options);
  const person = handsOf(real.url, await signIn(real.url, email, password ?? ''));
  assert.equal(real.pace(), null);
  assert.equal(await codeOf(person(SimulationService).setSpeed({ speed: 2 })), 'FailedPrecondition');
  await real.close();
});
