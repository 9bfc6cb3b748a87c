import { cellAt, FIX, HEALTH, MOTION, NO_READING, SCAN } from '@sigma/fleet-model';
import { drawNormal, purpose, wrapAngle } from '@sigma/kernel';
import { JOINTS, jointCurrent, jointTorque } from './joints.ts';
import { scanOf } from './lidar.ts';
import { batteryHealth } from './power.ts';
import {
  ACCEL,
  BATTERY_CURRENT,
  BATTERY_VOLTAGE,
  BUMPER,
  CHARGE,
  CURRENT_LEFT,
  CURRENT_RIGHT,
  CYCLES,
  ENCODER_LEFT,
  ENCODER_RIGHT,
  FAULT_VALUE,
  faultActive,
  GROUND_SPEED,
  GROUND_TURN,
  GYRO_BIAS,
  GYRO_DRIFT,
  HEADING,
  IMU_DRIFT,
  LIDAR_FREEZE,
  ROBOT,
  STEP_S,
  TEMP_BATTERY,
  TEMP_BOARD,
  TEMP_LEFT,
  TEMP_RIGHT,
  X,
  Y,
} from './state.ts';
import type { Draft, Frame } from './step.ts';

/** Steps between two frames of a channel. */
const SCAN_EVERY = 10;
const FIX_EVERY = 10;
const HEALTH_EVERY = 50;

/** Standard deviations of the sensors' noise, in the unit of the field. */
export const GYRO_SIGMA = 0.003;
const GYRO_WALK = 3e-6;
const ACCEL_SIGMA = 0.03;
const TILT_SIGMA = 0.0015;
/** A robot pitches and rolls by so much for each m/s2 along and across. */
const TILT_PER_MPS2 = 0.004;
const CURRENT_SIGMA = 0.04;
export const FIX_SIGMA_M = 0.02;
const FIX_HEADING_SIGMA = 0.004;
const GREATEST_DRIFT = 1.5;

const MOTION_NOISE = purpose('world-motion-noise');
const FIX_NOISE = purpose('world-fix-noise');
const HEALTH_NOISE = purpose('world-health-noise');

/**
 * What sensing leaves in the world, without the frames: gyros wander, a frozen lidar keeps its scan. Several times cheaper
 * than `sense`, for where the frames are on record already.
 */
export function wearSensors(draft: Draft): void {
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) wear(draft, robot);
}

function wear(draft: Draft, robot: number): void {
  wander(draft, robot);
  const due = (draft.tick + robot) % SCAN_EVERY === 0;
  if (due && faultActive(draft.robots, robot, LIDAR_FREEZE)) scan(draft, robot);
}

/**
 * The frames due now, by robot index. Robots take turns, so that the work of scanning is even over the steps.
 *
 * @param senses whose frames are wanted, asked when everything has moved; nobody else's are made
 */
export function sense(draft: Draft, senses: (robot: number, draft: Draft) => boolean = () => true): Frame[][] {
  const frames: Frame[][] = [];
  const { tick } = draft;
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) {
    if (!senses(robot, draft)) {
      wear(draft, robot);
      frames.push([]);
      continue;
    }
    const due: Frame[] = [{ channel: MOTION.channel, values: motion(draft, robot) }];
    if ((tick + robot) % SCAN_EVERY === 0) due.push({ channel: SCAN.channel, values: scan(draft, robot) });
    if ((tick + robot + 5) % FIX_EVERY === 0) due.push({ channel: FIX.channel, values: fix(draft, robot) });
    if ((tick + 13 * robot) % HEALTH_EVERY === 0) due.push({ channel: HEALTH.channel, values: health(draft, robot) });
    frames.push(due);
  }
  return frames;
}

function wander({ layout, robots: r, tick }: Draft, robot: number): void {
  const at = robot * ROBOT;
  const walk = GYRO_WALK * drawNormal(layout.seed, layout.keys[robot] as number, tick, MOTION_NOISE, 0);
  r[at + GYRO_BIAS] = (r[at + GYRO_BIAS] as number) + walk;
  if (!faultActive(r, robot, IMU_DRIFT)) return;
  const drift = (r[at + GYRO_DRIFT] as number) + (r[at + FAULT_VALUE + IMU_DRIFT] as number) * STEP_S;
  r[at + GYRO_DRIFT] = Math.min(GREATEST_DRIFT, drift);
}

