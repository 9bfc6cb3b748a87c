import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warehouse } from '../testing/warehouse.ts';
import { percentiles } from './decision-times.ts';
import { FaultPlanError, parseFault } from './fault-plan.ts';
import { CrowdedSiteError, planFleet, robotNames } from './fleet-plan.ts';
import { VirtualClock } from './hub/virtual-clock.ts';
import { VirtualNetwork } from './network.ts';
import { repeatCommand, soakRun } from './soak-plan.ts';
import { VirtualDisk } from './virtual-disk.ts';
import { missionAt, missionsWanted } from './workload.ts';

const site = warehouse();

test('a stream keeps its order, and nothing arrives before it was sent', () => {
  const network = new VirtualNetwork<number>(5, 0.3);
  for (let i = 0; i < 200; i++) network.send('a>b', i, i * 1_000);
  const arrived = network.arrived(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    arrived.map(({ packet }) => packet),
    Array.from({ length: 200 }, (_, i) => i),
  );
  for (const { packet, dueUs } of arrived) assert.ok(dueUs >= packet * 1_000 + 2_000, `${packet} at ${dueUs}`);
});

test('a cut link loses what is under way and what is sent meanwhile, and no other link does', () => {
  const network = new VirtualNetwork<string>(5);
  network.send('a>b', 'under way', 0);
  network.send('c>d', 'elsewhere', 0);
  network.cut('a>b', true);
  network.send('a>b', 'into the void', 10);
  network.cut('a>b', false);
  network.send('a>b', 'healed', 20);
  const packets = network.arrived(1_000_000).map(({ packet }) => packet);
  assert.deepEqual(packets.sort(), ['elsewhere', 'healed']);
});

test('a disk syncs one write after the other, each in its own time', () => {
  const disk = new VirtualDisk(3, 1);
  const first = disk.durableAt(1_000);
  const second = disk.durableAt(1_000);
  assert.ok(first >= 4_000 && first <= 16_000, String(first));
  assert.ok(second >= first + 3_000, String(second));
});

test('virtual timers run in the order of their moments, beats stay on their grid, and what was called off stays away', () => {
  const clock = new VirtualClock(0);
  const said: string[] = [];
  clock.after(300, () => said.push('late'));
  clock.after(100, () => said.push('early'));
  clock.after(200, () => said.push('never'))();
  const end = clock.every(150, () => said.push(`beat at ${clock.nowUs()}`));
  for (const atUs of [100, 200, 300, 400]) {
    clock.advance(atUs);
    clock.drain();
  }
  end();
  clock.advance(1_000);
  clock.drain();
  assert.deepEqual(said, ['early', 'beat at 200', 'late', 'beat at 300']);
});

test('a seed names its work: the same missions whenever they are asked for', () => {
  const first = Array.from({ length: 300 }, (_, i) => missionAt(site, 9, i));
  assert.deepEqual(
    first,
    Array.from({ length: 300 }, (_, i) => missionAt(site, 9, i)),
  );
  assert.notDeepEqual(missionAt(site, 9, 0), missionAt(site, 10, 0));
  const kinds = new Set(first.map((mission) => mission?.goal.kind));
  assert.deepEqual([...kinds].sort(), ['cover', 'deliver', 'patrol']);
  for (const mission of first) {
    if (mission?.goal.kind === 'deliver') assert.notEqual(mission.goal.from, mission.goal.to);
  }
  assert.equal(missionAt({ ...site, stations: site.stations.slice(0, 1) }, 9, 0), null);
  assert.equal(missionsWanted(40, 32), 0);
  assert.equal(missionsWanted(40, 40), 0);
  assert.equal(missionsWanted(40, 26), 6);
});

test('a fleet stands on the floor, apart from each other, and a site says when it is full', () => {
  for (const count of [1, 12, 48, 60, 200]) {
    const cells = planFleet(site, count, 3).map(({ cell }) => cell);
    assert.equal(new Set(cells).size, count);
    for (const cell of cells) assert.equal(site.blocked[cell], 0);
  }
  assert.throws(() => planFleet(site, 5_000, 3), CrowdedSiteError);
  assert.deepEqual(robotNames(3), ['r01', 'r02', 'r03']);
  assert.equal(robotNames(120)[7], 'r008');
});

test('a fault is written as people say it, and what cannot be read names itself', () => {
  assert.deepEqual(parseFault('motor_overload:r03@12+5=1.5'), {
    fault: 'motor_overload',
    robot: 'r03',
    atUs: 12_000_000,
    forUs: 5_000_000,
    value: 1.5,
  });
  assert.deepEqual(parseFault('link_loss:r01@0.5'), { fault: 'link_loss', robot: 'r01', atUs: 500_000 });
  for (const text of ['', 'earthquake:r01@3', 'link_loss@3', 'link_loss:r01', 'link_loss:r01@-3']) {
    assert.throws(() => parseFault(text), FaultPlanError, text);
  }
});

test('percentiles are nearest ranks', () => {
  assert.deepEqual(percentiles([]), { p50: 0, p99: 0, count: 0 });
  assert.deepEqual(percentiles([5, 1, 3]), { p50: 3, p99: 5, count: 3 });
});

test('a seed of the soak names its run, and the command that repeats it can be read back', () => {
  for (let seed = 1; seed < 60; seed++) {
    const run = soakRun(seed, 3);
    assert.deepEqual(run, soakRun(seed, 3));
    const specs = [...repeatCommand(run).matchAll(/--fault (\S+)/g)].map(([, spec]) => parseFault(spec ?? ''));
    assert.deepEqual(specs, run.faults);
  }
});
