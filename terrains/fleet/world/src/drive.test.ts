import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODIES, type Body, type Site } from '@sigma/fleet-model';
import { type Command, draw, drawUnit, hypot } from '@sigma/kernel';
import { Course, cellOf, cutoff, drive, hall, hold, siteOf, stop } from '../testing/course.ts';
import { wallAt } from './contact.ts';
import { peopleTruth, robotTruth, type World } from './index.ts';
import { PERSON_RADIUS_M, SPEED } from './state.ts';

const BODY_KINDS = ['humanoid', 'carrier'] as const;
const alone = (body: Body['kind'], site = hall(60, 5)) =>
  new Course(site, [{ id: 'r1', body, cell: cellOf(site, 3, 3) }]);

test('[W12] a robot told to go reaches its speed within its acceleration and no more', () => {
  for (const kind of BODY_KINDS) {
    const body = BODIES[kind];
    const course = alone(kind);
    let before = 0;
    let fastest = 0;
    for (let k = 0; k < 400; k++) {
      course.step({ 0: drive(99) });
      const speed = course.world.robots[SPEED] as number;
      assert.ok(speed - before <= body.accelMps2 * 0.01 + 1e-9, `${kind}: +${speed - before} m/s in a step`);
      fastest = Math.max(fastest, course.robot.speedMps);
      before = speed;
    }
    assert.ok(Math.abs(fastest - body.maxSpeedMps) < 0.02 * body.maxSpeedMps, `${kind}: ${fastest} m/s`);
    assert.ok(Math.abs(course.robot.headingRad) < 0.3, 'it went about straight');
  }
});

for (const [name, command, limit] of [
  ['a normal stop (category 2)', stop(2), 'brakeMps2'],
  ['a hold', hold, 'brakeMps2'],
  ['a protective stop (category 1)', stop(1), 'hardBrakeMps2'],
  ['a cutoff (category 0)', cutoff, 'mechanicalBrakeMps2'],
  ['a stop without a known category', stop(7), 'hardBrakeMps2'],
] as const) {
  test(`[W13] ${name} ends within 5 % of v2/2a, from every speed`, () => {
    for (const kind of BODY_KINDS) {
      const body = BODIES[kind];
      for (const speed of [0.3, 0.7, body.maxSpeedMps]) {
        const course = alone(kind);
        course.run(3, drive(speed));
        const v = course.robot.speedMps;
        const from = course.robot;
        course.run(3, command);
        const distance = hypot(course.robot.xM - from.xM, course.robot.yM - from.yM);
        const ideal = (v * v) / (2 * body[limit]);
        assert.equal(course.robot.speedMps, 0);
        assert.ok(Math.abs(distance / ideal - 1) < 0.05, `${kind} at ${v}: ${distance} m, ideal ${ideal} m`);
      }
    }
  });
}

test('[W45] a drive that nobody renews ends at its time: the robot brakes as for a hold and stands', () => {
  const course = alone('carrier');
  course.run(3, drive(1.8));
  course.step({ 0: { ...drive(1.8), durationUs: 300_000 } as Command });
  const v = course.robot.speedMps;
  course.run(0.29);
  assert.ok(Math.abs(course.robot.speedMps - v) < 0.02, 'until then it holds');
  const from = course.robot;
  course.run(3);
  assert.equal(course.robot.speedMps, 0);
  const { brakeMps2 } = BODIES.carrier;
  const distance = hypot(course.robot.xM - from.xM, course.robot.yM - from.yM);
  assert.ok(Math.abs(distance / ((v * v) / (2 * brakeMps2)) - 1) < 0.05, `${distance} m`);
});

test('[W45] a drive that holds for no time, or for a time that is no number, is a hold', () => {
  for (const durationUs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const course = alone('carrier');
    course.run(1, { ...drive(1), durationUs } as Command);
    assert.equal(course.robot.speedMps, 0, String(durationUs));
  }
});

test('[W13] a set-point to a lower speed brakes at the normal limit', () => {
  const course = alone('carrier');
  course.run(3, drive(1.8));
  course.step({ 0: drive(0.2) });
  let before = course.world.robots[SPEED] as number;
  for (let k = 0; k < 300; k++) {
    course.step();
    const speed = course.world.robots[SPEED] as number;
    assert.ok(before - speed <= BODIES.carrier.brakeMps2 * 0.01 + 1e-9);
    before = speed;
  }
  assert.ok(Math.abs(before - 0.2) < 0.01);
});

test('[W12] turning is bounded, and left is left', () => {
  const course = alone('humanoid');
  course.run(0.5, drive(0, 99));
  assert.ok(course.robot.headingRad > 0.3);
  assert.ok(Math.abs(course.robot.turnRadps - BODIES.humanoid.maxTurnRadps) < 0.05);
  course.run(1, drive(0, -99));
  assert.ok(course.robot.turnRadps < -1.5);
});

