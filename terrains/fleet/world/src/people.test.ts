import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellAt } from '@sigma/fleet-model';
import { hypot } from '@sigma/kernel';
import { Course, cellOf, drive, hall, hold, siteOf } from '../testing/course.ts';
import { peopleTruth } from './index.ts';

const aisles = siteOf([
  '############',
  '#..........#',
  '#.###.####.#',
  '#..........#',
  '#.###.####.#',
  '#..........#',
  '############',
]);
const corner = { id: 'r1', body: 'humanoid' as const, cell: cellOf(aisles, 1, 1) };

test('[W25] people walk on floor at 1.0 to 1.5 m/s, each at their own pace, and get about', () => {
  const course = new Course(aisles, [corner], { people: 8, seed: 5 });
  const speeds = new Set<string>();
  const visited = new Set<number>();
  let before = peopleTruth(course.world);
  for (let k = 0; k < 6000; k++) {
    course.step();
    const now = peopleTruth(course.world);
    now.forEach((person, i) => {
      const from = before[i];
      assert.ok(from);
      const speed = hypot(person.xM - from.xM, person.yM - from.yM) * 100;
      assert.ok(speed <= 1.5 + 1e-9, `${speed} m/s`);
      if (speed > 0.9) speeds.add(speed.toFixed(4));
      const cell = cellAt(aisles, person.xM, person.yM);
      assert.equal(aisles.blocked[cell], 0);
      visited.add(cell);
    });
    before = now;
  }
  assert.ok(speeds.size >= 8 && [...speeds].every((speed) => Number(speed) >= 0.9));
  assert.ok(visited.size > 25, `${visited.size} cells visited in a minute`);
});

test('[W26] somebody in an aisle waits for a robot in front of them, then turns back', () => {
  const lane = siteOf(['############', '#..........#', '############']);
  const course = new Course(lane, [{ id: 'r1', body: 'carrier', cell: cellOf(lane, 10, 1) }]);
  course.run(0.01, hold, [{ type: 'person', xM: 5.5, yM: 1.5 }]);
  let nearest = 99;
  let furthest = 0;
  for (let k = 0; k < 3000; k++) {
    course.step();
    const [person] = peopleTruth(course.world);
    assert.ok(person);
    const gap = 10.5 - person.xM - 0.38 - 0.25;
    nearest = Math.min(nearest, gap);
    furthest = Math.max(furthest, gap);
  }
  assert.ok(nearest > 0.3 && nearest < 0.8, `${nearest} m between surfaces`);
  assert.ok(furthest > 5, 'they came back from it');
  assert.equal(course.collisions.length, 0);
});

test('[W26] people never cause a contact with robots that stand still', () => {
  const robots = [corner, { id: 'r2', body: 'carrier' as const, cell: cellOf(aisles, 5, 3) }];
  const course = new Course(aisles, robots, { people: 10, seed: 11 });
  course.run(60, hold);
  assert.equal(course.collisions.length, 0);
  assert.equal(
    course.frames.some((f) => f.channel === 'motion' && f.values[9] === 1),
    false,
  );
});

test('[W25] the start of a world finds people away from the robots and half of them at work', () => {
  const site = hall(20, 20);
  const course = new Course(site, [{ id: 'r1', body: 'humanoid', cell: cellOf(site, 10, 10) }], { people: 50 });
  for (const person of peopleTruth(course.world)) assert.ok(hypot(person.xM - 10.5, person.yM - 11.5) >= 2);
  course.run(0.1, drive(0));
  assert.equal(peopleTruth(course.world).length, 50);
});
