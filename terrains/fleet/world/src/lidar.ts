import { type Body, SCAN_RAYS, type Site } from '@sigma/fleet-model';
import { atan2, cos, drawNormal, drawUnit, PI, purpose, sin, TAU } from '@sigma/kernel';
import { HEADING, type Layout, PERSON, PERSON_RADIUS_M, PERSON_X, PERSON_Y, ROBOT, X, Y } from './state.ts';
import type { Draft } from './step.ts';

/** Standard deviation of a range, m. */
export const RANGE_SIGMA_M = 0.01;
/** One ray in this many comes back empty. */
const LOST_ONE_IN = 1000;
const LEAST_RANGE_M = 0.02;

const RANGE_NOISE = purpose('world-lidar-noise');
const LOST_RAY = purpose('world-lidar-lost');

const RAY_RAD = TAU / SCAN_RAYS;
const RAY_COS = Float64Array.from({ length: SCAN_RAYS }, (_, ray) => cos(ray * RAY_RAD));
const RAY_SIN = Float64Array.from({ length: SCAN_RAYS }, (_, ray) => sin(ray * RAY_RAD));

/** The grid with a rim of walls around it, so that no ray has to be told where the grid ends. */
interface Walls {
  readonly stride: number;
  /** 0 where a ray passes. Cell (column, row) of the site is at (row + 1) * stride + column + 1. */
  readonly solid: Uint8Array;
}

const wallsOf = new WeakMap<Site, Walls>();

function wallsAround(site: Site): Walls {
  const known = wallsOf.get(site);
  if (known !== undefined) return known;
  const { width, height, blocked } = site;
  const stride = width + 2;
  const solid = new Uint8Array(stride * (height + 2)).fill(1);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      solid[(row + 1) * stride + column + 1] = blocked[row * width + column] as number;
    }
  }
  const walls = { stride, solid };
  wallsOf.set(site, walls);
  return walls;
}

/**
 * Distance along a unit direction to the first wall, or `rangeM` when there is none nearer. The grid is walked cell by
 * cell (Amanatides and Woo, "A Fast Voxel Traversal Algorithm for Ray Tracing", 1987). The edge of the grid is a wall.
 */
export function castRay(site: Site, xM: number, yM: number, dirX: number, dirY: number, rangeM: number): number {
  const { width, height, metresPerCell } = site;
  const gx = xM / metresPerCell;
  const gy = height - yM / metresPerCell;
  if (!(gx >= 0 && gx < width && gy >= 0 && gy < height)) return 0;
  return cast(wallsAround(site), metresPerCell, gx, gy, dirX, dirY, rangeM);
}

/** A ray from (gx, gy) in cells, inside the grid, rows counted downwards. */
function cast(
  { stride, solid }: Walls,
  metresPerCell: number,
  gx: number,
  gy: number,
  dirX: number,
  dirY: number,
  rangeM: number,
): number {
  const column = Math.floor(gx);
  const row = Math.floor(gy);
  const right = dirX > 0;
  const down = dirY < 0;
  const stepX = right ? 1 : -1;
  const stepY = down ? stride : -stride;
  const acrossX = dirX === 0 ? Infinity : metresPerCell / Math.abs(dirX);
  const acrossY = dirY === 0 ? Infinity : metresPerCell / Math.abs(dirY);
  let nextX = dirX === 0 ? Infinity : (right ? column + 1 - gx : gx - column) * acrossX;
  let nextY = dirY === 0 ? Infinity : (down ? row + 1 - gy : gy - row) * acrossY;
  let at = (row + 1) * stride + column + 1;
  for (;;) {
    let distance: number;
    if (nextX < nextY) {
      distance = nextX;
      at += stepX;
      nextX += acrossX;
    } else {
      distance = nextY;
      at += stepY;
      nextY += acrossY;
    }
    if (distance >= rangeM) return rangeM;
    if (solid[at] !== 0) return distance;
  }
}

/** What the walls alone leave of a robot's rays, and from where: a robot that stands sees them as it did before. */
interface WallView {
  xM: number;
  yM: number;
  heading: number;
  readonly ranges: Float64Array;
}

const wallViews = new WeakMap<Layout, WallView[]>();

function viewOf(layout: Layout, robot: number): WallView {
  let views = wallViews.get(layout);
  if (views === undefined) {
    views = layout.bodies.map(() => ({ xM: NaN, yM: NaN, heading: NaN, ranges: new Float64Array(SCAN_RAYS) }));
    wallViews.set(layout, views);
  }
  return views[robot] as WallView;
}

