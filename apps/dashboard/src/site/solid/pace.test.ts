import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebGLRenderer } from 'three';
import { Pace } from './pace.ts';

/** A renderer that takes `costMs` for each picture, on a clock of its own; the sync says so only then. */
function painted(pictures: number, costMs: number) {
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
  for (let k = 0; k < pictures; k++) {
    doneMs = nowMs + costMs;
    pace.handedOver(nowMs);
    assert.equal(pace.free(nowMs), false, 'one picture at a time');
    nowMs = doneMs;
    assert.equal(pace.free(nowMs), true);
  }
  return { pace, nowMs };
}

test('after an act a slow renderer is kept free for the next, in proportion to what a picture costs, and not for long', () => {
  const { pace, nowMs } = painted(20, 15);
  assert.equal(pace.keepsFree(nowMs), false, 'nobody acts');
  pace.acted(nowMs);
  assert.equal(pace.keepsFree(nowMs + 170), true);
  assert.equal(pace.keepsFree(nowMs + 190), false);
  const slow = painted(20, 50);
  slow.pace.acted(slow.nowMs);
  assert.equal(slow.pace.keepsFree(slow.nowMs + 240), true);
  assert.equal(slow.pace.keepsFree(slow.nowMs + 260), false, 'robots go on four times a second at least');
});

test('a quick renderer has time for everything', () => {
  const { pace, nowMs } = painted(20, 6);
  pace.acted(nowMs);
  assert.equal(pace.keepsFree(nowMs + 1), false);
});
