import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { OBSTACLE_MARGIN_M, separationSpeed } from './separation.ts';

/** Half the width of the place where two ways cross: own hull, the other's, and what the track's surface hides of it. */
const CROSSING_M = 0.85;
/** Slower things cross nothing within the time that counts. */
const LEAST_CROSSING_MPS = 0.15;
/** Who comes from the right goes first; who comes from the left is yielded to only when he does not yield. */
const FROM_RIGHT_S = 3;
const FROM_LEFT_S = 1.6;

/** A moving thing that will cross the robot's way, and the speed from which the robot stands before the crossing. */
export interface Crossing {
  readonly track: number;
  readonly speedMps: number;
}

/**
 * The tightest bound by anything but people (they have speed and separation monitoring) whose straight way meets the
 * robot's: unless the robot is through before the other arrives, it must be able to stand before the place they share.
 */
export function nextCrossing(belief: FleetBelief, lateS = 0): Crossing | null {
  const { motion, sight } = belief;
  if (sight.tracks.length === 0 || motion.speedMps < 0.1) return null;
  const body = bodyOf(belief);
  let best: Crossing | null = null;
  for (const { id, kind, confirmed, xM, yM, vxMps, vyMps } of sight.tracks) {
    if (kind === 'person' || !confirmed) continue;
    const dx = xM - motion.xM;
    const dy = yM - motion.yM;
    const ahead = dx * motion.cosH + dy * motion.sinH;
    const aside = dy * motion.cosH - dx * motion.sinH;
    const across = vyMps * motion.cosH - vxMps * motion.sinH;
    const along = vxMps * motion.cosH + vyMps * motion.sinH;
    if (ahead < 0 || Math.abs(across) < LEAST_CROSSING_MPS || aside * across >= 0) continue;
    const inS = Math.max(0, (Math.abs(aside) - CROSSING_M) / Math.abs(across));
    if (inS > (aside < 0 ? FROM_RIGHT_S : FROM_LEFT_S)) continue;
    const place = ahead + along * inS;
    if (place < 0 || motion.speedMps * inS > place + CROSSING_M) continue;
    const speedMps = separationSpeed(Math.max(0, place - CROSSING_M), 0, body.brakeMps2, OBSTACLE_MARGIN_M, lateS);
    if (best === null || speedMps < best.speedMps) best = { track: id, speedMps };
  }
  return best;
}
