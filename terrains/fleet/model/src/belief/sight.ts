import { cos, RAD_PER_DEG, sin } from '@sigma/kernel';
import type { Body } from '../bodies.ts';
import { NO_READING, SCAN_RAYS } from '../channels.ts';
import { type Ground, nearWall } from '../ground.ts';
import type { MotionBelief, Peer, SightBelief, Viewpoint } from './belief.ts';
import { type Cluster, foldTracks } from './tracks.ts';

export const RAY_COS = new Float64Array(SCAN_RAYS);
export const RAY_SIN = new Float64Array(SCAN_RAYS);
for (let ray = 0; ray < SCAN_RAYS; ray++) {
  const angleRad = (ray * 360 * RAD_PER_DEG) / SCAN_RAYS;
  RAY_COS[ray] = cos(angleRad);
  RAY_SIN[ray] = sin(angleRad);
}
const RAY_STEP_RAD = (360 * RAD_PER_DEG) / SCAN_RAYS;

/** Scans equal in every ray, in a row, that no living sensor gives. */
const FROZEN_REPEATS = 3;
/** The hull's free path is measured in a lane this much wider than the hull, on each side. */
export const LANE_MARGIN_M = 0.04;
/** A return this near to a wall of the map is the wall. The pose's own uncertainty comes on top. */
const WALL_TOLERANCE_M = 0.15;

/** Frozen: the picture stays the same in every ray although the robot has moved. */
export const lidarFrozen = (sight: SightBelief, motion: MotionBelief): boolean =>
  sight.repeats >= FROZEN_REPEATS &&
  (motion.travelM - sight.freshTravelM > 0.03 || motion.turnedRad - sight.freshTurnedRad > 0.05);

/** A single ray nearer than this is dust or an edge: even a leg would return two. */
const LONE_RAY_M = 3;

// Scratch of one fold: points that the map does not explain, in ray order. Never read across calls.
const pointX = new Float64Array(SCAN_RAYS);
const pointY = new Float64Array(SCAN_RAYS);
const pointRange = new Float64Array(SCAN_RAYS);
const pointRay = new Int32Array(SCAN_RAYS);

/** A scan: free path ahead and behind, and tracks of whatever the map does not explain. */
export function foldScan(
  sight: SightBelief,
  motion: MotionBelief,
  body: Body,
  ground: Ground,
  peers: readonly Peer[],
  values: Int32Array,
  atUs: number,
): SightBelief {
  const { site } = ground;
  const repeats = sight.ranges !== null && sameScan(sight.ranges, values) ? sight.repeats + 1 : 0;
  const fresh = repeats === 0;
  const lane = body.radiusM + LANE_MARGIN_M;
  const radiusSquared = body.radiusM * body.radiusM;
  const tolerance = WALL_TOLERANCE_M + Math.min(0.3, Math.sqrt(motion.positionVar));
  const swing = Math.min(0.1, 2 * Math.sqrt(motion.headingVar));
  let aheadM = Number.POSITIVE_INFINITY;
  let behindM = Number.POSITIVE_INFINITY;
  let points = 0;
  for (let ray = 0; ray < SCAN_RAYS; ray++) {
    const count = values[ray] as number;
    if (count <= 0 || count === NO_READING) continue;
    const range = count * 1e-3;
    const forward = range * (RAY_COS[ray] as number);
    const leftward = range * (RAY_SIN[ray] as number);
    const aside = leftward < 0 ? -leftward : leftward;
    if (aside < lane) {
      const nose = aside < body.radiusM ? Math.sqrt(radiusSquared - aside * aside) : 0;
      if (forward > 0) {
        if (forward - nose < aheadM) aheadM = forward - nose;
      } else if (-forward - nose < behindM) behindM = -forward - nose;
    }
    const xM = motion.xM + forward * motion.cosH - leftward * motion.sinH;
    const yM = motion.yM + forward * motion.sinH + leftward * motion.cosH;
    if (nearWall(site, xM, yM, tolerance + swing * range)) continue;
    pointX[points] = xM;
    pointY[points] = yM;
    pointRange[points] = range;
    pointRay[points] = ray;
    points++;
  }
  aheadM = Math.max(0, aheadM);
  behindM = Math.max(0, behindM);
  const dt = sight.atUs < 0 ? 0 : (atUs - sight.atUs) * 1e-6;
  const { tracks, nextTrack } = foldTracks(sight, clusters(points), peers, motion, dt, atUs);
  return {
    atUs,
    ranges: values,
    repeats,
    freshTravelM: fresh ? motion.travelM : sight.freshTravelM,
    freshTurnedRad: fresh ? motion.turnedRad : sight.freshTurnedRad,
    aheadM,
    behindM,
    approachMps: approach(sight, motion, aheadM, dt),
    travelM: motion.travelM,
    tracks,
    nextTrack,
    seenFrom: sight.seenFrom === undefined ? undefined : placeOf(motion),
  };
}

