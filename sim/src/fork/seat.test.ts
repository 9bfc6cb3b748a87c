import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOTION } from '@sigma/fleet-model';
import type { Stimulus } from '@sigma/kernel';
import type { LifeReader, LivedWake } from '@sigma/recorder';
import { Seat } from './seat.ts';

/** A frame of the wheels in the step of that number, and a distance that only tells frames apart. */
function motion(step: number, wheel: number): Stimulus {
  const values = new Int32Array(MOTION.fields.length);
  values[0] = wheel;
  values[MOTION.fields.indexOf('clock')] = step;
  return { kind: 'percept', channel: MOTION.channel, values };
}
const fix = (x: number): Stimulus => ({ kind: 'percept', channel: 'fix', values: Int32Array.of(x) });
const done: Stimulus = { kind: 'result', actionId: 'load-1', status: 'done', detail: null };

/** Held up for a while: nothing at 20 ms, and at 50 ms all that was sensed meanwhile. */
const LIFE = [
  { atUs: 10_000, inbox: [motion(1, 100)] },
  { atUs: 20_000, inbox: [] },
  { atUs: 50_000, inbox: [motion(2, 200), fix(7), motion(3, 300), done, motion(4, 400)] },
] as unknown as readonly LivedWake[];

const seatOf = (wakes: readonly LivedWake[]): Seat =>
  new Seat(0, 'r1', { peek: () => wakes } as unknown as LifeReader, []);

test('[R114] a robot that was held up hears of each step when it heard of it then, in place of what was recorded', () => {
  const seat = seatOf(LIFE);
  assert.equal(seat.sense([motion(1, 100)]), null, 'as recorded');
  assert.equal(seat.sense([motion(2, 200), fix(7)]), null);
  assert.equal(seat.sense([motion(3, 333)]), 50_000, 'otherwise, and heard when it woke again');
  assert.equal(seat.divergedUs, 50_000);
  const late = LIFE[2] as LivedWake;
  assert.deepEqual(seat.inbox(late, []), [motion(2, 200), fix(7), motion(3, 333), motion(4, 400)]);
});

test('[R114] a step that was never heard of changes nobody, and a life that goes on as it was forgets what was sensed for it', () => {
  const seat = seatOf(LIFE);
  assert.equal(seat.sense([motion(9, 900)]), null);
  assert.equal(seat.sense([motion(2, 222)]), 50_000);
  seat.lived(LIFE[2] as LivedWake);
  assert.deepEqual(seat.inbox(LIFE[2] as LivedWake, []), (LIFE[2] as LivedWake).inbox);
});
