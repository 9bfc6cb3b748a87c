import { angleDifference, cos, sin, wrapAngle } from '@sigma/kernel';
import type { Body } from '../bodies.ts';
import { NO_READING } from '../channels.ts';
import type { MotionBelief } from './belief.ts';
import { arrivesLate, behind } from './freshness.ts';

/** Current above which a motor is overloaded, as a multiple of its rating. Starting a full load stays below it. */
const OVERLOAD_FACTOR = 2;
/** A protective stop turns a loaded motor into a generator: so much more is no overload, per m/s2 beyond a normal stop. */
const OVERLOAD_PER_BRAKING = 1.5;
const NORMAL_BRAKING_MPS2 = 1.2;
/** An encoder that stands still this long while everything else says it turns is stuck. */
const STUCK_AFTER_US = 200_000;
/** Gyro bias beyond which the IMU is drifting rather than merely warm. */
export const DRIFT_LIMIT_RADPS = 0.08;

const ENCODER_M = 1e-4;
const GYRO_RADPS = 1e-4;
const TILT_RAD = 1e-4;
const CURRENT_A = 1e-3;
const ACCEL_MPS2 = 1e-3;
/** No brake of ours is harder: beyond it the allowance for braking does not grow. */
const MOST_BRAKING_MPS2 = 2.6;
/** A wheel that seems to move faster than this has lost counts. */
const IMPOSSIBLE_MPS = 6;
/** No gyro of ours reads more. */
const IMPOSSIBLE_RADPS = 10;
/** Half a turn up to this is rotated by the series; after a gap in the frames it may be more. */
const SMALL_RAD = 0.2;
/** Slower than this a robot makes no headway: it twitches. */
const HEADWAY_MPS = 0.03;
const HEADWAY_RADPS = 0.1;
/** Odometry's share of error: variance grown by a metre driven, and by a second. */
const POSITION_VAR_PER_M = 4e-4;
const HEADING_VAR_PER_S = 2e-5;

export const encoderStuck = (motion: MotionBelief): boolean =>
  motion.stuckLeftUs >= STUCK_AFTER_US || motion.stuckRightUs >= STUCK_AFTER_US;
export const imuDrifts = (motion: MotionBelief): boolean => Math.abs(motion.gyroBiasRadps) > DRIFT_LIMIT_RADPS;

/**
 * Dead reckoning: distance from the encoders, turn from the gyro less its bias, each replaced by the other's word when it
 * is known to be broken. The heading's unit vector turns by a third-order rotation and is made exact again at each fix.
 */