function motion(draft: Draft, robot: number): Int32Array {
  wander(draft, robot);
  const { layout, robots: r, tick } = draft;
  const at = robot * ROBOT;
  const key = layout.keys[robot] as number;
  const noise = (n: number) => drawNormal(layout.seed, key, tick, MOTION_NOISE, n);
  const turn = r[at + GROUND_TURN] as number;
  const along = r[at + ACCEL] as number;
  const across = turn * (r[at + GROUND_SPEED] as number);
  const gyro = turn + (r[at + GYRO_BIAS] as number) + (r[at + GYRO_DRIFT] as number) + GYRO_SIGMA * noise(1);
  const values = new Int32Array(11);
  values[0] = Math.round((r[at + ENCODER_LEFT] as number) * 1e4);
  values[1] = Math.round((r[at + ENCODER_RIGHT] as number) * 1e4);
  values[2] = Math.round(gyro * 1e4);
  values[3] = Math.round((along + ACCEL_SIGMA * noise(2)) * 1e3);
  values[4] = Math.round((across + ACCEL_SIGMA * noise(3)) * 1e3);
  values[5] = Math.round((-tilt(along) + TILT_SIGMA * noise(4)) * 1e4);
  values[6] = Math.round((tilt(across) + TILT_SIGMA * noise(5)) * 1e4);
  values[7] = Math.round(((r[at + CURRENT_LEFT] as number) + CURRENT_SIGMA * noise(6)) * 1e3);
  values[8] = Math.round(((r[at + CURRENT_RIGHT] as number) + CURRENT_SIGMA * noise(7)) * 1e3);
  values[9] = r[at + BUMPER] as number;
  values[10] = (tick * 100) | 0;
  return values;
}

/** The suspension gives way to any acceleration that lasts; a blow is over before it moves. */
const tilt = (accelMps2: number): number => Math.min(0.02, Math.max(-0.02, accelMps2 * TILT_PER_MPS2));

/** `lidar_freeze` repeats the first scan it sees, to the bit. */
function scan(draft: Draft, robot: number): Int32Array {
  if (!faultActive(draft.robots, robot, LIDAR_FREEZE)) return scanOf(draft, robot);
  const frozen = draft.frozenScans[robot] ?? scanOf(draft, robot);
  draft.frozenScans[robot] = frozen;
  return frozen.slice();
}

/** Beacons are hidden by walls around the robot: noise doubles and quality falls as they close in. */
function fix(draft: Draft, robot: number): Int32Array {
  const { layout, robots: r, tick } = draft;
  const at = robot * ROBOT;
  const key = layout.keys[robot] as number;
  const noise = (n: number) => drawNormal(layout.seed, key, tick, FIX_NOISE, n);
  const xM = r[at + X] as number;
  const yM = r[at + Y] as number;
  const clutter = layout.clutter[cellAt(layout.site, xM, yM)] ?? 8;
  const spread = 1 + clutter / 8;
  const values = new Int32Array(4);
  values[0] = Math.round((xM + FIX_SIGMA_M * spread * noise(0)) * 1e3);
  values[1] = Math.round((yM + FIX_SIGMA_M * spread * noise(1)) * 1e3);
  values[2] = Math.round(wrapAngle((r[at + HEADING] as number) + FIX_HEADING_SIGMA * spread * noise(2)) * 1e4);
  values[3] = Math.round(Math.min(100, Math.max(0, 96 - 4 * clutter + 1.5 * noise(3))));
  return values;
}

function health(draft: Draft, robot: number): Int32Array {
  const { layout, robots: r, tick } = draft;
  const at = robot * ROBOT;
  const key = layout.keys[robot] as number;
  const noise = (n: number) => drawNormal(layout.seed, key, tick, HEALTH_NOISE, n);
  const values = new Int32Array(8 + 2 * JOINTS);
  values[0] = Math.round(((r[at + TEMP_LEFT] as number) + 0.15 * noise(0)) * 10);
  values[1] = Math.round(((r[at + TEMP_RIGHT] as number) + 0.15 * noise(1)) * 10);
  values[2] = Math.round(((r[at + TEMP_BOARD] as number) + 0.15 * noise(2)) * 10);
  values[3] = Math.round(((r[at + BATTERY_VOLTAGE] as number) + 0.015 * noise(3)) * 1e3);
  values[4] = Math.round(((r[at + BATTERY_CURRENT] as number) + 0.03 * noise(4)) * 1e3);
  values[5] = Math.round(Math.min(1, Math.max(0, (r[at + CHARGE] as number) + 0.0005 * noise(5))) * 1e4);
  values[6] = Math.round(((r[at + TEMP_BATTERY] as number) + 0.15 * noise(6)) * 10);
  values[7] = Math.round(batteryHealth(r[at + CYCLES] as number) * 1e4);
  for (let joint = 0; joint < JOINTS; joint++) {
    const torque = jointTorque(draft, robot, joint);
    if (torque === null) {
      values[8 + joint] = NO_READING;
      values[8 + JOINTS + joint] = NO_READING;
    } else {
      values[8 + joint] = Math.round((torque + 0.08 * noise(7 + joint)) * 100);
      values[8 + JOINTS + joint] = Math.round((jointCurrent(joint, torque) + 0.01 * noise(13 + joint)) * 1e3);
    }
  }
  return values;
}