const placeOf = ({ xM, yM, cosH, sinH }: MotionBelief): Viewpoint => ({ xM, yM, cosH, sinH });

/** The picture after the robot has corrected its own place: what it showed lies where it lay as seen from the robot. */
export function movePicture(sight: SightBelief, before: MotionBelief, after: MotionBelief): SightBelief {
  const { seenFrom } = sight;
  if (seenFrom === undefined || (before.xM === after.xM && before.yM === after.yM && before.cosH === after.cosH))
    return sight;
  const dx = seenFrom.xM - before.xM;
  const dy = seenFrom.yM - before.yM;
  const cosC = after.cosH * before.cosH + after.sinH * before.sinH;
  const sinC = after.sinH * before.cosH - after.cosH * before.sinH;
  return {
    ...sight,
    seenFrom: {
      xM: after.xM + cosC * dx - sinC * dy,
      yM: after.yM + sinC * dx + cosC * dy,
      cosH: cosC * seenFrom.cosH - sinC * seenFrom.sinH,
      sinH: sinC * seenFrom.cosH + cosC * seenFrom.sinH,
    },
  };
}

function sameScan(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** What is ahead comes nearer by more than was driven: it moves itself. A jump to another surface is no motion. */
function approach(sight: SightBelief, motion: MotionBelief, aheadM: number, dt: number): number {
  if (!(dt > 0.02 && dt < 0.5) || aheadM === Number.POSITIVE_INFINITY || sight.aheadM === Number.POSITIVE_INFINITY)
    return 0;
  const driven = motion.travelM - sight.travelM;
  const own = (sight.aheadM - aheadM - driven) / dt;
  const turned = Math.abs(motion.turnRadps) > 0.15;
  if (turned || own > 3 || own < 0.1) return 0;
  return sight.approachMps + 0.6 * (own - sight.approachMps);
}

/** Neighbouring unexplained points, joined where the gap between them fits one surface; the circle closes behind the last ray. */
function clusters(points: number): Cluster[] {
  const found: Cluster[] = [];
  let from = 0;
  for (let k = 1; k <= points; k++) {
    if (k < points && joined(k - 1, k)) continue;
    found.push(cluster(from, k));
    from = k;
  }
  if (
    found.length > 1 &&
    (pointRay[0] as number) + SCAN_RAYS - (pointRay[points - 1] as number) <= 2 &&
    joined(points - 1, 0)
  ) {
    const last = found.pop() as Cluster;
    found[0] = merge(last, found[0] as Cluster);
  }
  return found.filter(({ rays, rangeM }) => rays > 1 || rangeM > LONE_RAY_M);
}

function joined(a: number, b: number): boolean {
  const dx = (pointX[a] as number) - (pointX[b] as number);
  const dy = (pointY[a] as number) - (pointY[b] as number);
  const reach = 0.2 + 2 * RAY_STEP_RAD * Math.min(pointRange[a] as number, pointRange[b] as number);
  return dx * dx + dy * dy <= reach * reach;
}

function cluster(from: number, end: number): Cluster {
  let x = 0;
  let y = 0;
  let rangeM = Number.POSITIVE_INFINITY;
  for (let k = from; k < end; k++) {
    x += pointX[k] as number;
    y += pointY[k] as number;
    rangeM = Math.min(rangeM, pointRange[k] as number);
  }
  const rays = end - from;
  const dx = (pointX[end - 1] as number) - (pointX[from] as number);
  const dy = (pointY[end - 1] as number) - (pointY[from] as number);
  return { xM: x / rays, yM: y / rays, widthM: Math.sqrt(dx * dx + dy * dy), rays, rangeM };
}

function merge(a: Cluster, b: Cluster): Cluster {
  const rays = a.rays + b.rays;
  return {
    xM: (a.xM * a.rays + b.xM * b.rays) / rays,
    yM: (a.yM * a.rays + b.yM * b.rays) / rays,
    widthM: a.widthM + b.widthM,
    rays,
    rangeM: Math.min(a.rangeM, b.rangeM),
  };
}
