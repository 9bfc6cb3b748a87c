import {
  angleDifference,
  type Command,
  cos,
  type Expectation,
  type ExpectedQuantity,
  type PendingExpectation,
  sin,
  wrapAngle,
} from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { disturbedSince } from '../belief/freshness.ts';
import { BODIES } from '../bodies.ts';
import { CUTOFF, DRIVE, HOLD, STOP } from '../commands.ts';
import type { Ground } from '../ground.ts';
import { sweptPathM, turnWithin } from '../reflexes/corridor.ts';
import { nextCrossing } from '../reflexes/crossing.ts';
import { fenceBound } from '../reflexes/fences.ts';
import { freePathM, nearestPerson, OBSTACLE_MARGIN_M, personSpeed, separationSpeed } from '../reflexes/separation.ts';
import { number } from './parametrize.ts';
import { arrived, type Moving, type Stretch, steer, type Wheels } from './steer.ts';

/** How far ahead a drive is predicted, at most. */
const FORESIGHT_US = 1_200_000;
const LEAST_US = 400_000;
const STEP_US = 50_000;
/** Lag of the drives that the prediction reckons with. */
const LAG_S = 0.06;
const TOLERANCE_M = 0.1;
const TOLERANCE_SHARE = 0.05;

/** Wheels that grip agree with the beacons to this, smoothed: a robot that slips believes its wheels for a while. */
const MOST_GAP_M = 0.2;

/** A robot that is told to drive stands no longer than this; more is a way that is blocked. */
const MOST_STANDING_S = 9.5;
/** It is asked as often. */
const HEADWAY_US = 1_000_000;

/**
 * What the command, renewed as the present plan renews it, will have done: the pose after 1.2 s or just before the end
 * of the stretch, whichever is first. Where the robot's own caution decides how far it comes (a person near, a shrinking
 * free path), only that it does not stand all the while.
 */
export function expectCommand(world: FleetBelief, ground: Ground, command: Command, atUs: number): Expectation | null {
  if (command.kind === 'action') return null;
  if (command.name === HOLD) return Math.abs(world.motion.speedMps) < 0.02 ? stays(world, atUs) : null;
  if (command.name === STOP || command.name === CUTOFF) return stands(world, atUs);
  if (command.name !== DRIVE) return null;
  const { params } = command;
  const headingRad = number(params, 'toHeadingRad');
  if (headingRad !== null) return turns(world, headingRad, number(params, 'turnRadps') ?? 0, atUs);
  const toXM = number(params, 'toXM');
  const toYM = number(params, 'toYM');
  const cruiseMps = number(params, 'cruiseMps');
  if (toXM === null || toYM === null || cruiseMps === null) return null;
  if (cruiseMps < 0.05 || boundedSoon(world, cruiseMps)) return comesOn(atUs);
  const fromXM = number(params, 'fromXM');
  const fromYM = number(params, 'fromYM');
  const from = fromXM === null || fromYM === null ? null : { xM: fromXM, yM: fromYM };
  const stretch = { toXM, toYM, from, beyondM: number(params, 'beyondM') ?? 0, cruiseMps };
  const wanted = steer(world.motion, stretch, bodyOf(world)).turnRadps;
  if (turnWithin(world, wanted) < Math.abs(wanted)) return comesOn(atUs);
  const wish = { speedMps: number(params, 'speedMps') ?? 0, turnRadps: number(params, 'turnRadps') ?? 0 };
  return drives(world, ground, stretch, wish, atUs);
}

/** A load of unknown mass lies between none and the full payload: so does the place, and the tolerance covers both. */
function drives(world: FleetBelief, ground: Ground, stretch: Stretch, wish: Wheels, atUs: number): Expectation | null {
  const body = bodyOf(world);
  const light = predict(world, ground, stretch, wish, body.accelMps2);
  const heavy =
    world.cargo === null ? light : predict(world, ground, stretch, wish, body.accelMps2 * body.loadedAccelShare);
  const afterUs = Math.min(light.length, heavy.length) * STEP_US;
  if (afterUs < LEAST_US) return null;
  const a = light[afterUs / STEP_US - 1] as Predicted;
  const b = heavy[afterUs / STEP_US - 1] as Predicted;
  const slack =
    TOLERANCE_M + TOLERANCE_SHARE * (a.drivenM + 0.4 * a.turnedRad) + 3 * Math.sqrt(world.motion.positionVar);
  return {
    quantities: [
      { name: 'xM', value: (a.at.xM + b.at.xM) / 2, tolerance: slack + Math.abs(a.at.xM - b.at.xM) / 2 },
      { name: 'yM', value: (a.at.yM + b.at.yM) / 2, tolerance: slack + Math.abs(a.at.yM - b.at.yM) / 2 },
      { name: 'fixGapM', value: 0, tolerance: MOST_GAP_M },
      TOUCHES_NOTHING,
    ],
    dueUs: atUs + afterUs,
  };
}

interface Predicted {
  readonly at: Moving;
  readonly drivenM: number;
  readonly turnedRad: number;
}

