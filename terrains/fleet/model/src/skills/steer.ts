import { angleDifference, atan2 } from '@sigma/kernel';
import type { Body } from '../bodies.ts';

/** Where a body is and how it moves. */
export interface Moving {
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly cosH: number;
  readonly sinH: number;
  readonly speedMps: number;
}

/** A stretch of way: the line to follow, and how far beyond its end the robot goes on in (almost) the same direction. */
export interface Stretch {
  readonly toXM: number;
  readonly toYM: number;
  /** Where the line begins; null to take it from the robot itself. */
  readonly from: { readonly xM: number; readonly yM: number } | null;
  /** Way left after the end until the robot has to stand, 0 to stand there. */
  readonly beyondM: number;
  /** Greatest speed, above 0. */
  readonly cruiseMps: number;
}

export interface Wheels {
  readonly speedMps: number;
  readonly turnRadps: number;
}

/** From one set-point to the next, and the lag of the drive. */
const PERIOD_S = 0.15;
/** Share of the braking limit that is planned with: the rest is for slips and slopes. */
const PLANNED = 0.75;
/** Distance of the point that is pursued; grows with speed. */
const LOOKAHEAD_M = 0.45;
const LOOKAHEAD_S = 0.25;
/** Standing robots turn on the spot for more than the first, moving ones stop for more than the second. */
const TURN_FIRST_RAD = 0.06;
const TURN_ANYWAY_RAD = 0.5;
/** The end of a stretch is reached this near. */
const ARRIVED_M = 0.04;
const ASIDE_M = 0.12;
/** A point passed by this much no longer counts as missed by a robot that moves on. */
const PASSED_BY_M = 0.3;

/** Greatest speed from which the robot stands after `distanceM`, when it may change its mind only every `PERIOD_S`. */
function stoppingSpeed(distanceM: number, decel: number): number {
  if (distanceM <= 0) return 0;
  return decel * (Math.sqrt(PERIOD_S * PERIOD_S + (2 * distanceM) / decel) - PERIOD_S);
}

export function turnTowards(errorRad: number, body: Body): number {
  const rate = Math.min(body.maxTurnRadps, stoppingSpeed(Math.abs(errorRad), body.turnAccelRadps2 * 0.5));
  return errorRad < 0 ? -rate : rate;
}

/**
 * Turn on the spot, then drive: aisles are one cell wide, so corners are taken standing. On the straight, pure pursuit
 * (Coulter 1992) of a point on the line, with the speed from which the robot can still stand where it has to.
 */
export function steer(at: Moving, stretch: Stretch, body: Body): Wheels {
  const dx = stretch.toXM - at.xM;
  const dy = stretch.toYM - at.yM;
  const distance = Math.sqrt(dx * dx + dy * dy);
  const along = dx * at.cosH + dy * at.sinH;
  if (along < 0 && distance < PASSED_BY_M && at.speedMps < 0.05 && Math.abs(dy * at.cosH - dx * at.sinH) < ASIDE_M) {
    return {
      speedMps: -Math.min(0.2, stretch.cruiseMps, stoppingSpeed(-along, body.brakeMps2 * PLANNED)),
      turnRadps: 0,
    };
  }
  const aim = aimPoint(at, stretch, dx, dy, distance);
  const aimX = aim.xM - at.xM;
  const aimY = aim.yM - at.yM;
  const ahead = aimX * at.cosH + aimY * at.sinH;
  const aside = aimY * at.cosH - aimX * at.sinH;
  const errorRad = atan2(aside, ahead);
  const standing = Math.abs(at.speedMps) < 0.05;
  if (Math.abs(errorRad) > (standing ? TURN_FIRST_RAD : TURN_ANYWAY_RAD)) {
    return { speedMps: 0, turnRadps: turnTowards(errorRad, body) };
  }
  const left = Math.max(0, along) + stretch.beyondM;
  const speedMps = Math.min(stretch.cruiseMps, stoppingSpeed(left, body.brakeMps2 * PLANNED));
  const curvature = (2 * aside) / (aimX * aimX + aimY * aimY);
  const turn = Math.max(-0.8, Math.min(0.8, speedMps * curvature));
  return { speedMps, turnRadps: turn };
}

/** The point on the line, one look-ahead beyond the robot's own place on it. The line goes on straight behind its end. */
function aimPoint(at: Moving, stretch: Stretch, dx: number, dy: number, distance: number): { xM: number; yM: number } {
  const look = LOOKAHEAD_M + LOOKAHEAD_S * Math.abs(at.speedMps);
  let lineX = at.cosH;
  let lineY = at.sinH;
  if (stretch.from !== null) {
    const fromX = stretch.toXM - stretch.from.xM;
    const fromY = stretch.toYM - stretch.from.yM;
    const length = Math.sqrt(fromX * fromX + fromY * fromY);
    if (length > 0.2) {
      lineX = fromX / length;
      lineY = fromY / length;
    } else if (distance > 0.15) {
      lineX = dx / distance;
      lineY = dy / distance;
    }
  } else if (distance > 0.15) {
    lineX = dx / distance;
    lineY = dy / distance;
  }
  const toEnd = dx * lineX + dy * lineY;
  return { xM: stretch.toXM - (toEnd - look) * lineX, yM: stretch.toYM - (toEnd - look) * lineY };
}

/** Whether the end of a stretch counts as reached: near enough, or just passed by a robot that moves on. */
export function arrived(at: Moving, toXM: number, toYM: number): boolean {
  const dx = toXM - at.xM;
  const dy = toYM - at.yM;
  if (dx * at.cosH + dy * at.sinH >= ARRIVED_M) return false;
  const squared = dx * dx + dy * dy;
  return squared < ASIDE_M * ASIDE_M || (squared < PASSED_BY_M * PASSED_BY_M && at.speedMps > 0.05);
}

/** Change of direction, in [0, pi], that a robot on its way from a over b to c makes in b. */
export function bend(ax: number, ay: number, bx: number, by: number, cx: number, cy: number): number {
  return Math.abs(angleDifference(atan2(cy - by, cx - bx), atan2(by - ay, bx - ax)));
}
