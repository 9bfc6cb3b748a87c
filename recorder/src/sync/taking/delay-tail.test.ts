import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DelayTail } from './delay-tail.ts';

const MS = 1_000;
/** Of 100 beside a backlog 10 are slow anyway; two standard deviations more are 16. */
const BY = { kept: 200, alone: 50, beside: 100, slow: 0.1, unfeltUs: 0 };

/** Delays 10 ms after each other: of the kind that stands there, so many, of which each so many-th is slow. */
function tail() {
  const of = new DelayTail(BY);
  let nowUs = 0;
  const add = (beside: boolean, times: number, slowEach: number, slowUs = 5 * MS): readonly boolean[] =>
    Array.from({ length: times }, (_, i) => {
      nowUs += 10 * MS;
      return of.add((i + 1) % slowEach === 0 ? slowUs : MS, beside, nowUs);
    });
  const together = (us: readonly number[], beside: boolean): void => {
    nowUs += 10 * MS;
    for (const [i, delay] of us.entries()) of.add(delay, beside, nowUs + i);
  };
  return { of, add, together };
}

test('[R125] nothing is concluded before enough is known of both, and nothing is late of which as many are slow as ever', () => {
  const { of, add } = tail();
  add(true, 300, 2);
  assert.equal(of.late, null, 'what is slow without a backlog nobody knows yet');
  add(false, 60, 10);
  add(true, 100, 10);
  assert.equal(of.late, null);
  // What came last is told when the next comes.
  assert.deepEqual(add(true, 2, 10), [true, false]);
  assert.equal(of.late, false);
});

test('[R125] what is slow more often than chance makes it is late at once, and what was not late is not late by waiting', () => {
  const { of, add } = tail();
  add(false, 60, 10);
  const told = add(true, 60, 2, 7 * MS);
  assert.equal(told.indexOf(true), 34, 'the seventeenth slow one');
  assert.equal(of.late, true);
  of.begin();
  add(true, 101, 10, 7 * MS);
  assert.equal(of.late, false);
  add(true, 1_000, 2, 7 * MS);
  assert.equal(of.late, false, 'until it begins anew');
  of.begin();
  assert.equal(of.late, null);
  add(true, 50, 2, 7 * MS);
  assert.equal(of.late, true);
});

test('[R125] a part of what concludes something as a rule concludes it sooner, by as many as chance makes slow of that', () => {
  const { of, add } = tail();
  add(false, 60, 10);
  of.begin(1 / 4);
  // Of 25 two or three are slow anyway; two standard deviations more are five.
  assert.equal(add(true, 25, 5, 7 * MS).indexOf(true), -1);
  assert.deepEqual(add(true, 1, 5, 7 * MS), [true]);
  assert.equal(of.late, false, 'five slow ones of 25');
  of.begin(1 / 4);
  assert.equal(add(true, 25, 2, 7 * MS).indexOf(true), 12, 'the sixth slow one');
  assert.equal(of.late, true);
  of.begin();
  add(true, 60, 9, 7 * MS);
  assert.equal(of.late, null, 'as much as ever is wanted again');
});

test('[R125] a fifth more is not slow', () => {
  const { of, add } = tail();
  add(false, 60, 8);
  add(true, 101, 2, 5.9 * MS);
  assert.equal(of.late, false);
});

test('[R125] what comes together tells one thing: its longest delay', () => {
  const { of, add, together } = tail();
  add(false, 60, 10);
  for (let n = 0; n < 16; n++) together([MS, 9 * MS, 9 * MS, MS], true);
  assert.equal(of.late, null, '32 slow ones, in 16 bursts');
  together([9 * MS], true);
  together([MS], true);
  assert.equal(of.late, true);
});
