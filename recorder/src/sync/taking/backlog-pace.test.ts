import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BacklogPace } from './backlog-pace.ts';

const MS = 1_000;
const MB = 1024 * 1024;

/**
 * A hub on which every megabyte a second of a backlog makes what is live so much later, with bursts of it ten times a
 * second and a turn of the program each 5 ms.
 */
function hub(commitMsPerMB: number, turnMsPerMB = 0, frameMsPerMB: number | null = null) {
  const pace = new BacklogPace();
  const paces: number[] = [];
  let nowUs = 0;
  let passed = 0;
  let drawn = 7;
  /** 0 to 1, the same in every run. */
  const chance = (): number => {
    drawn = (drawn * 16_807) % 2_147_483_647;
    return drawn / 2_147_483_647;
  };
  /** @param live whether anything is */
  const run = (seconds: number, live = true): number => {
    const [from, until] = [passed, nowUs + seconds * 1e6];
    for (let step = 0; nowUs < until; step++, nowUs += 5 * MS) {
      const rests = pace.rests(nowUs);
      while (passed - from < 1e9 && pace.admits(nowUs)) {
        pace.take(0.06 * MB, nowUs);
        passed += 0.06 * MB;
        if (!live) break;
      }
      const load = rests ? 0 : pace.bytesPerS / MB;
      pace.turn((1 + turnMsPerMB * load) * MS, !rests, nowUs);
      if (frameMsPerMB !== null)
        for (let k = 0; k < 2; k++) pace.frame((1 + chance() + frameMsPerMB * load) * MS, !rests, nowUs);
      if (live && step % 20 === 0)
        for (let k = 0; k < 3; k++) pace.live((4 + commitMsPerMB * load) * MS, !rests, nowUs + k);
      paces.push(pace.bytesPerS);
    }
    return (passed - from) / seconds;
  };
  return { pace, run, paces };
}

test('[R125] a backlog goes as fast as what is live does not feel, whichever queue it would wait in', () => {
  // A fifth of 4 ms and 10 ms unfelt: 10.8 ms, which 54 MB/s make; of 1 ms and 0.5 unfelt: 0.7 ms, which 3.5 MB/s make; a
  // fifth of the slowest frames' 2 ms: 0.4 ms, which 20 MB/s make; with 22 one frame in twenty-five is slow.
  for (const [at, most, least] of [
    [hub(0.2), 63, 45],
    [hub(0, 0.2), 4.1, 2.9],
    [hub(0, 0, 0.02), 24, 15],
  ] as const) {
    at.run(150);
    const [high, low] = [Math.max(...at.paces.slice(-4000)), Math.min(...at.paces.slice(-4000))];
    assert.ok(high / MB <= most && low / MB >= least, `between ${low / MB} and ${high / MB} MB/s`);
    // Of each cycle a tenth is rest; what passes is no more than the pace says.
    const rate = at.run(20);
    assert.ok(rate <= high && rate > low * 0.8, `${rate / MB} MB/s`);
  }
});

test('[R125] [L6] a backlog that nothing live feels grows without end, and one that is always felt still drains', () => {
  const free = hub(0);
  free.run(60);
  assert.ok(free.pace.bytesPerS > 100 * MB, `${free.pace.bytesPerS}`);
  const felt = hub(1_000);
  felt.run(60);
  assert.equal(felt.pace.bytesPerS, 2 * MB);
  assert.ok(felt.run(20) > 1.7 * MB);
});

test('[R125] until something live feels it a pace is found by a part of what concludes something from then on', () => {
  const free = hub(0, 0, 0);
  free.run(16);
  assert.ok(free.pace.bytesPerS > 200 * MB, `${free.pace.bytesPerS / MB} MB/s`);
  const felt = hub(0, 0, 0.02);
  felt.run(60);
  const before = felt.paces.length;
  felt.run(60);
  const steps = felt.paces.slice(before).filter((bytesPerS, i, all) => i > 0 && bytesPerS !== all[i - 1]).length;
  assert.ok(steps <= 40, `${steps} steps in a minute`);
});

test('[R125] with nothing live a backlog is not held up at all, and what passed then is no debt afterwards', () => {
  const { pace, run } = hub(0.2);
  run(5, false);
  assert.equal(pace.admits(5_100 * MS), true);
  pace.take(1e12, 5_100 * MS);
  const rate = run(10);
  assert.ok(rate > 4 * MB, `${rate / MB} MB/s`);
});

test('[R125] of two seconds a part has no backlogs', () => {
  const pace = new BacklogPace();
  const rests = Array.from({ length: 400 }, (_, i) => pace.rests(i * 5 * MS));
  assert.equal(rests.filter(Boolean).length, 40);
});
