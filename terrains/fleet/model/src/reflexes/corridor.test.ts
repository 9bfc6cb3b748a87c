import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, cos, sin, UnknownFlagError } from '@sigma/kernel';
import fc from 'fast-check';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import type { FleetBelief } from '../belief/belief.ts';
import { foldBelief } from '../belief/fold.ts';
import { LANE_MARGIN_M } from '../belief/sight.ts';
import { FIX } from '../channels.ts';
import { groundOf } from '../ground.ts';
import { sweptPathM, turnWithin } from './corridor.ts';

const SITE = drawnSite(HALL);

/** A robot that was driven along the wall and is told to turn into it without slowing down first. */
function swerve(flags: readonly number[]): { readonly leastM: number; readonly atMps: number } {
  const stage = new Stage({ site: SITE, body: 'carrier', start: { xM: 1.5, yM: 1.55, headingRad: 0 }, flags });
  stage.order({ type: 'lease', leaseId: 'l', holder: 'ann', expiresAtUs: 60_000_000 });
  stage.assign(goTo(17.5, 1.55)).tick();
  stage.plan(advance([17.5, 1.55])).run(3);
  const turn: Command = {
    kind: 'setpoint',
    name: 'drive',
    params: { speedMps: 0, turnRadps: -1.6 },
    durationUs: 3_000_000,
  };
  stage.order({ type: 'command', leaseId: 'l', command: turn, rationale: 'swerve' });
  let leastM = Number.POSITIVE_INFINITY;
  let atMps = 0;
  stage.run(3, () => {
    const gapM = stage.yM - 1 - stage.body.radiusM;
    if (leastM >= 0 && gapM < 0) atMps = stage.speedMps;
    leastM = Math.min(leastM, gapM);
  });
  return { leastM, atMps };
}

test('[F101] a robot at speed that is told to turn on the spot beside a wall stays off it', () => {
  const { leastM } = swerve([1001]);
  assert.ok(leastM > 0.01, `the hull came to ${leastM} m`);
});

test('[F101] [K91] one that began before the flag drives into the wall: what the flag is for', () => {
  const { leastM, atMps } = swerve([]);
  assert.ok(leastM < 0 && atMps > 0.3, `the hull came to ${leastM} m at ${atMps} m/s`);
});

/** Moving through the hall at 1 m/s with a picture of it. */
function moving(headingRad: number, xM: number, yM: number): FleetBelief {
  const { belief } = new Stage({ site: SITE, body: 'carrier', start: { xM, yM, headingRad } }).run(0.2);
  return { ...belief, motion: { ...belief.motion, speedMps: 1 } };
}

const turning = (world: FleetBelief, turnRadps: number): FleetBelief => ({
  ...world,
  motion: { ...world.motion, turnRadps },
});

const place = fc.record({
  headingRad: fc.integer({ min: -31, max: 31 }).map((n) => n / 10),
  xM: fc.integer({ min: 15, max: 185 }).map((n) => n / 10),
  yM: fc.integer({ min: 15, max: 75 }).map((n) => n / 10),
});

test('[F100] the harder a robot turns the less way is free, and what is left of a turn never grows with speed', () => {
  fc.assert(
    fc.property(place, fc.boolean(), ({ headingRad, xM, yM }, left) => {
      const world = moving(headingRad, xM, yM);
      const side = left ? 1 : -1;
      let freeM = Number.POSITIVE_INFINITY;
      for (const turn of [0, 0.1, 0.3, 0.8, 1.6]) {
        const now = sweptPathM(turning(world, side * turn));
        assert.ok(now <= freeM + LANE_MARGIN_M, `${now} m free at ${turn} rad/s, ${freeM} m before`);
        freeM = now;
      }
      let within = Number.POSITIVE_INFINITY;
      for (const speedMps of [0, 0.2, 0.6, 1, 1.8]) {
        const now = turnWithin({ ...world, motion: { ...world.motion, speedMps } }, side * 1.6);
        assert.ok(now <= within, `${now} rad/s at ${speedMps} m/s, ${within} before`);
        within = now;
      }
    }),
    { seed: 11, numRuns: 60 },
  );
});

test('[F100] the corridor ends where the hull, driven on every course in it, would touch the wall', () => {
  fc.assert(
    fc.property(place, fc.integer({ min: -16, max: 16 }), ({ headingRad, xM, yM }, tenths) => {
      const world = turning(moving(headingRad, xM, yM), tenths / 10);
      const freeM = sweptPathM(world);
      const rate = Math.abs(tenths / 10);
      const changeRad = Math.sign(tenths) * (rate * 0.1 + (rate * rate) / 8);
      for (let part = 0; part <= 4; part++) {
        const courseRad = world.motion.headingRad + (changeRad * part) / 4;
        const wayM = Math.min(freeM, 2) - 0.03;
        if (wayM <= 0) continue;
        const x = xM + wayM * cos(courseRad);
        const y = yM + wayM * sin(courseRad);
        const gapM = Math.min(x - 1, 19 - x, y - 1, 8 - y) - 0.38;
        assert.ok(gapM > -0.01, `${gapM} m of gap after ${wayM} m on course ${courseRad}`);
      }
    }),
    { seed: 12, numRuns: 200 },
  );
});

test('[F102] when the beacons correct the place, what was seen stays where it was seen from the robot', () => {
  const world = turning(moving(0.3, 16.5, 3), 0.8);
  const values = Int32Array.from([16_560, 2950, 3300, 100]);
  const moved = foldBelief(world, groundOf(SITE), { kind: 'percept', channel: FIX.channel, values }, 300_000);
  assert.notEqual(moved.motion.xM, world.motion.xM);
  assert.notEqual(moved.motion.headingRad, world.motion.headingRad);
  assert.ok(Math.abs(sweptPathM(moved) - sweptPathM(world)) < 1e-9, `${sweptPathM(moved)} ${sweptPathM(world)}`);
});

test('[K91] a robot of a flag that this model does not know is refused', () => {
  assert.throws(() => new Stage({ site: SITE, flags: [1001, 1999] }), UnknownFlagError);
});
