import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentClock, monotonicUs } from './clock.ts';

/** A clock that began so long ago that what passes while a test runs is nothing beside it. */
const AGO_US = 1_000_000_000;
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 2_000_000, `${actual} is not near ${expected}`);

test('agent time runs at its rate from its anchor, for every thread alike', () => {
  const clock = new AgentClock();
  const other = new AgentClock(clock.memory);
  clock.set(monotonicUs() - AGO_US, 0, 4);
  near(clock.nowUs(), 4 * AGO_US);
  near(other.nowUs(), 4 * AGO_US);
  assert.equal(other.lasts(1_000), 250);
  clock.set(monotonicUs() - AGO_US, 8 * AGO_US, 0.25);
  near(other.nowUs(), 8.25 * AGO_US);
  assert.equal(other.lasts(1_000), 4_000);
});

test('a clock that was ahead stands until the new pace has come up, and never goes back', () => {
  const clock = new AgentClock();
  clock.set(monotonicUs() - AGO_US, 0, 4);
  const ahead = clock.nowUs();
  clock.set(monotonicUs() - AGO_US, 0, 1);
  assert.equal(clock.nowUs(), ahead);
  clock.set(monotonicUs() - AGO_US, 4 * AGO_US, 1);
  assert.ok(clock.nowUs() > ahead);
});

test('time that stands, runs back or is no number is refused', () => {
  const clock = new AgentClock();
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => clock.set(0, 0, rate), RangeError);
  }
  assert.equal(clock.rate, 1);
});