export function foldMotion(motion: MotionBelief, body: Body, v: Int32Array, atUs: number): MotionBelief {
  if (overtaken(motion, v[10] ?? NO_READING)) return { ...motion, glitches: motion.glitches + 1 };
  const left = v[0] as number;
  const right = v[1] as number;
  const unreadable = left === NO_READING || right === NO_READING;
  const first = motion.frames === 0;
  const dt = sinceLast(motion, v[10] ?? NO_READING, atUs);
  let leftM = unreadable || first ? 0 : ((left - motion.encoderLeft) | 0) * ENCODER_M;
  let rightM = unreadable || first ? 0 : ((right - motion.encoderRight) | 0) * ENCODER_M;
  let glitches = unreadable ? motion.glitches + 1 : motion.glitches;
  if (Math.abs(leftM) > IMPOSSIBLE_MPS * dt || Math.abs(rightM) > IMPOSSIBLE_MPS * dt) {
    leftM = motion.speedMps * dt;
    rightM = leftM;
    glitches++;
  }
  // NO_READING is far beyond what any gyro can say, so one comparison finds both.
  const gyroMissing = Math.abs(v[2] as number) * GYRO_RADPS > IMPOSSIBLE_RADPS;
  const encoderTurn = (rightM - leftM) / body.trackM;
  const gyroTurn = gyroMissing ? encoderTurn : ((v[2] as number) * GYRO_RADPS - motion.gyroBiasRadps) * dt;

  const gap = gyroMissing ? 0 : (encoderTurn - gyroTurn) / dt;
  const stuckLeftUs = stuckFor(motion.stuckLeftUs, leftM, rightM, gap, dt);
  const stuckRightUs = stuckFor(motion.stuckRightUs, rightM, leftM, gap, dt);
  const lostLeft = stuckLeftUs >= STUCK_AFTER_US;
  const lostRight = stuckRightUs >= STUCK_AFTER_US;
  const turn = imuDrifts(motion) && !lostLeft && !lostRight ? encoderTurn : gyroTurn;
  let travel = (leftM + rightM) * 0.5;
  if (lostLeft !== lostRight) travel = lostLeft ? rightM - turn * body.trackM * 0.5 : leftM + turn * body.trackM * 0.5;

  // Rotation by half the turn places the step; by the whole turn it gives the new heading.
  const half = turn * 0.5;
  const small = Math.abs(half) < SMALL_RAD;
  const cosHalf = small ? 1 - half * half * 0.5 : cos(half);
  const sinHalf = small ? half - half * half * half * (1 / 6) : sin(half);
  const cosMid = motion.cosH * cosHalf - motion.sinH * sinHalf;
  const sinMid = motion.sinH * cosHalf + motion.cosH * sinHalf;
  const cosNew = cosMid * cosHalf - sinMid * sinHalf;
  const sinNew = sinMid * cosHalf + cosMid * sinHalf;
  const scale = 1.5 - 0.5 * (cosNew * cosNew + sinNew * sinNew);

  const speed = motion.speedMps + (dt / (dt + 0.02)) * (travel / dt - motion.speedMps);
  const acceleration = (speed - motion.speedMps) / dt;
  const still = leftM === 0 && rightM === 0;
  const stands = Math.abs(speed) < HEADWAY_MPS && Math.abs(turn) < HEADWAY_RADPS * dt;
  const currentLeftA = v[7] === NO_READING ? motion.currentLeftA : (v[7] as number) * CURRENT_A;
  const currentRightA = v[8] === NO_READING ? motion.currentRightA : (v[8] as number) * CURRENT_A;
  // The IMU feels braking at once, and also when the encoders are stuck.
  const feltMps2 = v[3] === NO_READING ? 0 : (v[3] as number) * ACCEL_MPS2;
  const braking = Math.max(0, Math.min(MOST_BRAKING_MPS2, Math.max(-motion.accelMps2, -feltMps2)));
  const limitA =
    body.motorRatedA * (OVERLOAD_FACTOR + OVERLOAD_PER_BRAKING * Math.max(0, braking - NORMAL_BRAKING_MPS2));
  const over = Math.abs(currentLeftA) > limitA || Math.abs(currentRightA) > limitA;
  const resting = still && motion.stillSinceUs >= 0 && atUs - motion.stillSinceUs > 300_000;
  const rawGyro = gyroMissing ? motion.gyroBiasRadps : (v[2] as number) * GYRO_RADPS;
  const bias =
    resting && Math.abs(rawGyro) < 0.1
      ? motion.gyroBiasRadps + 0.01 * (rawGyro - motion.gyroBiasRadps)
      : motion.gyroBiasRadps;

  const takenUs = takenAt(motion, v[10] ?? NO_READING, atUs);

  return {
    atUs,
    takenUs,
    lateUs: arrivesLate(takenUs, atUs) ? atUs : motion.lateUs,
    disturbedUs: behind(takenUs, atUs) ? atUs : motion.disturbedUs,
    frames: motion.frames + 1,
    xM: motion.xM + travel * cosMid,
    yM: motion.yM + travel * sinMid,
    headingRad: wrapAngle(motion.headingRad + turn),
    cosH: cosNew * scale,
    sinH: sinNew * scale,
    speedMps: speed,
    turnRadps: motion.turnRadps + (dt / (dt + 0.02)) * (turn / dt - motion.turnRadps),
    accelMps2: motion.accelMps2 + (dt / (dt + 0.1)) * (acceleration - motion.accelMps2),
    travelM: motion.travelM + Math.abs(travel),
    turnedRad: motion.turnedRad + Math.abs(turn),
    positionVar: motion.positionVar + POSITION_VAR_PER_M * Math.abs(travel),
    headingVar: motion.headingVar + HEADING_VAR_PER_S * dt,
    gyroBiasRadps: bias,
    pitchRad: v[5] === NO_READING ? motion.pitchRad : (v[5] as number) * TILT_RAD,
    rollRad: v[6] === NO_READING ? motion.rollRad : (v[6] as number) * TILT_RAD,
    currentLeftA,
    currentRightA,
    bumper: v[9] === 1,
    clock: v[10] ?? NO_READING,
    encoderLeft: unreadable ? motion.encoderLeft : left,
    encoderRight: unreadable ? motion.encoderRight : right,
    stuckLeftUs,
    stuckRightUs,
    turnGapRadps: motion.turnGapRadps + (dt / (dt + 0.2)) * (gap - motion.turnGapRadps),
    overCurrentSinceUs: over ? (motion.overCurrentSinceUs < 0 ? takenUs : motion.overCurrentSinceUs) : -1,
    stillSinceUs: still ? (motion.stillSinceUs < 0 ? atUs : motion.stillSinceUs) : -1,
    standsSinceUs: stands ? (motion.standsSinceUs < 0 ? atUs : motion.standsSinceUs) : -1,
    glitches,
    fixAtUs: motion.fixAtUs,
    fixRefused: motion.fixRefused,
    fixGapM: motion.fixGapM,
  };
}

/**
 * Seconds between two frames by the controller's own clock: frames that wait on their way arrive in bunches, and what
 * they measured must not be spread over the time of their arrival. Without that clock, by the agent's time.
 */
