import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebGLRenderer } from 'three';
import { Pace } from './pace.ts';

/** A renderer that takes `costMs` for each picture, on a clock of its own; the sync says so only then. */
function painted(pictures: number, costMs: number, movedMs = costMs) {
  let nowMs = 0;
  let doneMs = 0;
  const gl = {
    SYNC_STATUS: 1,
    SIGNALED: 2,
    SYNC_GPU_COMMANDS_COMPLETE: 3,
    fenceSync: () => ({}),
    flush: () => undefined,
    deleteSync: () => undefined,
    getSyncParameter: () => (nowMs >= doneMs ? 2 : 0),
  };
  const pace = new Pace({ getContext: () => gl } as unknown as WebGLRenderer, () => nowMs);
  const paint = (moved: boolean, tookMs: number) => {
    doneMs = nowMs + tookMs;
    pace.handedOver(nowMs, moved);
    assert.equal(pace.free(nowMs), false, 'one picture at a time');
    nowMs = doneMs;
    assert.equal(pace.free(nowMs), true);
  };
  for (let k = 0; k < pictures; k++) paint(k % 2 === 1, k % 2 === 1 ? movedMs : costMs);
  return { pace, nowMs, paint };
}

test('after an act a slow renderer is kept free for the next, and not for long', () => {
  const { pace, nowMs } = painted(20, 15);
  assert.equal(pace.keepsFree(nowMs), false, 'nobody acts');
  pace.acted(nowMs);
  assert.equal(pace.keepsFree(nowMs + 240), true);
  assert.equal(pace.keepsFree(nowMs + 260), false, 'robots go on four times a second at least');
});

test('where pictures with a moved camera are dear, they are drawn coarsely until they would be cheap in full', () => {
  const { pace, paint } = painted(20, 12, 45);
  assert.equal(pace.coarse, true, 'though a picture under a resting camera costs little');
  for (let k = 0; k < 5; k++) paint(true, 18);
  assert.equal(pace.coarse, true, 'cheap because it is coarse');
  for (let k = 0; k < 5; k++) paint(true, 11);
  assert.equal(pace.coarse, false);
});

test('one slow picture on a page that is busy with something else makes nothing coarse', () => {
  const { pace, paint } = painted(20, 12, 15);
  paint(true, 200);
  paint(true, 15);
  paint(true, 150);
  assert.equal(pace.coarse, false);
});

test('a quick renderer has time for everything', () => {
  const { pace, nowMs, paint } = painted(60, 6);
  pace.acted(nowMs);
  assert.equal(pace.keepsFree(nowMs + 1), false);
  for (let k = 0; k < 3; k++) paint(true, 60);
  assert.equal(pace.coarse, false, 'nothing on it is ever coarse');
});
