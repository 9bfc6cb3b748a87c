import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseMovingAiMap, parseSiteFile } from '@sigma/fleet-model';
import { type Command, draw, drawUnit } from '@sigma/kernel';
import { action, cellOf, cutoff, drive, hall, hold, stop } from '../testing/course.ts';
import {
  BrokenSnapshotError,
  createWorld,
  type Injection,
  type Outcomes,
  resolve,
  restore,
  snapshot,
  type World,
  WorldSetupError,
  worldDigest,
} from './index.ts';
import { resolveUnsensed } from './resolve.ts';

const read = (name: string) => readFileSync(new URL(`../sites/${name}`, import.meta.url), 'utf8');
const warehouse = parseSiteFile(read('warehouse.site.json'), parseMovingAiMap(read('warehouse.map'), 'warehouse'));

const fleet = (seed: number, count = 12): World => {
  const robots = Array.from({ length: count }, (_, k) => {
    const body = k % 3 === 0 ? ('humanoid' as const) : ('carrier' as const);
    return { id: `r${k}`, body, cell: (warehouse.docks[k] as { cell: number }).cell };
  });
  return createWorld({ site: warehouse, seed, robots, people: 6 });
};

/** A script of commands and injections that depends on nothing but the moment. */
function script(world: World, tick: number): { commands: (Command | null)[]; injections: Injection[] } {
  const commands: (Command | null)[] = world.layout.robots.map(() => null);
  if (tick % 5 === 0) {
    const robot = draw(9, 1, tick, 1, 0) % commands.length;
    const unit = (n: number) => drawUnit(9, 1, tick, 1, n);
    const word = unit(3);
    if (word < 0.7) commands[robot] = drive(unit(1) * 2, unit(2) * 2 - 1);
    else if (word < 0.8) commands[robot] = hold;
    else if (word < 0.85) commands[robot] = cutoff;
    else if (word < 0.9) commands[robot] = stop(1);
    else if (word < 0.95) commands[robot] = action('scan', {}, `scan-${tick}`);
    else commands[robot] = action('dock', { place: `dock-w${robot + 1}` }, `dock-${tick}`);
  }
  const injections: Injection[] = [];
  if (tick === 100) injections.push({ type: 'fault', robot: 'r1', fault: 'lidar_freeze' });
  if (tick === 120) injections.push({ type: 'fault', robot: 'r2', fault: 'person_steps_in', untilUs: 5_000_000 });
  if (tick === 150) injections.push({ type: 'fault', robot: 'r3', fault: 'imu_drift', untilUs: 3_000_000 });
  if (tick === 160) injections.push({ type: 'person', xM: 12.5, yM: 30.5 });
  return { commands, injections };
}

function step(world: World): { world: World; outcomes: Outcomes } {
  return resolve(world, { atUs: world.atUs, ...script(world, world.tick) });
}

function run(world: World, steps: number): World {
  for (let k = 0; k < steps; k++) world = step(world).world;
  return world;
}

test('[W10] the same seed gives the same world, another seed another one', () => {
  const digest = worldDigest(run(fleet(7), 700));
  assert.equal(worldDigest(run(fleet(7), 700)), digest);
  assert.notEqual(worldDigest(run(fleet(8), 700)), digest);
});

test('[W10] a step changes nothing of the world it was given', () => {
  let world = run(fleet(3), 90);
  for (let k = 0; k < 80; k++) {
    const before = worldDigest(world);
    const first = step(world);
    const again = step(world);
    assert.equal(worldDigest(world), before);
    assert.equal(worldDigest(again.world), worldDigest(first.world));
    assert.deepEqual(again.outcomes, first.outcomes);
    world = first.world;
  }
});

test('[W11] a restored snapshot goes on exactly as the original, wherever it was taken', () => {
  let world = fleet(5);
  const end = worldDigest(run(world, 600));
  for (const steps of [1, 99, 3, 60, 200, 37, 200]) {
    world = run(world, steps);
    const copy = restore(warehouse, JSON.parse(JSON.stringify(snapshot(world))));
    assert.equal(worldDigest(copy), worldDigest(world));
    assert.deepEqual(step(copy).outcomes, step(world).outcomes);
    world = copy;
  }
  assert.equal(worldDigest(world), end);
});

test('[W11] the digest sees every part of the state', () => {
  const world = run(fleet(2), 130);
  const digests = new Set([worldDigest(world)]);
  const robots = world.robots.slice();
  robots[0] = (robots[0] as number) + 1e-13;
  const people = world.people.slice();
  people[1] = -(people[1] as number);
  const variants: World[] = [
    { ...world, robots },
    { ...world, people },
    { ...world, atUs: world.atUs + 1 },
    { ...world, tick: world.tick + 1 },
    { ...world, cargo: world.cargo.map((_, k) => (k === 4 ? 'box' : null)) },
    { ...world, frozenScans: world.frozenScans.map(() => null) },
    {
      ...world,
      actions: world.actions.map((a, k) => (k === 7 ? { id: 'x', key: 'y', name: 'scan', place: -1, item: '' } : a)),
    },
    { ...world, finished: world.finished.map((f, k) => (k === 7 ? { key: 'y', detail: null } : f)) },
  ];
  for (const variant of variants) digests.add(worldDigest(variant));
  assert.equal(digests.size, variants.length + 1);
});

