import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atan2, hypot, PI } from '@sigma/kernel';
import { Course, cellOf, drive, hall, hold, siteOf } from '../testing/course.ts';
import { castRay, RANGE_SIGMA_M } from './lidar.ts';
import { FIX_SIGMA_M, GYRO_SIGMA } from './sensors.ts';

const site = hall(12, 8);
const at = (column: number, row: number, body: 'humanoid' | 'carrier' = 'humanoid') =>
  new Course(site, [{ id: 'r1', body, cell: cellOf(site, column, row) }]);

function statistics(values: readonly number[]): { mean: number; sigma: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / (values.length - 1);
  return { mean, sigma: Math.sqrt(variance) };
}

const valuesOf = (course: Course, channel: string, field: number) =>
  course.frames.filter((f) => f.channel === channel).map((f) => f.values[field] as number);

test('[W15] motion comes at 100 Hz, scan and fix at 10 Hz, health at 2 Hz', () => {
  const course = at(3, 3);
  course.run(10, hold);
  const count = (channel: string) => course.frames.filter((f) => f.channel === channel).length;
  assert.deepEqual(['motion', 'scan', 'fix', 'health'].map(count), [1000, 100, 100, 20]);
  const lengths = new Map(course.frames.map((f) => [f.channel, f.values.length]));
  assert.deepEqual(Object.fromEntries(lengths), { motion: 11, scan: 180, fix: 4, health: 20 });
});

test('[W15] ten robots scan on ten different ticks', () => {
  const robots = Array.from({ length: 10 }, (_, k) => ({
    id: `r${k}`,
    body: 'humanoid' as const,
    cell: cellOf(site, k + 1, 2),
  }));
  const course = new Course(site, robots);
  for (let k = 0; k < 20; k++) {
    const scanning = course.step().frames.filter((frames) => frames.some((f) => f.channel === 'scan'));
    assert.equal(scanning.length, 1);
  }
});

test('[W16] the noise of each sensor has the deviation it claims and no mean of its own', () => {
  const course = at(6, 4);
  course.run(60, hold);
  const gyro = statistics(valuesOf(course, 'motion', 2).map((v) => v * 1e-4));
  assert.ok(Math.abs(gyro.sigma / GYRO_SIGMA - 1) < 0.06, `${gyro.sigma} rad/s`);
  const x = statistics(valuesOf(course, 'fix', 0).map((v) => v * 1e-3));
  assert.ok(Math.abs(x.sigma / FIX_SIGMA_M - 1) < 0.15 && Math.abs(x.mean - 6.5) < 0.004, `${x.mean} ${x.sigma}`);
  const range = statistics(
    valuesOf(course, 'scan', 0)
      .filter((v) => v > 0)
      .map((v) => v * 1e-3),
  );
  assert.ok(
    Math.abs(range.sigma / RANGE_SIGMA_M - 1) < 0.1 && Math.abs(range.mean - 6.5) < 0.002,
    `${range.mean} ${range.sigma}`,
  );
  const lost = course.frames.filter((f) => f.channel === 'scan').flatMap((f) => [...f.values].filter((v) => v === 0));
  assert.ok(lost.length > 50 && lost.length < 180, `${lost.length} of 108,000 rays lost`);
});

test('[W17] a scan looks round counterclockwise from the heading: four walls at their distances', () => {
  const course = at(3, 2);
  course.run(0.2, hold);
  const scan = course.sees('scan');
  const near = (ray: number, metres: number) =>
    assert.ok(
      Math.abs((scan[`range${ray}`] as number) - metres) < 0.05,
      `ray ${ray}: ${scan[`range${ray}`]} m, not ${metres}`,
    );
  near(0, 9.5);
  near(45, 1.5);
  near(90, 2.5);
  near(135, 6.5);
  course.run(1.2, drive(0, PI / 2 / 1.0));
  course.run(1, hold);
  const turned = course.robot.headingRad;
  const ray = Math.round((180 - (turned * 90) / PI) % 180);
  const scanNow = course.sees('scan');
  assert.ok(Math.abs((scanNow[`range${ray % 180}`] as number) - 9.5) < 0.15, `heading ${turned}: east is ray ${ray}`);
});

test('[W17] robots and people stand in the scan at their surfaces, and nothing shows beyond the range', () => {
  const long = hall(40, 3);
  const course = new Course(long, [
    { id: 'r1', body: 'humanoid', cell: cellOf(long, 10, 2) },
    { id: 'r2', body: 'carrier', cell: cellOf(long, 15, 2) },
  ]);
  course.run(0.3, hold);
  const scan = course.sees('scan');
  assert.ok(Math.abs((scan['range0'] as number) - (5 - 0.38)) < 0.05, 'the carrier ahead');
  const alone = new Course(long, [{ id: 'r1', body: 'humanoid', cell: cellOf(long, 20, 2) }]);
  alone.run(0.2, hold);
  assert.equal(alone.sees('scan')['range0'], 0, '20 m of nothing');
  alone.run(0.5, hold, [{ type: 'person', xM: 17.5, yM: 2.5 }]);
  const behind = alone.sees('scan')['range90'] as number;
  assert.ok(behind > 1.2 && behind < 3.4, `someone behind at ${behind} m`);
});

