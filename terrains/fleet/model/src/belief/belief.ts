import { cos, type Json, sin } from '@sigma/kernel';
import { BODIES, type Body } from '../bodies.ts';
import { NO_READING } from '../channels.ts';
import { LED_AWAY, SWEPT_WAY } from '../flags.ts';
import type { Ground } from '../ground.ts';
import { type Fences, NO_FENCES } from '../site/fence.ts';
import { cellAt } from '../site/site.ts';
import type { Errand } from './errands.ts';

/**
 * What a robot believes. Plain data, shared and never changed in place: a fold makes a new root and the one part that
 * the stimulus touched.
 */
export interface FleetBelief {
  readonly name: string;
  readonly body: Body['kind'];
  readonly motion: MotionBelief;
  readonly sight: SightBelief;
  readonly health: HealthBelief;
  /** Other robots, as they told of themselves. Ascending by id. */
  readonly peers: readonly Peer[];
  /** What was done so far for each task that was assigned. Oldest first. */
  readonly errands: readonly Errand[];
  /** Item on board. */
  readonly cargo: string | null;
  /** Dock or charger the robot is held by. */
  readonly docked: string | null;
  /** Since when the flight recorder is down, or -1. */
  readonly recorderDownSinceUs: number;
  /** What people drew on the floor, as last told. */
  readonly fences: Fences;
  /** True with flag 1002, undefined without: the operator leads a body that stands away from what it faces. */
  readonly ledAway?: true | undefined;
}

/** Where the robot is and how it moves: encoders and IMU at 100 Hz, corrected by the site's beacons at 10 Hz. */
export interface MotionBelief {
  /** Time at which the last motion frame arrived, or of the start. */
  readonly atUs: number;
  /** Time at which it was measured: the controller's own clock, laid on the agent's. Never after `atUs`. */
  readonly takenUs: number;
  /** Last moment at which a frame arrived late, long ago before the first. */
  readonly lateUs: number;
  /** Last moment at which body or loop did something else than they were told, or -1. */
  readonly disturbedUs: number;
  /** Motion frames folded. */
  readonly frames: number;
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  /** Unit vector of the heading. */
  readonly cosH: number;
  readonly sinH: number;
  /** Along the heading, smoothed over about 30 ms. */
  readonly speedMps: number;
  readonly turnRadps: number;
  /** Change of speed, smoothed over about 100 ms. */
  readonly accelMps2: number;
  /** Path driven and angle turned since the start, both growing. */
  readonly travelM: number;
  readonly turnedRad: number;
  /** Variance of the position along one axis, and of the heading. */
  readonly positionVar: number;
  readonly headingVar: number;
  readonly gyroBiasRadps: number;
  readonly pitchRad: number;
  readonly rollRad: number;
  readonly currentLeftA: number;
  readonly currentRightA: number;
  readonly bumper: boolean;
  /** The controller's clock at the last frame, counts of 0.1 ms; NO_READING before the first. */
  readonly clock: number;
  readonly encoderLeft: number;
  readonly encoderRight: number;
  /** How long each encoder has stood still while the other wheel's and the gyro's word say that it turned. */
  readonly stuckLeftUs: number;
  readonly stuckRightUs: number;
  /** Turn rate by encoders minus by gyro, smoothed over about 200 ms. */
  readonly turnGapRadps: number;
  /** Since when a motor current is above its limit, or -1. */
  readonly overCurrentSinceUs: number;
  /** Since when the wheels have not turned, or -1 while they do. */
  readonly stillSinceUs: number;
  /** Since when the robot has neither come on nor turned with the plan that it has, or -1. */
  readonly standsSinceUs: number;
  /** Frames that made no sense (a field missing, an impossible jump). */
  readonly glitches: number;
  /** Time of the last accepted fix, and how many in a row were refused. */
  readonly fixAtUs: number;
  readonly fixRefused: number;
  /** Distance between fix and odometry, smoothed over about half a second. */
  readonly fixGapM: number;
}

