import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODIES } from '@sigma/fleet-model';
import { action, Course, cellOf, cutoff, drive, hall, hold, siteOf, stop } from '../testing/course.ts';
import { capacityAh, openVoltage, resistanceOhm } from './power.ts';
import { CHARGE, CHARGED_AH, CURRENT_LEFT, CYCLES, DRAWN_AH, LOAD_KG, ROBOT } from './state.ts';

const long = hall(60, 5);
const alone = () => new Course(long, [{ id: 'r1', body: 'carrier', cell: cellOf(long, 3, 3) }]);
const column = (course: Course, field: number) => course.world.robots[field] as number;
/** The same world with one number changed: what a test may do to a state that nobody else holds yet. */
function set(course: Course, field: number, value: number): void {
  const robots = course.world.robots.slice();
  robots[field] = value;
  course.world = { ...course.world, robots };
}
const amperes = (course: Course) => {
  const { currentLeft, currentRight } = course.sees('motion');
  return ((currentLeft as number) + (currentRight as number)) / 2;
};

test('[W20] motors draw most when they push off, less at an even speed, nothing when cut off', () => {
  const course = alone();
  course.run(0.6, drive(1.8));
  const pushing = amperes(course);
  course.run(4);
  const rolling = amperes(course);
  course.run(4, hold);
  const holding = amperes(course);
  course.run(1, cutoff);
  const off = amperes(course);
  assert.ok(pushing > 1.7 * rolling && rolling > 2 * holding && holding > 0.05, `${[pushing, rolling, holding]}`);
  assert.ok(Math.abs(off) < 0.15, `${off} A`);
  course.run(2, drive(0.5));
  course.run(3, stop(1));
  assert.equal(column(course, CURRENT_LEFT), 0, 'a protective stop ends with the motors off');
});

test('[W20] a loaded robot draws more and gathers speed more slowly', () => {
  const empty = alone();
  const loaded = alone();
  set(loaded, LOAD_KG, BODIES.carrier.payloadKg);
  for (const course of [empty, loaded]) course.run(0.8, drive(1.8));
  assert.ok(loaded.robot.speedMps < 0.75 * empty.robot.speedMps);
  for (const course of [empty, loaded]) course.run(5);
  assert.ok(amperes(loaded) > 2 * amperes(empty));
});

test('[W20] a motor that pushes a wall draws its stall current and grows hot', () => {
  const site = hall(4, 3);
  const course = new Course(site, [{ id: 'r1', body: 'humanoid', cell: cellOf(site, 3, 2) }]);
  course.run(2, drive(0.5));
  const cold = course.sees('health')['motorTempLeft'] as number;
  course.run(40);
  assert.ok(amperes(course) > 2 * BODIES.humanoid.motorRatedA, `${amperes(course)} A`);
  const hot = course.sees('health')['motorTempLeft'] as number;
  assert.ok(hot > cold + 25, `${cold} to ${hot} degC`);
  course.run(60, cutoff);
  assert.ok((course.sees('health')['motorTempLeft'] as number) < hot - 10, 'and cools when it is off');
});

test('[W21] energy never appears from nothing: what leaves the battery is what its charge lost', () => {
  const course = alone();
  const body = BODIES.carrier;
  const first = column(course, CHARGE);
  const ah = capacityAh(body, column(course, CYCLES));
  let before = first;
  for (let k = 0; k < 3000; k++) {
    course.step(k % 200 === 0 ? { 0: drive(k % 400 === 0 ? 1.5 : -1.5, 0.3) } : {});
    const now = column(course, CHARGE);
    assert.ok(now < before, 'without a charger every step costs charge');
    before = now;
  }
  const drawn = column(course, DRAWN_AH);
  assert.equal(column(course, CHARGED_AH), 0);
  assert.ok(Math.abs((first - before) * ah - drawn) < 1e-3 * drawn, `${(first - before) * ah} and ${drawn} Ah`);
  const idleAh = (body.idleW * 30) / 3600 / 54.6;
  assert.ok(drawn > idleAh, 'at least what the computers take');
});