test('[W11] a snapshot that does not fit is refused', () => {
  const taken = snapshot(fleet(1));
  const other = hall(5, 5);
  const cases: [unknown, RegExp][] = [
    [{ ...taken, format: 'x' }, /format/],
    [{ ...taken, robots: taken.robots.slice(16) }, /rows long/],
    [{ ...taken, robots: `${taken.robots}0` }, /no hex/],
    [{ ...taken, people: taken.people.slice(16) }, /middle of a row/],
    [{ ...taken, cargo: [] }, /0 entries for 12 robots/],
  ];
  for (const [broken, message] of cases) {
    assert.throws(
      () => restore(warehouse, broken as typeof taken),
      (error: Error) => {
        return error instanceof BrokenSnapshotError && message.test(error.message);
      },
    );
  }
  assert.throws(() => restore(other, taken), /not on 'course'/);
});

test('[W10] inputs for another instant or another fleet are refused', () => {
  const world = fleet(1);
  const commands = world.layout.robots.map(() => null);
  assert.throws(() => resolve(world, { atUs: 10_000, commands, injections: [] }), /stands at 0 us/);
  assert.throws(() => resolve(world, { atUs: 0, commands: [null], injections: [] }), /12 robots/);
});

test('[W9] a world that cannot begin names the robot and the way out', () => {
  const site = hall(6, 3);
  const at = (column: number, row: number, id: string) => ({
    id,
    body: 'carrier' as const,
    cell: cellOf(site, column, row),
  });
  const begin = (robots: Parameters<typeof createWorld>[0]['robots'], more = {}) =>
    createWorld({ site, seed: 1, people: 0, robots, ...more });
  const cases: [() => unknown, RegExp][] = [
    [() => begin([at(0, 0, 'a')]), /robot 'a': cannot start in cell 0/],
    [() => begin([{ ...at(1, 1, 'a'), cell: 9999 }]), /cannot start/],
    [() => begin([at(1, 1, 'a'), at(2, 1, 'a')]), /robot 'a': stands twice/],
    [() => begin([at(1, 1, 'a'), at(1, 1, 'b')]), /robot 'b': starts on top of 'a'/],
    [() => begin([{ ...at(1, 1, 'a'), body: 'tank' as 'carrier' }]), /no body is called 'tank'/],
    [() => begin([], { seed: -1 }), /seed -1/],
    [() => begin([], { people: 1.5 }), /1.5 people/],
    [
      () => createWorld({ site: { ...site, metresPerCell: 0.5 }, seed: 1, people: 0, robots: [at(1, 1, 'a')] }),
      /does not fit/,
    ],
  ];
  for (const [begins, message] of cases) {
    assert.throws(
      begins,
      (error: Error) => error instanceof WorldSetupError && message.test(error.message),
      String(message),
    );
  }
});

test('[W9] the warehouse that comes with the fleet has room for sixty robots and what they need', () => {
  assert.ok(warehouse.docks.length >= 48 && warehouse.chargers.length >= 12 && warehouse.stations.length >= 40);
  assert.deepEqual(new Set(warehouse.zones.map((zone) => zone.kind)), new Set(['area', 'restricted', 'slow', 'work']));
  const restricted = new Set(
    warehouse.zones.filter((zone) => zone.kind === 'restricted').flatMap((zone) => zone.cells),
  );
  for (const place of [...warehouse.docks, ...warehouse.chargers, ...warehouse.stations]) {
    assert.ok(!restricted.has(place.cell), `${place.id} lies in a restricted zone`);
  }
  const robots = [...warehouse.docks, ...warehouse.chargers].map(({ cell }, k) => ({
    id: `r${k}`,
    body: 'carrier' as const,
    cell,
  }));
  assert.equal(createWorld({ site: warehouse, seed: 1, people: 20, robots }).robots.length > 0, true);
});

test('[W10] the world of this release, step for step: an old recording must still verify', () => {
  assert.equal(worldDigest(run(fleet(7, 40), 1000)), '83ecdea89d1ba127');
});

test('[L2] a step without frames leaves the same world and says the same, through a frozen lidar and a drifting gyro', () => {
  let sensed = fleet(11);
  let unsensed = sensed;
  for (let tick = 0; tick < 400; tick++) {
    const inputs = { atUs: sensed.atUs, ...script(sensed, sensed.tick) };
    const live = resolve(sensed, inputs);
    const again = resolveUnsensed(unsensed, inputs);
    assert.equal(worldDigest(again.world), worldDigest(live.world));
    assert.deepEqual({ ...again.outcomes, frames: live.outcomes.frames }, live.outcomes);
    assert.deepEqual(again.outcomes.frames, []);
    sensed = live.world;
    unsensed = again.world;
  }
  assert.ok(
    unsensed.frozenScans.some((scan) => scan !== null),
    'a frozen scan is part of the world',
  );
  assert.deepEqual(snapshot(unsensed), snapshot(sensed));
});