/** What the lidar shows. */
export interface SightBelief {
  /** Time at which the last scan was taken [F57], -1 before the first. */
  readonly atUs: number;
  /** Raw counts of the last scan. */
  readonly ranges: Int32Array | null;
  /** Consecutive scans equal to the last one in every ray. */
  readonly repeats: number;
  /** `travelM` and `turnedRad` when the repeating scan first came. */
  readonly freshTravelM: number;
  readonly freshTurnedRad: number;
  /** Free path of the hull ahead and behind at the moment of the scan; Infinity when nothing stands there. */
  readonly aheadM: number;
  readonly behindM: number;
  /** How fast what is ahead comes nearer by its own motion, m/s, >= 0. */
  readonly approachMps: number;
  /** `travelM` at the moment of the scan: what was driven since shortens the free path. */
  readonly travelM: number;
  readonly tracks: readonly Track[];
  readonly nextTrack: number;
  /** Where the last scan was taken, corrected as the robot corrects its own place; undefined without flag 1001. */
  readonly seenFrom?: Viewpoint | undefined;
}

/** A place and the unit vector of the heading there. */
export interface Viewpoint {
  readonly xM: number;
  readonly yM: number;
  readonly cosH: number;
  readonly sinH: number;
}

export interface Track {
  readonly id: number;
  /** Centre of the visible surface. */
  readonly xM: number;
  readonly yM: number;
  readonly vxMps: number;
  readonly vyMps: number;
  readonly widthM: number;
  readonly kind: 'person' | 'robot' | 'object';
  /** Peer whose word explains it. */
  readonly peer: string | null;
  readonly hits: number;
  readonly misses: number;
  readonly seenUs: number;
  /** Seen often enough, or by enough rays, to be believed. */
  readonly confirmed: boolean;
}

export interface Peer {
  readonly id: string;
  readonly xM: number;
  readonly yM: number;
  readonly vxMps: number;
  readonly vyMps: number;
  readonly radiusM: number;
  readonly heardUs: number;
}

export interface HealthBelief {
  /** -1 before the first frame. */
  readonly atUs: number;
  readonly motorLeftC: number;
  readonly motorRightC: number;
  readonly boardC: number;
  readonly batteryV: number;
  readonly batteryA: number;
  /** 0 to 1. */
  readonly charge: number;
  readonly batteryC: number;
  /** Capacity left of what it was when new, 0 to 1. */
  readonly batteryHealth: number;
  readonly jointTorqueNm: readonly number[];
  readonly jointCurrentA: readonly number[];
}

/** The agent's configuration as it stands in a recording's opening. `site` is the site's record; its digest must fit the model's. */
export interface RobotConfig {
  readonly site: { readonly digest: string };
  readonly body: Body['kind'];
  readonly name: string;
  readonly start: { readonly xM: number; readonly yM: number; readonly headingRad: number };
  readonly docked?: string | null;
  readonly charge?: number;
}

/** A configuration that does not fit the model. */
export class BrokenRobotConfigError extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`robot configuration: ${path}: ${problem}`);
    this.name = 'BrokenRobotConfigError';
    this.path = path;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws BrokenRobotConfigError */
