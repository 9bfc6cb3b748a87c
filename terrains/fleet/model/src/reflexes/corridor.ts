import { cos, sin } from '@sigma/kernel';
import { bodyOf, type FleetBelief, type Viewpoint } from '../belief/belief.ts';
import { pictureLateS } from '../belief/freshness.ts';
import { LANE_MARGIN_M, RAY_COS, RAY_SIN } from '../belief/sight.ts';
import type { Body } from '../bodies.ts';
import { SCAN_RAYS } from '../channels.ts';
import { STANDING_MPS } from './separation.ts';

/*
 * What a robot sweeps over until it stands, after the admissible velocities of the dynamic window approach (Fox, Burgard,
 * Thrun: The Dynamic Window Approach to Collision Avoidance, 1997, section 4.2), with one change: the arc is not driven to
 * its end but left by braking, and while speed and turn rate fall to 0 the course changes by a bounded angle only. Every
 * course in between lies in a sector before the robot; the hull swept along it, the corridor, contains whatever way the
 * body really takes, wherever in between the braking begins.
 */

/** Returns further away are out of reach of any stop from full speed, on a picture of any age that allows speed. */
const NEAR_MM = 4000;
/** From a reflex's word to the first change of the turn rate: one cycle, the actuators, the drive's lag. */
const TURN_REACTION_S = 0.1;
/** From a clamped turn to the first newton of the brakes, should they be called for in the next cycle. */
const BRAKE_REACTION_S = 0.06;
/** What must be left when the robot stands, at least. */
const LEFT_M = 0.02;
/** Turn rates that a turn is lowered to. Few, so that a bound that moves does not make a new command at every tick. */
const TURN_STEPS_RADPS = [1.6, 1.2, 0.9, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05];

/** Pairs of (forward, leftward) of a scan's near returns, in the frame of the viewpoint. A cache: never changes an answer. */
const nearReturns = new WeakMap<Int32Array, Float64Array>();
/** Written and read within one call. */
const nearby = new Float64Array(2 * SCAN_RAYS);

function nearOf(ranges: Int32Array): Float64Array {
  const known = nearReturns.get(ranges);
  if (known !== undefined) return known;
  let length = 0;
  for (let ray = 0; ray < SCAN_RAYS; ray++) {
    const millimetres = ranges[ray] as number;
    // NO_READING is less than 0.
    if (millimetres <= 0 || millimetres > NEAR_MM) continue;
    const range = millimetres * 1e-3;
    nearby[length++] = range * (RAY_COS[ray] as number);
    nearby[length++] = range * (RAY_SIN[ray] as number);
  }
  const near = nearby.slice(0, length);
  nearReturns.set(ranges, near);
  return near;
}

/** Angle by which the course still changes when a turn at that rate is ended as soon as it can be, rad, >= 0. */
const courseChangeRad = (turnRadps: number, body: Body): number => {
  const rate = Math.min(Math.abs(turnRadps), body.maxTurnRadps);
  return rate * TURN_REACTION_S + (rate * rate) / (2 * body.turnAccelRadps2);
};

/**
 * Way that the hull is free to go on every course between straight on and one that a turn at `turnRadps` may still lead
 * to, from where the robot is now, m, >= 0; Infinity where nothing near stands in the corridor.
 *
 * @param turnRadps of the body; its sign says to which side
 * @param backwards true for what is behind a robot that drives backwards
 */
