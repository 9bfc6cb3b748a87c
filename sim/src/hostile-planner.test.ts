import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW_ROBOT_FLAGS } from '@sigma/fleet-model';
import { Arena, type ArenaContact } from '../testing/arena.ts';

/*
 * Sites drawn at random, five robots on each, planners and operators that want a crash and change their mind every few
 * tenths of a second. The world reports every contact at 0.05 m/s or more, so that much is what is claimed: nothing is
 * said of a hull that comes to rest against something slower than that.
 */

/** Sites on which robots without the corridor run into walls within a few seconds. */
const TELLING = [141, 158, 164, 172, 187];
const SECONDS = 12;
const MORE = [1, 2, 3, 4, 5, 6, 7, 8];

const contactsOn = (seed: number, seconds: number, flags: readonly number[]): readonly ArenaContact[] =>
  new Arena({ seed, robots: 5, flags }).run(seconds).contacts;

for (const seed of [...TELLING, ...MORE]) {
  test(`[L9] [F102] site ${seed}: whatever planner and operator say, no robot touches anything at 0.05 m/s or more`, () => {
    assert.deepEqual(contactsOn(seed, TELLING.includes(seed) ? SECONDS : 30, NEW_ROBOT_FLAGS), []);
  });
}

test('[K91] without the corridor [F100] every telling site has a robot in a wall at more than 0.4 m/s', () => {
  for (const seed of TELLING) {
    const worst = Math.max(0, ...contactsOn(seed, SECONDS, []).map(({ speedMps }) => speedMps));
    assert.ok(worst > 0.4, `site ${seed}: at most ${worst} m/s`);
  }
});

test('the hostile planner does make robots drive: they are not safe because they stand', () => {
  const { drivenM } = new Arena({ seed: 187, robots: 5, flags: NEW_ROBOT_FLAGS }).run(SECONDS);
  assert.ok(drivenM > 5, `${drivenM} m`);
});
