import { BODIES } from '@sigma/fleet-model';
import type { SiteView } from '../live/site-view.ts';

export interface PathPoint {
  readonly xM: number;
  readonly yM: number;
  /** Seconds until the robot is there, at the speed that is assumed. */
  readonly inS: number;
}

export interface PlannedPath {
  readonly points: readonly PathPoint[];
  /** Points at round times on the way, and the end. */
  readonly ticks: readonly PathPoint[];
  readonly speedMps: number;
}

/** A robot that is stopped or just starting is expected to go on at this share of what its body can do. */
const USUAL_SHARE = 0.6;
const LEAST_SPEED_MPS = 0.15;
const TICKS_AT_MOST = 6;
const ROUND_S = [5, 10, 15, 30, 60, 120, 300, 600] as const;

/**
 * The way that a robot plans to go, from where it is, with the time at which it will be where: at its present speed, or,
 * while it stands, at its usual one. An estimate that leaves out waiting; null without a plan.
 */
export function plannedPath(live: SiteView, id: string, xM: number, yM: number, speedMps: number): PlannedPath | null {
  const numbers = live.path(id)?.pointsM;
  if (numbers === undefined || numbers.length < 2 || Number.isNaN(xM)) return null;
  const body = live.agent(id)?.status?.body === 'humanoid' ? BODIES.humanoid : BODIES.carrier;
  const speed = speedMps > LEAST_SPEED_MPS ? speedMps : body.maxSpeedMps * USUAL_SHARE;
  const points: PathPoint[] = [{ xM, yM, inS: 0 }];
  for (let k = 0; k + 1 < numbers.length; k += 2) {
    const before = points.at(-1) as PathPoint;
    const [x, y] = [numbers[k] as number, numbers[k + 1] as number];
    points.push({ xM: x, yM: y, inS: before.inS + Math.hypot(x - before.xM, y - before.yM) / speed });
  }
  return { points, ticks: ticksOf(points), speedMps: speed };
}

function ticksOf(points: readonly PathPoint[]): PathPoint[] {
  const end = points.at(-1) as PathPoint;
  const step = ROUND_S.find((seconds) => end.inS / seconds <= TICKS_AT_MOST) ?? Math.ceil(end.inS / TICKS_AT_MOST);
  const ticks: PathPoint[] = [];
  let k = 1;
  for (let at = step; at < end.inS - step * 0.4; at += step) {
    while (k < points.length - 1 && (points[k] as PathPoint).inS < at) k++;
    const [a, b] = [points[k - 1] as PathPoint, points[k] as PathPoint];
    const share = b.inS > a.inS ? (at - a.inS) / (b.inS - a.inS) : 0;
    ticks.push({ xM: a.xM + (b.xM - a.xM) * share, yM: a.yM + (b.yM - a.yM) * share, inS: at });
  }
  return [...ticks, end];
}