function sinceLast(motion: MotionBelief, clock: number, atUs: number): number {
  if (clock !== NO_READING && motion.clock !== NO_READING) {
    const counts = (clock - motion.clock) | 0;
    if (counts > 0 && counts < 10_000) return counts * 1e-4;
  }
  const elapsedUs = atUs - motion.atUs;
  return elapsedUs > 0 ? elapsedUs * 1e-6 : 0.01;
}

/** A pause between two frames up to this is believed of the controller's clock; after more it counts anew. */
const LONGEST_PAUSE_COUNTS = 600_000;
/** A frame up to so much older than the newest was overtaken on its way; one older still is of a clock that began anew. */
const OVERTAKEN_COUNTS = 20_000;
/** How much slower than the agent's the controller's clock may run: a crystal's drift, twice over. */
const CLOCK_DRIFT = 2e-4;

/** True for a frame that is older than the newest: it says nothing of the present any more. */
function overtaken(motion: MotionBelief, clock: number): boolean {
  if (motion.frames === 0 || clock === NO_READING || motion.clock === NO_READING) return false;
  const counts = (clock - motion.clock) | 0;
  return counts < 0 && counts > -OVERTAKEN_COUNTS;
}

/**
 * The moment at which a frame was measured, in agent time: that of the frame before and what the controller's clock has
 * counted since, never after the arrival. So the quickest way that any frame has taken counts as no delay, and what is
 * slower is late by the difference, however evenly it arrives.
 */
function takenAt(motion: MotionBelief, clock: number, atUs: number): number {
  if (motion.frames === 0 || clock === NO_READING || motion.clock === NO_READING) return atUs;
  const counts = (clock - motion.clock) | 0;
  if (counts < 0 || counts > LONGEST_PAUSE_COUNTS) return atUs;
  return Math.min(atUs, motion.takenUs + Math.round(counts * 100 * (1 + CLOCK_DRIFT)));
}

/** Grows while this wheel stands still, the other turns, and the gyro does not see the turn that this would be. */
function stuckFor(beforeUs: number, ownM: number, otherM: number, gapRadps: number, dt: number): number {
  if (ownM !== 0) return 0;
  if (otherM === 0) return Math.max(0, beforeUs - dt * 0.5e6);
  const otherMps = Math.abs(otherM) / dt;
  if (otherMps < 0.05 || Math.abs(gapRadps) < 0.1) return beforeUs;
  return Math.min(beforeUs + dt * 1e6, 10_000_000);
}

/** Fixes refused in a row after which the beacons are believed against the wheels: the robot was moved by hand. */
const FIX_INSISTS = 15;

/**
 * Position from the beacons: a Kalman update with one variance for both axes and one for the heading. What lies beyond
 * five standard deviations is refused, until it has said the same for a second and a half.
 */
export function foldFix(motion: MotionBelief, v: Int32Array, atUs: number): MotionBelief {
  const quality = v[3] as number;
  if (v[0] === NO_READING || v[1] === NO_READING || !(quality >= 20 && quality <= 100)) return motion;
  const errorX = (v[0] as number) * 1e-3 - motion.xM;
  const errorY = (v[1] as number) * 1e-3 - motion.yM;
  const spread = 0.03 + 0.3 * (1 - quality * 0.01);
  const noise = spread * spread;
  const distance = Math.sqrt(errorX * errorX + errorY * errorY);
  const fixGapM = motion.fixGapM + 0.2 * (distance - motion.fixGapM);
  const limit = 5 * Math.sqrt(motion.positionVar + noise) + 0.05;
  const insists = motion.fixRefused >= FIX_INSISTS;
  if (distance > limit && !insists) return { ...motion, fixRefused: motion.fixRefused + 1, fixGapM };
  const gain = insists ? 1 : motion.positionVar / (motion.positionVar + noise);

  let { headingRad, headingVar, gyroBiasRadps } = motion;
  if (v[2] !== NO_READING) {
    const error = angleDifference((v[2] as number) * 1e-4, headingRad);
    const headingNoise = noise * 0.16;
    const headingGain = insists ? 1 : headingVar / (headingVar + headingNoise);
    headingRad = wrapAngle(headingRad + headingGain * error);
    headingVar *= 1 - Math.min(headingGain, 0.99);
    const learned = gyroBiasRadps - 0.08 * Math.max(-0.3, Math.min(0.3, error));
    gyroBiasRadps = Math.max(-0.5, Math.min(0.5, learned));
  }
  return {
    ...motion,
    xM: motion.xM + gain * errorX,
    yM: motion.yM + gain * errorY,
    headingRad,
    cosH: cos(headingRad),
    sinH: sin(headingRad),
    positionVar: Math.max(1e-5, motion.positionVar * (1 - Math.min(gain, 0.99))),
    headingVar: Math.max(1e-6, headingVar),
    gyroBiasRadps,
    fixAtUs: atUs,
    fixRefused: 0,
    fixGapM: insists ? 0 : fixGapM,
  };
}