test('[W17] someone standing aside shows on the rays that point at them, whichever way the robot faces', () => {
  const wide = hall(20, 20);
  for (const turn of [0, 0.8, -1.3, 2.4]) {
    const course = new Course(wide, [{ id: 'r1', body: 'humanoid', cell: cellOf(wide, 10, 10) }]);
    course.run(turn === 0 ? 0.1 : Math.abs(turn), drive(0, Math.sign(turn)));
    course.run(1, hold);
    const { xM, yM, headingRad } = course.robot;
    const before = course.frames.findLast((f) => f.channel === 'scan')?.values;
    // Put there afresh at every step, they have no time to walk away.
    for (let k = 0; k < 10; k++)
      course.step({}, [{ type: 'person', xM: xM + 2, yM: yM + 3, untilUs: course.world.atUs + 10_000 }]);
    const now = course.frames.findLast((f) => f.channel === 'scan')?.values;
    assert.ok(before && now);
    const shorter = [...now.keys()].filter(
      (ray) => now[ray] !== 0 && (before[ray] as number) - (now[ray] as number) > 1000,
    );
    const bearing = ((atan2(3, 2) - headingRad) * 90) / PI;
    assert.ok(shorter.length >= 2 && shorter.length <= 5, `turned ${turn}: rays ${shorter}`);
    for (const ray of shorter) {
      const off = ((((ray - bearing) % 180) + 270) % 180) - 90;
      assert.ok(Math.abs(off) < 3, `turned ${turn}: ray ${ray} for a bearing of ${bearing}`);
      assert.ok(Math.abs((now[ray] as number) / 1000 - (hypot(2, 3) - 0.25)) < 0.2);
    }
  }
});

test('[W17] a ray ends where the wall begins, from any point in any direction', () => {
  const rooms = siteOf(['########', '#...#..#', '#.#....#', '#......#', '########']);
  for (let k = 0; k < 2000; k++) {
    const xM = 1.053 + ((k * 7919) % 590) / 100;
    const yM = 1.053 + ((k * 104729) % 290) / 100;
    const column = Math.floor(xM);
    const row = 4 - Math.floor(yM);
    if (rooms.blocked[row * 8 + column] !== 0) continue;
    const dx = ((k * 31) % 41) - 20;
    const dy = ((k * 17) % 37) - 18;
    const length = hypot(dx, dy);
    if (length === 0) continue;
    const range = castRay(rooms, xM, yM, dx / length, dy / length, 15);
    const wallAt = (distance: number, east = 0, north = 0) => {
      const c = Math.floor(xM + (dx / length) * distance + east);
      const r = 4 - Math.floor(yM + (dy / length) * distance + north);
      return rooms.blocked[r * 8 + c] !== 0;
    };
    // A ray through the very corner of a wall touches it: look a hair to either side.
    const hair = 1e-6;
    const touches = [-hair, hair].some((east) => [-hair, hair].some((north) => wallAt(range, east, north)));
    assert.ok(range < 15 && touches, `no wall at the end of ray ${k}`);
    for (let part = 0; part < 1; part += 0.05) assert.ok(!wallAt(range * part - 1e-9), `ray ${k} went through a wall`);
  }
});

test('[W18] encoders count the way of each wheel, and the gyro agrees with them on a turn', () => {
  const course = at(2, 4);
  course.run(6, drive(0.5, 0.4));
  const { encoderLeft, encoderRight } = course.sees('motion');
  const turned = ((encoderRight as number) - (encoderLeft as number)) / 0.46;
  const gyro = valuesOf(course, 'motion', 2).reduce((sum, v) => sum + v * 1e-4 * 0.01, 0);
  assert.ok(Math.abs(turned - course.robot.headingRad) < 0.08, `${turned} and ${course.robot.headingRad}`);
  assert.ok(Math.abs(gyro - course.robot.headingRad) < 0.08);
  const length = ((encoderRight as number) + (encoderLeft as number)) / 2;
  assert.ok(Math.abs(length - (0.5 * 6 - 0.2)) < 0.1, `${length} m`);
});

test('[W18] the accelerometer feels pushing off and braking, and the body pitches with it', () => {
  const course = at(2, 4);
  course.run(0.5, drive(1));
  const mean = (field: number, last: number) => statistics(valuesOf(course, 'motion', field).slice(-last)).mean;
  assert.ok(Math.abs(mean(3, 30) * 1e-3 - 0.8) < 0.05);
  assert.ok(mean(5, 30) < -20, 'nose up');
  course.run(2);
  course.run(0.4, hold);
  assert.ok(Math.abs(mean(3, 30) * 1e-3 + 1) < 0.08);
});

test('[W19] a fix is worse between walls than in the open, and says so', () => {
  const lane = siteOf(['##############', '#............#', '##############']);
  const narrow = new Course(lane, [{ id: 'r1', body: 'humanoid', cell: cellOf(lane, 5, 1) }]);
  const open = at(6, 4);
  for (const course of [narrow, open]) course.run(30, hold);
  const sigma = (course: Course) => statistics(valuesOf(course, 'fix', 0)).sigma;
  const quality = (course: Course) => statistics(valuesOf(course, 'fix', 3)).mean;
  assert.ok(sigma(narrow) > 1.4 * sigma(open));
  assert.ok(quality(open) > 94 && quality(narrow) < 80);
});