export function parseRobotConfig(ground: Ground, config: Json): RobotConfig {
  if (!isRecord(config))
    throw new BrokenRobotConfigError('(root)', 'expected an object with site, body, name and start');
  const { site, body, name, start, docked, charge } = config;
  if (!isRecord(site) || site.digest !== ground.site.digest) {
    const got = isRecord(site) ? String(site.digest) : 'nothing';
    throw new BrokenRobotConfigError(
      'site.digest',
      `expected ${ground.site.digest} ('${ground.site.name}'), got ${got}`,
    );
  }
  if (body !== 'humanoid' && body !== 'carrier') {
    throw new BrokenRobotConfigError('body', `expected 'humanoid' or 'carrier', got ${JSON.stringify(body)}`);
  }
  if (typeof name !== 'string' || name === '') throw new BrokenRobotConfigError('name', 'expected a text');
  if (!isRecord(start)) throw new BrokenRobotConfigError('start', 'expected { xM, yM, headingRad }');
  const { xM, yM, headingRad } = start;
  if (!Number.isFinite(xM) || !Number.isFinite(yM) || !Number.isFinite(headingRad)) {
    throw new BrokenRobotConfigError('start', 'xM, yM and headingRad must be finite numbers');
  }
  const pose = { xM: xM as number, yM: yM as number, headingRad: headingRad as number };
  const cell = cellAt(ground.site, pose.xM, pose.yM);
  if (cell < 0 || ground.site.blocked[cell] !== 0) {
    throw new BrokenRobotConfigError(
      'start',
      `(${pose.xM}, ${pose.yM}) m is not on the floor of '${ground.site.name}'`,
    );
  }
  if (docked !== undefined && docked !== null && (typeof docked !== 'string' || !ground.places.has(docked))) {
    throw new BrokenRobotConfigError('docked', `no place '${String(docked)}' on the site`);
  }
  if (charge !== undefined && !(typeof charge === 'number' && charge >= 0 && charge <= 1)) {
    throw new BrokenRobotConfigError('charge', 'expected a fraction from 0 to 1');
  }
  return {
    site: { digest: ground.site.digest },
    body,
    name,
    start: pose,
    docked: typeof docked === 'string' ? docked : null,
    charge: charge ?? 1,
  };
}

/** Belief before the first stimulus: stands where it was put, everything cool, nothing seen. */
export function initialBelief(config: RobotConfig, atUs: number, flags: readonly number[]): FleetBelief {
  const { xM, yM, headingRad } = config.start;
  const seenFrom = { xM, yM, cosH: cos(headingRad), sinH: sin(headingRad) };
  return {
    name: config.name,
    body: config.body,
    motion: {
      atUs,
      takenUs: atUs,
      lateUs: atUs - 1_000_000,
      disturbedUs: -1,
      frames: 0,
      xM,
      yM,
      headingRad,
      cosH: cos(headingRad),
      sinH: sin(headingRad),
      speedMps: 0,
      turnRadps: 0,
      accelMps2: 0,
      travelM: 0,
      turnedRad: 0,
      positionVar: 0.0025,
      headingVar: 0.0004,
      gyroBiasRadps: 0,
      pitchRad: 0,
      rollRad: 0,
      currentLeftA: 0,
      currentRightA: 0,
      bumper: false,
      clock: NO_READING,
      encoderLeft: 0,
      encoderRight: 0,
      stuckLeftUs: 0,
      stuckRightUs: 0,
      turnGapRadps: 0,
      overCurrentSinceUs: -1,
      stillSinceUs: atUs,
      standsSinceUs: atUs,
      glitches: 0,
      fixAtUs: atUs,
      fixRefused: 0,
      fixGapM: 0,
    },
    sight: {
      atUs: -1,
      ranges: null,
      repeats: 0,
      freshTravelM: 0,
      freshTurnedRad: 0,
      aheadM: Number.POSITIVE_INFINITY,
      behindM: Number.POSITIVE_INFINITY,
      approachMps: 0,
      travelM: 0,
      tracks: [],
      nextTrack: 1,
      seenFrom: flags.includes(SWEPT_WAY) ? seenFrom : undefined,
    },
    health: {
      atUs: -1,
      motorLeftC: 25,
      motorRightC: 25,
      boardC: 30,
      batteryV: 48,
      batteryA: 0,
      charge: config.charge ?? 1,
      batteryC: 25,
      batteryHealth: 1,
      jointTorqueNm: [0, 0, 0, 0, 0, 0],
      jointCurrentA: [0, 0, 0, 0, 0, 0],
    },
    peers: [],
    errands: [],
    cargo: null,
    docked: config.docked ?? null,
    recorderDownSinceUs: -1,
    fences: NO_FENCES,
    ledAway: flags.includes(LED_AWAY) ? true : undefined,
  };
}

export const bodyOf = (belief: FleetBelief): Body => BODIES[belief.body];