function corridorM(world: FleetBelief, seenFrom: Viewpoint, turnRadps: number, backwards: boolean): number {
  const { ranges } = world.sight;
  if (ranges === null) return Number.POSITIVE_INFINITY;
  const { motion } = world;
  const body = bodyOf(world);
  const near = nearOf(ranges);
  const lane = body.radiusM + LANE_MARGIN_M;
  const radiusSquared = body.radiusM * body.radiusM;
  // From the frame of the viewpoint to the robot's, with its first axis in the direction of travel and the corridor on its left.
  const way = backwards ? -1 : 1;
  const side = turnRadps < 0 ? -1 : 1;
  const cosT = (seenFrom.cosH * motion.cosH + seenFrom.sinH * motion.sinH) * way;
  const sinT = (seenFrom.sinH * motion.cosH - seenFrom.cosH * motion.sinH) * way;
  const dx = seenFrom.xM - motion.xM;
  const dy = seenFrom.yM - motion.yM;
  const shiftX = (dx * motion.cosH + dy * motion.sinH) * way;
  const shiftY = (dy * motion.cosH - dx * motion.sinH) * way;
  const changeRad = courseChangeRad(turnRadps, body);
  const cosC = cos(changeRad);
  const sinC = sin(changeRad);
  let freeM = Number.POSITIVE_INFINITY;
  for (let k = 0; k < near.length; k += 2) {
    const forward = near[k] as number;
    const leftward = near[k + 1] as number;
    const x = cosT * forward - sinT * leftward + shiftX;
    const y = (sinT * forward + cosT * leftward + shiftY) * side;
    // Beside the corridor the nearest course is its edge, inside it the one that leads straight to the return.
    const left = y * cosC - x * sinC;
    let ahead = x;
    let aside = -y;
    if (left > 0) {
      ahead = x * cosC + y * sinC;
      aside = left;
    } else if (y > 0) {
      ahead = Math.sqrt(x * x + y * y);
      aside = 0;
    }
    if (ahead <= 0 || aside >= lane || ahead - body.radiusM >= freeM) continue;
    const nose = aside < body.radiusM ? Math.sqrt(radiusSquared - aside * aside) : 0;
    if (ahead - nose < freeM) freeM = ahead - nose;
  }
  return Math.max(0, freeM);
}

/** Way that the moving hull is free to go wherever its present turn may still lead it, m; Infinity for one that stands. [F100] */
export function sweptPathM(world: FleetBelief): number {
  const { motion, sight } = world;
  const { seenFrom } = sight;
  if (seenFrom === undefined || Math.abs(motion.speedMps) < STANDING_MPS) return Number.POSITIVE_INFINITY;
  return corridorM(world, seenFrom, motion.turnRadps, motion.speedMps < 0);
}

/**
 * What is left of a turn for a body that, as fast as it is now, must be able to stop before whatever it may sweep over:
 * rad/s, 0 to the magnitude asked for. The bound itself depends on the belief and the side alone, so that no restriction
 * can loosen it (L1). [F101]
 */
export function turnWithin(world: FleetBelief, turnRadps: number): number {
  const { motion, sight } = world;
  const { seenFrom } = sight;
  const asked = Math.abs(turnRadps);
  const speed = Math.abs(motion.speedMps);
  if (seenFrom === undefined || asked === 0 || speed < STANDING_MPS) return asked;
  const reactionS = BRAKE_REACTION_S + pictureLateS(world, motion.atUs);
  const stopM = speed * reactionS + (speed * speed) / (2 * bodyOf(world).brakeMps2) + LEFT_M;
  const backwards = motion.speedMps < 0;
  const admissible = (rate: number): boolean =>
    corridorM(world, seenFrom, turnRadps < 0 ? -rate : rate, backwards) >= stopM;
  for (let k = TURN_STEPS_RADPS.length - 1; k >= 0; k--) {
    const rate = TURN_STEPS_RADPS[k] as number;
    if (k > 0 && rate < asked) continue;
    if (admissible(rate)) return asked;
    return TURN_STEPS_RADPS.find((slower) => slower < rate && admissible(slower)) ?? 0;
  }
  return 0;
}

/** True when a turn at that rate, and every smaller one to that side, is left as it is by `turnWithin`. */
export function turnsFreely(world: FleetBelief, turnRadps: number): boolean {
  const { motion, sight } = world;
  const asked = Math.abs(turnRadps);
  if (sight.seenFrom === undefined || asked === 0 || Math.abs(motion.speedMps) < STANDING_MPS) return true;
  const side = turnRadps < 0 ? -1 : 1;
  if (turnWithin(world, turnRadps) < asked) return false;
  return TURN_STEPS_RADPS.every((rate) => rate >= asked || turnWithin(world, side * rate) >= rate);
}
