import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeLeft } from './time-left.ts';

test('what is left is told by the pace so far, in seconds and then in minutes, and not before anybody can know', () => {
  assert.equal(timeLeft(0.25, 20), ', 25 %, about 60 s left');
  assert.equal(timeLeft(0.1, 60), ', 10 %, about 9 min left');
  assert.equal(timeLeft(0.999, 100), ', 99 %, about 1 s left');
  for (const [share, tookS] of [
    [0, 60],
    [1, 60],
    [0.5, 1],
    [Number.NaN, 60],
  ] as const)
    assert.equal(timeLeft(share, tookS), '');
});