test('[W12] nonsense set-points mean hold', () => {
  const course = alone('humanoid');
  for (const command of [drive(Number.NaN), drive(1, Number.POSITIVE_INFINITY), { ...hold, name: 'fly' }]) {
    course.run(1, drive(0.5));
    course.run(2, command);
    assert.equal(course.robot.speedMps, 0);
  }
});

test('[W14] a robot that meets a wall stops at it, feels it, and can back away', () => {
  const course = alone('humanoid', hall(8, 5));
  course.run(8, drive(1));
  assert.ok(course.robot.touching);
  assert.equal(course.sees('motion')['bumper'], 1);
  const gap = 9 - BODIES.humanoid.radiusM - course.robot.xM;
  assert.ok(gap >= 0 && gap < 0.02, `${gap} m from the wall`);
  assert.equal(course.collisions.length, 1, 'leaning on is no new collision');
  assert.equal(course.collisions[0]?.with, 'wall');
  assert.ok(Math.abs((course.collisions[0]?.speedMps as number) - 1) < 0.05);
  course.run(2, drive(-0.5));
  assert.equal(course.robot.touching, false);
  assert.ok(course.robot.xM < 8.2);
});

test('[W14] two robots that meet head-on stop, both feel it, and the sum of their speeds is reported', () => {
  const site = hall(12, 5);
  const course = new Course(site, [
    { id: 'r1', body: 'humanoid', cell: cellOf(site, 2, 3) },
    { id: 'r2', body: 'carrier', cell: cellOf(site, 11, 3) },
  ]);
  course.step({ 0: drive(0.5), 1: drive(-0.6) });
  course.until(() => course.collisions.length > 0, 20);
  const [first] = course.collisions;
  assert.deepEqual(
    [course.collisions.length, first?.with, (first?.robot as number) + (first?.other as number)],
    [1, 'robot', 1],
  );
  assert.ok(Math.abs((course.collisions[0]?.speedMps as number) - 1.1) < 0.05);
  assert.ok(robotTruth(course.world, 0).touching || robotTruth(course.world, 1).touching);
  const felt = course.last?.frames.map((frames) => frames[0]?.values[9]);
  assert.deepEqual(felt, [1, 1]);
});

/** Nothing overlaps anything: the law that contacts keep. */
function assertApart(world: World, site: Site): void {
  const bodies = world.layout.bodies;
  const robots = bodies.map((_, robot) => robotTruth(world, robot));
  robots.forEach((robot, k) => {
    const radiusM = (bodies[k] as Body).radiusM;
    assert.equal(
      wallAt(site, robot.xM, robot.yM, radiusM),
      null,
      `${robot.id} is in a wall at ${robot.xM}, ${robot.yM}`,
    );
    for (let other = 0; other < k; other++) {
      const there = robotTruth(world, other);
      const least = radiusM + (bodies[other] as Body).radiusM;
      assert.ok(hypot(robot.xM - there.xM, robot.yM - there.yM) >= least - 1e-9, `${robot.id} overlaps ${there.id}`);
    }
    for (const person of peopleTruth(world)) {
      const distance = hypot(robot.xM - person.xM, robot.yM - person.yM);
      assert.ok(distance >= radiusM + PERSON_RADIUS_M - 1e-9, `${robot.id} overlaps person ${person.id}`);
    }
  });
}

test('[W14] under wild commands nothing ever enters a wall, a robot or a person', () => {
  const site = siteOf([
    '##########',
    '#........#',
    '#.##.###.#',
    '#........#',
    '#.##.###.#',
    '#........#',
    '##########',
  ]);
  const floor = [...site.blocked.keys()].filter((cell) => site.blocked[cell] === 0);
  for (let seed = 1; seed <= 12; seed++) {
    const robots = floor
      .filter((_, k) => (k + seed) % 4 === 0)
      .slice(0, 7)
      .map((cell, k) => ({ id: `r${k}`, body: BODY_KINDS[k % 2] as Body['kind'], cell }));
    const course = new Course(site, robots, { seed, people: 3 });
    let contacts = 0;
    for (let k = 0; k < 600; k++) {
      const robot = draw(seed, 0, k, 1, 0) % robots.length;
      const unit = (n: number) => drawUnit(seed, 0, k, 1, n);
      const word = unit(4);
      const wild = word < 0.8 ? drive(unit(1) * 6 - 3, unit(2) * 6 - 3) : word < 0.9 ? stop(1) : cutoff;
      course.step(k % 7 === 0 ? { [robot]: wild } : {});
      assertApart(course.world, site);
      for (const truth of robots.keys()) {
        const { speedMps } = robotTruth(course.world, truth);
        assert.ok(Math.abs(speedMps) <= (course.world.layout.bodies[truth] as Body).maxSpeedMps * 1.03);
      }
      contacts = course.collisions.length;
    }
    assert.ok(contacts > 0, `seed ${seed} touched nothing: the test tests nothing`);
  }
});
