import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BacklogWindow } from './backlog-window.ts';

const KB = 1024;
const MS = 1_000;

/** So many live batches one after the other, each acknowledged so late. @returns when the last one was */
function hear(window: BacklogWindow, times: number, delayUs: number, fromUs: number, everyUs = 100 * MS): number {
  for (let n = 1; n <= times; n++) window.live(delayUs, 60 * KB, fromUs + n * everyUs);
  return fromUs + times * everyUs;
}

test('[R125] [L6] with nothing live beside it a backlog takes what room there is', () => {
  const window = new BacklogWindow();
  const first = window.bytes;
  for (let round = 0; round < 4; round++) window.behind(window.bytes, round * 10 * MS);
  assert.equal(window.bytes, 16 * first);
});

test('[R125] [L8] it gives way while what is live is acknowledged late, and comes back when it is not', () => {
  const window = new BacklogWindow();
  let nowUs = hear(window, 100, 4 * MS, 0);
  const calm = window.bytes;
  assert.ok(calm > 4_000 * KB, `${calm}`);
  window.behind(60 * KB, nowUs);
  assert.equal(window.bytes, calm, 'what is live decides while there is some');
  nowUs = hear(window, 30, 50 * MS, nowUs);
  assert.equal(window.bytes, 16 * KB, 'never less than a small batch');
  assert.equal(window.admits(0, 60 * KB), true);
  assert.equal(window.admits(1 * KB, 16 * KB), false);
  hear(window, 20, 9 * MS, nowUs);
  assert.ok(window.bytes > 500 * KB && window.bytes < calm, 'slowly, near the bound');
});

test('[R125] it is halved once a round trip, however many batches tell of the same delay', () => {
  const window = new BacklogWindow();
  window.live(4 * MS, 0, 0);
  const before = window.bytes;
  for (let n = 0; n < 8; n++) window.live(40 * MS, 0, 100 * MS + n);
  assert.equal(window.bytes, before / 2);
});

/** A look that finds so many live batches and comes so late: they go one after the other, a millisecond apart. */
function look(window: BacklogWindow, batches: number, lateUs: number, fromUs: number): void {
  for (let n = 0; n < batches; n++) {
    const delayUs = 4 * MS + n * MS + lateUs;
    window.live(delayUs, 60 * KB, fromUs + delayUs);
  }
}

test('[R125] [L8] that what one look finds goes one after the other is no delay; a look that is late as a whole is one', () => {
  const window = new BacklogWindow();
  for (let n = 0; n < 20; n++) look(window, 40, 0, n * 100 * MS);
  const calm = window.bytes;
  assert.ok(calm > 4_000 * KB, `${calm}`);
  look(window, 40, 9 * MS, 2_000 * MS);
  assert.ok(window.bytes >= calm, 'within the target');
  look(window, 40, 12 * MS, 2_200 * MS);
  assert.ok(window.bytes < calm && window.bytes >= calm / 4, `${window.bytes} of ${calm}`);
});

test('[R125] the least delay is forgotten after ten minutes: a way that has become longer is no sign of a queue', () => {
  const window = new BacklogWindow();
  window.live(4 * MS, 0, 0);
  const nowUs = hear(window, 12, 60 * MS, 0, 60_000 * MS);
  const before = window.bytes;
  window.live(62 * MS, 60 * KB, nowUs + 10 * MS);
  assert.ok(window.bytes > before);
});
