import type { Command, Situation } from '@sigma/kernel';
import { bodyOf, type FleetBelief, type Track } from '../belief/belief.ts';
import type { Body } from '../bodies.ts';
import { DRIVE } from '../commands.ts';

/** A person's speed towards the robot when it is not measured (ISO 13855, ISO/TS 15066 5.5.4.2.3). */
const PERSON_MPS = 1.6;
/** From the scan's instant to the first newton of the brakes: one scan period, one cycle, the drive. */
const REACTION_S = 0.13;
/** Intrusion distance C of the lidar. */
const INTRUSION_M = 0.1;
/** Position uncertainty of person and robot, Z_d + Z_r. */
const UNCERTAINTY_M = 0.05;
/** Half of a lidar return's spread: obstacles other than people. */
export const OBSTACLE_MARGIN_M = 0.05;

/**
 * Bounds are rounded down to steps of 0.05 so that a person who walks does not make a new decision at every tick, and
 * the rounding never errs on the fast side. Less than 0.1 is no driving.
 */
export const stepDown = (speed: number): number => (speed < 0.1 ? 0 : Math.floor(speed * 20) / 20);

/**
 * Greatest own speed at which a robot stands before what comes towards it has used up the distance between them:
 * `d >= v_h (T_r + v / a) + v T_r + v^2 / (2 a) + margin`, solved for v (ISO/TS 15066 5.5.4.2.3, equation 3, with
 * constant braking). Never below 0.
 *
 * @param lateS what the picture's age adds to the reaction time [F57]
 */
export function separationSpeed(
  distanceM: number,
  towardsMps: number,
  brakeMps2: number,
  marginM: number,
  lateS = 0,
): number {
  const reactionS = REACTION_S + lateS;
  const room = distanceM - towardsMps * reactionS - marginM;
  if (room <= 0) return 0;
  const linear = towardsMps + brakeMps2 * reactionS;
  return Math.sqrt(linear * linear + 2 * brakeMps2 * room) - linear;
}

/** Protective separation distance at the robot's own speed, hull to surface. */
export function protectiveDistance(speedMps: number, body: Body): number {
  const v = Math.abs(speedMps);
  const stopS = v / body.brakeMps2;
  return PERSON_MPS * (REACTION_S + stopS) + v * REACTION_S + 0.5 * v * stopS + INTRUSION_M + UNCERTAINTY_M;
}

/** A person keeps the velocity that was seen for so long; then the track's last place stands. */
const MOST_EXTRAPOLATION_S = 0.3;

export interface Nearness {
  readonly track: Track;
  /** Hull to visible surface, >= 0. */
  readonly gapM: number;
  /** From the robot's centre, as people measure it. */
  readonly distanceM: number;
  /** Cosine of the angle between the direction of travel and the direction to the person. */
  readonly facing: number;
}

/** The person whose distance bounds the robot most, or null when none is in sight. */
export function nearestPerson(belief: FleetBelief, backwards = belief.motion.speedMps < -0.02): Nearness | null {
  const { tracks } = belief.sight;
  if (tracks.length === 0) return null;
  const { motion } = belief;
  let best: Track | null = null;
  let bestX = 0;
  let bestY = 0;
  let bestSquared = Number.POSITIVE_INFINITY;
  for (const track of tracks) {
    if (track.kind !== 'person' || !track.confirmed) continue;
    const since = Math.min(MOST_EXTRAPOLATION_S, (motion.atUs - track.seenUs) * 1e-6);
    const dx = track.xM + track.vxMps * since - motion.xM;
    const dy = track.yM + track.vyMps * since - motion.yM;
    const squared = dx * dx + dy * dy;
    if (squared < bestSquared) {
      best = track;
      bestX = dx;
      bestY = dy;
      bestSquared = squared;
    }
  }
  if (best === null) return null;
  const distanceM = Math.sqrt(bestSquared);
  const along = bestX * motion.cosH + bestY * motion.sinH;
  const way = backwards ? -along : along;
  const facing = distanceM > 0 ? way / distanceM : 1;
  return { track: best, gapM: Math.max(0, distanceM - bodyOf(belief).radiusM), distanceM, facing };
}

/** Speed allowed beside a person at that gap. */
export const personSpeed = (gapM: number, body: Body, lateS = 0): number =>
  separationSpeed(gapM, PERSON_MPS, body.brakeMps2, INTRUSION_M + UNCERTAINTY_M, lateS);

/** Free path of the hull, now: what the last scan showed, less what was driven since. */
export function freePathM({ sight, motion }: FleetBelief, backwards = motion.speedMps < -0.02): number {
  const seen = backwards ? sight.behindM : sight.aheadM;
  return Math.max(0, seen - (motion.travelM - sight.travelM));
}

/** Slower than this the body is as good as standing: it moves neither forward nor backwards. */
export const STANDING_MPS = 0.02;

/**
 * Whether the body moves backwards, or stands and is wanted to: what it faces then bounds nothing. Its operator's word
 * goes before its plan's [F103]. Who is told to drive forward by anybody is not about to back up.
 */
export function headsBack({ world, mode, plan, command, operator }: Situation<FleetBelief>): boolean {
  const { speedMps } = world.motion;
  if (Math.abs(speedMps) > STANDING_MPS) return speedMps < 0;
  if (!(driveOf(command) <= 0)) return false;
  if (world.ledAway && operator !== null) return driveOf(operator) < 0;
  return mode === 'automatic' && driveOf(plan?.command ?? null) < 0;
}

const driveOf = (command: Command | null): number => {
  const speedMps = command?.name === DRIVE ? command.params.speedMps : 0;
  return typeof speedMps === 'number' ? speedMps : 0;
};
