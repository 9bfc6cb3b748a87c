import type { Body } from '@sigma/fleet-model';
import { cos, drawNormal, hypot, purpose, sin, wrapAngle } from '@sigma/kernel';
import { type Obstacle, obstacleAt } from './contact.ts';
import {
  ACCEL,
  BUMPER,
  CHARGE,
  DOCKED,
  ENCODER_LEFT,
  ENCODER_RIGHT,
  FAULT_VALUE,
  faultActive,
  GROUND_SPEED,
  GROUND_TURN,
  HEADING,
  LOAD_KG,
  MODE,
  MODE_CUTOFF,
  MODE_DRIVE,
  MODE_HOLD,
  MODE_PROTECTIVE,
  MOTOR_OVERLOAD,
  ROBOT,
  SET_SPEED,
  SET_TURN,
  SET_UNTIL_US,
  SLIP_LEFT,
  SLIP_RIGHT,
  SPEED,
  STALLED,
  STEP_S,
  STUCK_ENCODER,
  TURN,
  X,
  Y,
} from './state.ts';
import type { Draft } from './step.ts';

/** First-order lag of the wheel drives, s. */
const LAG_S = 0.04;
/** Slip of a wheel: standard deviation as a fraction of its travel, and how much of it lasts to the next step. */
const SLIP_SIGMA = 0.003;
const SLIP_KEPT = 0.995;
const SLIP_FRESH = Math.sqrt(1 - SLIP_KEPT * SLIP_KEPT) * SLIP_SIGMA;
/** Contacts slower than this leave no report, m/s. */
const LEAST_IMPACT_MPS = 0.05;
/** A jammed drive reaches this part of the speed it is told. */
const JAMMED_SPEED = 0.6;

const SLIP = purpose('world-slip');

/** Moves every robot by one step, in the order of their indexes. */
export function driveRobots(draft: Draft): void {
  const r = draft.robots;
  for (let at = 0; at < r.length; at += ROBOT) {
    r[at + BUMPER] = 0;
    r[at + STALLED] = 0;
    if (r[at + MODE] === MODE_DRIVE && (r[at + SET_UNTIL_US] as number) <= draft.fromUs) release(r, at);
  }
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) driveRobot(draft, robot);
}

/** A drive that nobody renews ends where the wheels are, whatever sleeps above them: it brakes as for a hold. */
function release(r: Float64Array, at: number): void {
  r[at + MODE] = MODE_HOLD;
  r[at + SET_SPEED] = 0;
  r[at + SET_TURN] = 0;
}

function driveRobot(draft: Draft, robot: number): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const body = draft.layout.bodies[robot] as Body;
  const speed = r[at + SPEED] as number;
  const turn = r[at + TURN] as number;
  const groundBefore = r[at + GROUND_SPEED] as number;
  const nextSpeed = speedAfter(r, at, body, speed);
  const nextTurn = turnAfter(r, at, body, turn);
  r[at + SPEED] = nextSpeed;
  r[at + TURN] = nextTurn;
  if (speed === 0 && nextSpeed === 0 && turn === 0 && nextTurn === 0) {
    r[at + GROUND_SPEED] = 0;
    r[at + GROUND_TURN] = 0;
    r[at + ACCEL] = (0 - groundBefore) / STEP_S;
    return;
  }

  // The wheels turn evenly from the old to the new speed; slip takes its part of each wheel's travel.
  const middle = (speed + nextSpeed) / 2;
  const swing = (((turn + nextTurn) / 2) * body.trackM) / 2;
  const slipLeft = slipAfter(draft, robot, SLIP_LEFT, 0);
  const slipRight = slipAfter(draft, robot, SLIP_RIGHT, 1);
  const left = (middle - swing) * (1 - slipLeft);
  const right = (middle + swing) * (1 - slipRight);
  const groundSpeed = (left + right) / 2;
  const groundTurn = (right - left) / body.trackM;
  countTravel(r, at, middle - swing, middle + swing, faultActive(r, robot, STUCK_ENCODER));

  const heading = r[at + HEADING] as number;
  const along = heading + (groundTurn * STEP_S) / 2;
  r[at + HEADING] = wrapAngle(heading + groundTurn * STEP_S);
  r[at + GROUND_TURN] = groundTurn;
  const dirX = cos(along);
  const dirY = sin(along);
  const toX = (r[at + X] as number) + dirX * groundSpeed * STEP_S;
  const toY = (r[at + Y] as number) + dirY * groundSpeed * STEP_S;
  const obstacle = groundSpeed === 0 ? null : obstacleAt(draft, robot, toX, toY);
  if (obstacle === null) {
    r[at + X] = toX;
    r[at + Y] = toY;
    r[at + GROUND_SPEED] = groundSpeed;
    if (groundSpeed !== 0) r[at + DOCKED] = -1;
  } else {
    touch(draft, robot, obstacle, dirX * groundSpeed, dirY * groundSpeed);
  }
  r[at + ACCEL] = ((r[at + GROUND_SPEED] as number) - groundBefore) / STEP_S;
}

