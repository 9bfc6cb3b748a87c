import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameDelays } from './frame-delays.ts';

const MS = 1_000;

test('[R125] a frame is late by what it took more than the quickest, whatever the other clock says', () => {
  for (const offUs of [-3_600_000 * MS, 0, 12 * MS]) {
    const delays = new FrameDelays();
    const late = [4, 2, 2, 9, 3].map((ms, i) => delays.late(offUs + ms * MS, i * MS));
    assert.deepEqual(late, [0, 0, 0, 7 * MS, 1 * MS]);
  }
});

test('[R125] after a clock was set, frames are late for twenty seconds at most', () => {
  const delays = new FrameDelays();
  const at = (s: number): number => delays.late((s < 5 ? 2 : 502) * MS, s * 1_000 * MS);
  const late = Array.from({ length: 40 }, (_, s) => at(s));
  assert.equal(Math.max(...late.slice(0, 5)), 0);
  assert.equal(late[6], 500 * MS);
  assert.equal(Math.max(...late.slice(25)), 0);
});
