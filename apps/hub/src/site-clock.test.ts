import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { openSiteTime, SiteClock } from './site-clock.ts';

const START_US = 1_700_000_000_000_000;

/** A wall clock and the timers of Node, turned together by hand. */
function wall() {
  mock.timers.enable({ apis: ['setTimeout'] });
  let nowUs = START_US;
  return {
    nowUs: () => nowUs,
    turn: (ms: number) => {
      for (let k = 0; k < ms; k++) {
        nowUs += 1_000;
        mock.timers.tick(1);
      }
    },
  };
}

test('site time runs at its rate, and what waits moves with it when the rate changes', (t) => {
  const { nowUs, turn } = wall();
  t.after(() => mock.timers.reset());
  const clock = new SiteClock(0, nowUs);
  const heard: string[] = [];
  clock.after(1_000_000, () => heard.push(`once ${clock.nowUs() - START_US}`));
  clock.every(400_000, () => heard.push(`every ${clock.nowUs() - START_US}`));
  const off = clock.after(900_000, () => heard.push('never'));
  turn(200);
  clock.setRate(4);
  off();
  turn(200);
  assert.equal(clock.nowUs() - START_US, 1_000_000);
  assert.deepEqual(heard, ['every 400000', 'every 800000', 'once 1000000']);
  clock.setRate(0.25);
  turn(799);
  assert.equal(heard.length, 3);
  turn(1);
  assert.deepEqual(heard.slice(3), ['every 1200000']);
  assert.equal(clock.aheadUs, 0);
});

test('it begins where the site was when the wall clock is behind, and never goes back', () => {
  let nowUs = START_US;
  const clock = new SiteClock(START_US + 5_000_000, () => nowUs);
  assert.equal(clock.nowUs(), START_US + 5_000_000);
  nowUs -= 1_000_000;
  assert.equal(clock.nowUs(), START_US + 5_000_000, 'the wall clock was put back');
  for (const rate of [0, -2, Number.NaN]) assert.throws(() => clock.setRate(rate), RangeError);
});

test('a hub that starts again is not before what it has recorded, whether it was ended or killed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-site-time-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const usual = openSiteTime(folder);
  usual.close();
  assert.deepEqual(readdirSync(folder), [], 'time that never ran ahead leaves nothing behind');
  const fast = openSiteTime(folder);
  fast.setRate(4);
  const killed = openSiteTime(folder);
  assert.ok(killed.clock.nowUs() > fast.clock.nowUs(), 'what was kept lies ahead of what was lived');
  const ended = killed.clock.nowUs();
  killed.close();
  fast.clock.setRate(1);
  const again = openSiteTime(folder);
  assert.ok(again.clock.nowUs() >= ended);
  assert.ok(again.clock.aheadUs < 120_000_000, 'and not ever further ahead');
  again.close();
});
