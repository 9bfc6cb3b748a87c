import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODIES } from '../bodies.ts';
import { NO_READING } from '../channels.ts';
import { groundOf } from '../ground.ts';
import { deriveSite, parseMovingAiMap } from '../site/index.ts';
import { initialBelief, parseRobotConfig } from './belief.ts';
import { foldMotion, imuDrifts } from './motion.ts';

const hall = ['type octile', 'height 12', 'width 12', 'map', ...Array.from({ length: 12 }, () => '.'.repeat(12))].join(
  '\n',
);
const ground = groundOf(deriveSite(parseMovingAiMap(hall, 'hall')));

/** A robot that turns on the spot at 1 rad/s: counts of both wheels, the gyro, and the controller's clock. */
function frame(tick: number, clock: boolean): Int32Array {
  const wheel = Math.round(tick * 0.01 * 0.5 * BODIES.humanoid.trackM * 1e4);
  return Int32Array.of(-wheel, wheel, 10_000, 0, 0, 0, 0, 0, 0, 0, clock ? tick * 100 : NO_READING);
}

/** Two frames at once, then none, as on a busy machine. */
function turn(clock: boolean): { readonly headingRad: number; readonly drifts: boolean } {
  const config = {
    site: { digest: ground.site.digest },
    body: 'humanoid',
    name: 'r1',
    start: { xM: 5.5, yM: 5.5, headingRad: 0 },
  };
  let motion = initialBelief(parseRobotConfig(ground, config), 0, []).motion;
  for (let tick = 1; tick <= 200; tick++) {
    const arrivesUs = (tick % 2 === 0 ? tick : tick + 1) * 10_000;
    motion = foldMotion(motion, BODIES.humanoid, frame(tick, clock), arrivesUs);
  }
  return { headingRad: motion.headingRad, drifts: imuDrifts(motion) };
}

test('[F11] frames that arrive in bunches turn the robot by what they measured, not by when they came', () => {
  const { headingRad, drifts } = turn(true);
  assert.ok(Math.abs(headingRad - 2) < 0.02, `${headingRad} rad after two seconds at 1 rad/s`);
  assert.equal(drifts, false);
});