test('[W21] kinetic energy is paid for by the battery', () => {
  const course = alone();
  course.step({ 0: drive(1.8) });
  let joules = 0;
  for (let k = 0; k < 200; k++) {
    course.step();
    const health = course.last?.frames[0];
    assert.ok(health);
    joules += openVoltage(column(course, CHARGE)) * 0.01 * (column(course, 24) as number);
  }
  const kinetic = 0.5 * BODIES.carrier.massKg * course.robot.speedMps * course.robot.speedMps;
  assert.ok(joules - BODIES.carrier.idleW * 2 > kinetic, `${joules} J spent, ${kinetic} J in motion`);
});

test('[W22] voltage sags under load, rises with charge, and an old or cold battery sags more', () => {
  for (let k = 0; k < 100; k++) assert.ok(openVoltage((k + 1) / 100) > openVoltage(k / 100));
  const ohm = resistanceOhm(BODIES.humanoid, 100, 25);
  assert.ok(resistanceOhm(BODIES.humanoid, 600, 25) > 1.2 * ohm);
  assert.ok(resistanceOhm(BODIES.humanoid, 100, 0) > 1.2 * ohm);
  assert.ok(capacityAh(BODIES.humanoid, 600) < 0.9 * capacityAh(BODIES.humanoid, 0));
  const course = alone();
  course.run(1, hold);
  const resting = course.sees('health')['batteryVoltage'] as number;
  course.run(0.99, drive(1.8));
  assert.ok(resting - (course.sees('health')['batteryVoltage'] as number) > 0.05);
});

test('[W23] a dock charges slowly, a charger fast, and neither overfills', () => {
  const site = siteOf(['#####', '#D.C#', '#####']);
  const gained = [1, 3].map((cell) => {
    const course = new Course(site, [{ id: 'r1', body: 'carrier', cell: cellOf(site, cell, 1) }]);
    set(course, CHARGE, 0.4);
    course.run(60, hold);
    assert.ok((course.sees('health')['batteryCurrent'] as number) < -5, 'charging current is negative');
    return course.robot.charge - 0.4;
  });
  assert.ok((gained[1] as number) > 2.5 * (gained[0] as number) && (gained[0] as number) > 0, `${gained}`);
  const full = new Course(site, [{ id: 'r1', body: 'carrier', cell: cellOf(site, 3, 1) }]);
  set(full, CHARGE, 0.995);
  full.run(1, hold);
  const atFirst = -(full.sees('health')['batteryCurrent'] as number);
  full.run(120);
  const atLast = -(full.sees('health')['batteryCurrent'] as number);
  assert.ok(atLast < 0.7 * atFirst, `constant voltage: ${atFirst} A falls to ${atLast} A`);
  assert.ok(full.robot.charge <= 1 && (full.sees('health')['batteryVoltage'] as number) <= 54.75);
});

test('[W23] driving off opens the contacts', () => {
  const site = siteOf(['######', '#D...#', '######']);
  const course = new Course(site, [{ id: 'r1', body: 'humanoid', cell: cellOf(site, 1, 1) }]);
  assert.equal(course.robot.dockedAt, 'd1');
  course.run(2, drive(0.5));
  assert.equal(course.robot.dockedAt, null);
  assert.ok((course.sees('health')['batteryCurrent'] as number) > 0);
});

test('[W24] an empty battery stops the robot on its spring brakes', () => {
  const course = alone();
  course.run(3, drive(1.8));
  set(course, CHARGE, 0);
  const from = course.robot;
  course.run(2, drive(1.8));
  assert.equal(course.robot.speedMps, 0);
  const ideal = (from.speedMps * from.speedMps) / (2 * BODIES.carrier.mechanicalBrakeMps2);
  assert.ok(Math.abs((course.robot.xM - from.xM) / ideal - 1) < 0.05);
});

test('[W22] batteries start charged and used to differing degrees, and age with every cycle', () => {
  const site = hall(30, 3);
  const robots = Array.from({ length: 20 }, (_, k) => ({
    id: `r${k}`,
    body: 'humanoid' as const,
    cell: cellOf(site, k + 1, 2),
  }));
  const { world } = new Course(site, robots);
  const charges = new Set(robots.map((_, k) => world.robots[k * ROBOT + CHARGE]));
  assert.equal(charges.size, 20);
  const course = alone();
  const before = column(course, CYCLES);
  course.run(5, drive(1));
  assert.ok(column(course, CYCLES) > before);
  assert.equal(action('load').kind, 'action');
});