/** The way in steps of 50 ms, up to the foresight or just before the end of the stretch, zones reckoned with. */
function predict(
  { body: kind, motion }: FleetBelief,
  ground: Ground,
  stretch: Stretch,
  first: Wheels,
  accelMps2: number,
): readonly Predicted[] {
  const body = BODIES[kind];
  const dt = STEP_US * 1e-6;
  const lag = dt / (dt + LAG_S);
  const steps: Predicted[] = [];
  let at: Moving = motion;
  let { turnRadps } = motion;
  let turnedRad = 0;
  let drivenM = 0;
  let wish = first;
  for (let afterUs = STEP_US; afterUs <= FORESIGHT_US; afterUs += STEP_US) {
    const mostMps = fenceBound(ground, body, at)?.speedMps ?? body.maxSpeedMps;
    const speedMps = Math.max(-mostMps, Math.min(mostMps, wish.speedMps));
    const limit = (speedMps > at.speedMps ? accelMps2 : body.brakeMps2) * dt;
    const change = Math.max(-limit, Math.min(limit, lag * (speedMps - at.speedMps)));
    const swing = body.turnAccelRadps2 * dt;
    turnRadps += Math.max(-swing, Math.min(swing, lag * (wish.turnRadps - turnRadps)));
    const next = moved(at, at.speedMps + change, turnRadps, dt);
    if (arrived(next, stretch.toXM, stretch.toYM)) break;
    turnedRad += Math.abs(turnRadps) * dt;
    drivenM += Math.abs(at.speedMps) * dt;
    at = next;
    steps.push({ at, drivenM, turnedRad });
    if (afterUs % 100_000 === 0) wish = steer(at, stretch, body);
  }
  return steps;
}

/** A robot that drives where its planner sent it touches nothing, at any moment of it. */
const TOUCHES_NOTHING: ExpectedQuantity = { name: 'bumper', value: 0, tolerance: 0, throughout: true };

/** What came while body or loop were disturbed, or what is not seen yet, says nothing of the command. */
export const excuses = (world: FleetBelief, { madeUs }: PendingExpectation, atUs: number): boolean =>
  disturbedSince(world, madeUs, atUs);

/** However slowly: who is told to drive and stands all the while has something in the way that will not go. */
const comesOn = (atUs: number): Expectation => ({
  quantities: [{ name: 'standsS', value: 0, tolerance: MOST_STANDING_S }, TOUCHES_NOTHING],
  dueUs: atUs + HEADWAY_US,
});

function moved(at: Moving, speedMps: number, turnRadps: number, dt: number): Moving {
  const middle = at.headingRad + turnRadps * dt * 0.5;
  const way = (at.speedMps + speedMps) * 0.5 * dt;
  const headingRad = wrapAngle(at.headingRad + turnRadps * dt);
  return {
    xM: at.xM + way * cos(middle),
    yM: at.yM + way * sin(middle),
    headingRad,
    cosH: cos(headingRad),
    sinH: sin(headingRad),
    speedMps,
  };
}

/** Whether a reflex that depends on where things are is bounding the robot now or will within the foresight. */
function boundedSoon(world: FleetBelief, cruiseMps: number): boolean {
  const body = bodyOf(world);
  const ahead = cruiseMps * FORESIGHT_US * 1e-6;
  const near = nearestPerson(world);
  if (near !== null && personSpeed(near.gapM - ahead - 2, body) < cruiseMps) return true;
  if (nextCrossing(world) !== null) return true;
  const way = Math.min(freePathM(world), sweptPathM(world));
  const free = separationSpeed(way - ahead, world.sight.approachMps, body.brakeMps2, OBSTACLE_MARGIN_M);
  return free < cruiseMps;
}

/** A stop that has had the time of a normal braking, and some, has stopped. */
function stands(world: FleetBelief, atUs: number): Expectation {
  const brakingS = Math.abs(world.motion.speedMps) / bodyOf(world).brakeMps2;
  return {
    quantities: [{ name: 'speedMps', value: 0, tolerance: 0.1 }],
    dueUs: atUs + Math.ceil(brakingS * 1e6) + LEAST_US,
  };
}

function stays(world: FleetBelief, atUs: number): Expectation {
  const { motion } = world;
  const tolerance = TOLERANCE_M + 3 * Math.sqrt(motion.positionVar);
  return {
    quantities: [
      { name: 'xM', value: motion.xM, tolerance },
      { name: 'yM', value: motion.yM, tolerance },
    ],
    dueUs: atUs + FORESIGHT_US,
  };
}

/** A turn on the spot makes headway: after the foresight, less of it is left than now. */
function turns(world: FleetBelief, headingRad: number, turnRadps: number, atUs: number): Expectation | null {
  const errorRad = Math.abs(angleDifference(headingRad, world.motion.headingRad));
  if (errorRad < 0.3 || Math.abs(turnRadps) < 0.2) return null;
  const tolerance = TOLERANCE_M + 3 * Math.sqrt(world.motion.positionVar);
  const pace = Math.min(Math.abs(turnRadps) * 0.6, errorRad / 1.2);
  const least = world.motion.turnedRad + pace * FORESIGHT_US * 1e-6 * 0.5;
  return {
    quantities: [
      { name: 'xM', value: world.motion.xM, tolerance },
      { name: 'yM', value: world.motion.yM, tolerance },
      { name: 'turnedRad', value: least + errorRad * 0.5, tolerance: errorRad * 0.5 + 0.4 },
      TOUCHES_NOTHING,
    ],
    dueUs: atUs + FORESIGHT_US,
  };
}

export function observe(world: FleetBelief, names: readonly string[]): Readonly<Record<string, number>> {
  const { motion } = world;
  const seen: Record<string, number> = {};
  for (const name of names) {
    if (name === 'xM') seen[name] = motion.xM;
    else if (name === 'yM') seen[name] = motion.yM;
    else if (name === 'headingRad') seen[name] = motion.headingRad;
    else if (name === 'turnedRad') seen[name] = motion.turnedRad;
    else if (name === 'fixGapM') seen[name] = motion.fixGapM;
    else if (name === 'speedMps') seen[name] = motion.speedMps;
    else if (name === 'bumper') seen[name] = motion.bumper ? 1 : 0;
    else if (name === 'standsS')
      seen[name] = motion.standsSinceUs < 0 ? 0 : (motion.atUs - motion.standsSinceUs) * 1e-6;
    else seen[name] = Number.NaN;
  }
  return seen;
}