/**
 * A drive set-point is followed through the lag of the motors, within the limits of acceleration and braking; every
 * stop brakes evenly at the limit of its category until the robot stands.
 */
function speedAfter(r: Float64Array, at: number, body: Body, speed: number): number {
  const mode = modeInForce(r, at);
  if (mode !== MODE_DRIVE) {
    const brakeMps2 =
      mode === MODE_CUTOFF ? body.mechanicalBrakeMps2 : mode === MODE_PROTECTIVE ? body.hardBrakeMps2 : body.brakeMps2;
    return toward(speed, 0, brakeMps2 * STEP_S);
  }
  const jammed = faultActive(r, at / ROBOT, MOTOR_OVERLOAD);
  const told = bounded(r[at + SET_SPEED] as number, body.maxSpeedMps) * (jammed ? JAMMED_SPEED : 1);
  const target = speed * told < 0 ? 0 : told;
  const faster = Math.abs(target) > Math.abs(speed);
  const limitMps2 = faster ? accelLimit(body, r[at + LOAD_KG] as number) : body.brakeMps2;
  const step = ((target - speed) * STEP_S) / LAG_S;
  const next = speed + bounded(step, limitMps2 * STEP_S);
  return Math.abs(next) < 1e-4 && target === 0 ? 0 : next;
}

function turnAfter(r: Float64Array, at: number, body: Body, turn: number): number {
  if (modeInForce(r, at) !== MODE_DRIVE) return toward(turn, 0, body.turnAccelRadps2 * STEP_S);
  const target = bounded(r[at + SET_TURN] as number, body.maxTurnRadps);
  const next = turn + bounded(((target - turn) * STEP_S) / LAG_S, body.turnAccelRadps2 * STEP_S);
  return Math.abs(next) < 1e-4 && target === 0 ? 0 : next;
}

/** An empty battery lets go of the spring brakes' magnets: the robot brakes as if cut off. */
export function modeInForce(r: Float64Array, at: number): number {
  return (r[at + CHARGE] as number) <= 0 ? MODE_CUTOFF : (r[at + MODE] as number);
}

/** The drives give full acceleration empty and less the more they carry, down to the body's share with the full payload. */
export function accelLimit(body: Body, loadKg: number): number {
  return body.accelMps2 * (1 - (1 - body.loadedAccelShare) * Math.min(1, loadKg / body.payloadKg));
}

function slipAfter(draft: Draft, robot: number, column: number, n: number): number {
  const { layout, robots, tick } = draft;
  const fresh = drawNormal(layout.seed, layout.keys[robot] as number, tick, SLIP, n) * SLIP_FRESH;
  const slip = SLIP_KEPT * (robots[robot * ROBOT + column] as number) + fresh;
  robots[robot * ROBOT + column] = slip;
  return slip;
}

/** `stuck_encoder`: value 0 holds the left one, 1 the right one, 2 both. */
function countTravel(r: Float64Array, at: number, leftMps: number, rightMps: number, stuck: boolean): void {
  const which = stuck ? (r[at + FAULT_VALUE + STUCK_ENCODER] as number) : -1;
  if (which !== 0 && which !== 2) r[at + ENCODER_LEFT] = (r[at + ENCODER_LEFT] as number) + leftMps * STEP_S;
  if (which !== 1 && which !== 2) r[at + ENCODER_RIGHT] = (r[at + ENCODER_RIGHT] as number) + rightMps * STEP_S;
}

/** The robot stays where it was; bumpers close on both sides; a fast contact is reported. */
function touch(draft: Draft, robot: number, obstacle: Obstacle, velocityX: number, velocityY: number): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const dx = obstacle.xM - (r[at + X] as number);
  const dy = obstacle.yM - (r[at + Y] as number);
  const distance = hypot(dx, dy);
  const nx = distance > 0 ? dx / distance : 0;
  const ny = distance > 0 ? dy / distance : 0;
  let speedMps = velocityX * nx + velocityY * ny;
  if (obstacle.with === 'robot') {
    const other = obstacle.other * ROBOT;
    const otherSpeed = r[other + GROUND_SPEED] as number;
    if (otherSpeed !== 0) {
      const otherHeading = r[other + HEADING] as number;
      speedMps -= otherSpeed * (cos(otherHeading) * nx + sin(otherHeading) * ny);
    }
    r[other + BUMPER] = 1;
  }
  r[at + BUMPER] = 1;
  r[at + STALLED] = 1;
  r[at + SPEED] = 0;
  r[at + GROUND_SPEED] = 0;
  if (speedMps >= LEAST_IMPACT_MPS) {
    draft.collisions.push({ robot, with: obstacle.with, other: obstacle.other, speedMps });
  }
}

function bounded(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

function toward(value: number, target: number, most: number): number {
  return value > target ? Math.max(target, value - most) : Math.min(target, value + most);
}