/** Fills the view with what the robot's rays meet of the walls. */
function lookAtWalls(view: WallView, site: Site, xM: number, yM: number, heading: number, rangeM: number): void {
  if (view.xM === xM && view.yM === yM && view.heading === heading) return;
  view.xM = xM;
  view.yM = yM;
  view.heading = heading;
  const { ranges } = view;
  const { width, height, metresPerCell } = site;
  const gx = xM / metresPerCell;
  const gy = height - yM / metresPerCell;
  if (!(gx >= 0 && gx < width && gy >= 0 && gy < height)) {
    ranges.fill(0);
    return;
  }
  const walls = wallsAround(site);
  const c = cos(heading);
  const s = sin(heading);
  for (let ray = 0; ray < SCAN_RAYS; ray++) {
    const rayCos = RAY_COS[ray] as number;
    const raySin = RAY_SIN[ray] as number;
    ranges[ray] = cast(walls, metresPerCell, gx, gy, c * rayCos - s * raySin, s * rayCos + c * raySin, rangeM);
  }
}

/** Distances of one scan before noise. Filled and read within one call of `scanOf`. */
const ranges = new Float64Array(SCAN_RAYS);

/** One scan of a robot from where it stands, in millimetre counts: walls, robots and people, with noise. */
export function scanOf(draft: Draft, robot: number): Int32Array {
  const { layout, robots, people, tick } = draft;
  const at = robot * ROBOT;
  const xM = robots[at + X] as number;
  const yM = robots[at + Y] as number;
  const heading = robots[at + HEADING] as number;
  const rangeM = (layout.bodies[robot] as Body).lidarRangeM;
  const view = viewOf(layout, robot);
  lookAtWalls(view, layout.site, xM, yM, heading, rangeM);
  ranges.set(view.ranges);
  for (let other = 0; other < layout.bodies.length; other++) {
    if (other === robot) continue;
    const radiusM = (layout.bodies[other] as Body).radiusM;
    const dx = (robots[other * ROBOT + X] as number) - xM;
    castDisc(dx, (robots[other * ROBOT + Y] as number) - yM, radiusM, heading, rangeM);
  }
  for (let k = 0; k < people.length; k += PERSON) {
    castDisc(
      (people[k + PERSON_X] as number) - xM,
      (people[k + PERSON_Y] as number) - yM,
      PERSON_RADIUS_M,
      heading,
      rangeM,
    );
  }
  const key = layout.keys[robot] as number;
  // At most one ray of a scan is lost, each with the same chance: one draw instead of 180.
  const lost = Math.floor(drawUnit(layout.seed, key, tick, LOST_RAY, 0) * LOST_ONE_IN);
  const counts = new Int32Array(SCAN_RAYS);
  for (let ray = 0; ray < SCAN_RAYS; ray++) {
    const range = ranges[ray] as number;
    if (range >= rangeM || ray === lost) continue;
    const noisy = range + drawNormal(layout.seed, key, tick, RANGE_NOISE, ray) * RANGE_SIGMA_M;
    counts[ray] = Math.round(Math.max(LEAST_RANGE_M, noisy) * 1000);
  }
  return counts;
}

/** Shortens the rays that meet a disc at (dx, dy) from the lidar. */
function castDisc(dx: number, dy: number, radiusM: number, heading: number, rangeM: number): void {
  const reach = rangeM + radiusM;
  if (dx > reach || dx < -reach || dy > reach || dy < -reach) return;
  const distance2 = dx * dx + dy * dy;
  if (distance2 > reach * reach) return;
  const bearing = atan2(dy, dx) - heading;
  // Half the angle that the disc fills; from inside it, every ray meets it.
  const tangent2 = distance2 - radiusM * radiusM;
  const half = tangent2 <= 0 ? PI : atan2(radiusM, Math.sqrt(tangent2));
  const first = Math.ceil((bearing - half) / RAY_RAD);
  const last = Math.floor((bearing + half) / RAY_RAD);
  const c = cos(heading);
  const s = sin(heading);
  const ahead = c * dx + s * dy;
  const aside = c * dy - s * dx;
  for (let k = first; k <= last; k++) {
    const ray = ((k % SCAN_RAYS) + SCAN_RAYS) % SCAN_RAYS;
    const along = (RAY_COS[ray] as number) * ahead + (RAY_SIN[ray] as number) * aside;
    const gap2 = along * along - tangent2;
    if (gap2 < 0) continue;
    const near = tangent2 <= 0 ? 0 : along - Math.sqrt(gap2);
    if (near >= 0 && near < (ranges[ray] as number)) ranges[ray] = near;
  }
}
