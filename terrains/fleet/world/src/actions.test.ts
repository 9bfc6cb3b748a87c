import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_READING } from '@sigma/fleet-model';
import { action, Course, cellOf, cutoff, drive, hold, siteOf, stop } from '../testing/course.ts';
import { robotTruth } from './index.ts';

const site = siteOf(['########', '#S..D.C#', '#......#', '########']);
const S1 = cellOf(site, 1, 1);
const D1 = cellOf(site, 4, 1);
const at = (cell: number, body: 'humanoid' | 'carrier' = 'humanoid') => new Course(site, [{ id: 'r1', body, cell }]);
const told = (course: Course) => course.results.map((r) => `${r.actionId} ${r.status}`);
const detail = <T>(course: Course, at = -1) => course.results.at(at)?.detail as T;
const reason = (course: Course) => detail<{ reason: string } | undefined>(course)?.reason ?? '';

test('[W40] load, carry, unload: each is accepted, runs 8 to 20 s and is done', () => {
  const course = at(S1);
  course.run(0.05, action('load', { station: 's1', item: 'crate-7' }));
  assert.deepEqual(told(course), ['load accepted', 'load running']);
  const began = course.world.atUs;
  course.until(() => course.results.length === 3, 21);
  const seconds = (course.world.atUs - began) / 1e6;
  assert.ok(seconds >= 7.9 && seconds <= 20.1, `${seconds} s`);
  assert.equal(course.results[2]?.status, 'done');
  assert.deepEqual([course.robot.item, course.robot.loadKg > 1, course.robot.loadKg <= 15], ['crate-7', true, true]);
  course.run(21, action('unload', { station: 's1', item: 'crate-7' }));
  assert.deepEqual([course.robot.item, course.robot.loadKg], [null, 0]);
  assert.equal(told(course).at(-1), 'unload done');
});

test('[W40] what cannot be done fails with the reason', () => {
  const far = at(D1);
  far.run(1, action('load', { station: 's1', item: 'x' }));
  assert.match(reason(far), /^3\.00 m from 's1', within 0\.4 m is needed$/);
  const cases: [number, string, Record<string, string>, RegExp][] = [
    [S1, 'unload', { station: 's1' }, /carries nothing/],
    [S1, 'load', { station: 'nowhere' }, /no place 'nowhere'/],
    [S1, 'load', {}, /no place 'undefined'/],
    [D1, 'load', { station: 'd1' }, /'d1' is no station/],
    [S1, 'dock', { place: 's1' }, /'s1' is a station/],
    [S1, 'undock', {}, /is not docked/],
    [S1, 'juggle', {}, /no action is called 'juggle'/],
    [S1, 'toString', {}, /no action is called/],
  ];
  for (const [cell, name, params, message] of cases) {
    const course = at(cell);
    course.run(1, action(name, params));
    assert.equal(course.results.at(-1)?.status, 'failed', name);
    assert.match(reason(course), message);
  }
  const twice = at(S1);
  twice.run(21, action('load', { station: 's1', item: 'a' }));
  twice.run(1, action('load', { station: 's1', item: 'b' }, 'again'));
  assert.match(reason(twice), /already carries 'a'/);
});

test('[W41] an action waits until the robot stands', () => {
  const course = at(S1);
  course.run(0.5, drive(0, 1));
  course.step({ 0: action('scan') });
  assert.deepEqual(told(course), ['scan accepted']);
  course.run(1);
  assert.deepEqual(told(course), ['scan accepted', 'scan running']);
  course.run(2);
  assert.equal(course.results.at(-1)?.status, 'done');
  const { nearestM } = detail<{ nearestM: number }>(course);
  assert.ok(Math.abs(nearestM - 0.5) < 0.01, `${nearestM} m to the wall`);
});

test('[W42] any other command cancels the action, the same id does not', () => {
  for (const [command, word] of [
    [stop(1), 'stop'],
    [cutoff, 'cutoff'],
    [hold, 'hold'],
    [drive(1), 'drive'],
  ] as const) {
    const course = at(S1);
    const load = action('load', { station: 's1', item: 'x' });
    course.run(2, load);
    course.run(2, load);
    assert.deepEqual(told(course), ['load accepted', 'load running'], 'asked again it goes on');
    course.run(1, command);
    assert.equal(course.results.at(-1)?.status, 'cancelled');
    assert.match(reason(course), new RegExp(`'${word}' took its place`));
    assert.equal(course.robot.item, null);
  }
});

test('[W42] an action with the key of the one just finished is not done twice', () => {
  const course = at(S1);
  const first = action('scan', {}, 'a');
  course.run(3, first);
  course.run(0.05, { ...first, id: 'b' } as typeof first);
  assert.deepEqual(told(course), ['a accepted', 'a running', 'a done', 'b done']);
  assert.deepEqual(course.results[3]?.detail, course.results[2]?.detail);
});

test('[W43] two robots want one charger: the lower index has it, the other hears who', () => {
  const wide = siteOf(['########', '#..C...#', '########'], 2);
  const course = new Course(wide, [
    { id: 'alpha', body: 'humanoid', cell: cellOf(wide, 2, 1) },
    { id: 'beta', body: 'humanoid', cell: cellOf(wide, 4, 1) },
  ]);
  // Both creep up to the charger until they touch: half a body from its middle, each within reach.
  course.step({ 0: drive(0.3), 1: drive(-0.3) });
  course.until(() => robotTruth(course.world, 0).touching, 20);
  course.run(1, hold);
  course.step({ 1: hold });
  course.run(1);
  course.step({ 0: action('dock', { place: 'c1' }, 'a'), 1: action('dock', { place: 'c1' }, 'b') });
  course.run(6);
  const ends = course.results.filter((r) => r.status === 'done' || r.status === 'failed');
  assert.deepEqual(
    ends.map((r) => `${r.actionId} ${r.status}`),
    ['b failed', 'a done'],
  );
  assert.match(JSON.stringify(ends[0]?.detail), /'c1' is taken by 'alpha'/);
  assert.equal(robotTruth(course.world, 0).dockedAt, 'c1');
});

test('[W40] docking closes the contacts after some seconds, undocking opens them', () => {
  const course = at(D1);
  course.run(2.5, action('undock'));
  assert.equal(course.robot.dockedAt, null);
  course.run(2, action('dock', { place: 'd1' }));
  assert.equal(course.robot.dockedAt, null, 'not yet');
  course.run(4);
  assert.equal(course.robot.dockedAt, 'd1');
});

test('[W44] joints work while loading; a carrier has only its lift', () => {
  const human = at(S1);
  human.run(2, hold);
  const rest = human.sees('health')['torqueShoulderLeft'] as number;
  human.run(5, action('load', { station: 's1', item: 'x' }));
  assert.ok((human.sees('health')['torqueShoulderLeft'] as number) > rest + 3);
  assert.ok((human.sees('health')['currentWaist'] as number) > 0.5);
  const carrier = at(S1, 'carrier');
  carrier.run(5, action('load', { station: 's1', item: 'x' }));
  const frame = carrier.frames.findLast((f) => f.channel === 'health');
  assert.equal(frame?.values[8], NO_READING);
  assert.ok((carrier.sees('health')['torqueLift'] as number) > 3);
});

test('[W40] the same item weighs the same on every trip', () => {
  const weigh = (item: string) => {
    const course = at(S1);
    course.run(21, action('load', { station: 's1', item }));
    return course.robot.loadKg;
  };
  assert.equal(weigh('crate-7'), weigh('crate-7'));
  assert.notEqual(weigh('crate-7'), weigh('crate-8'));
});
