import { buildGridGraph, type GridGraph } from '@sigma/swarm';
import { cellsOfFence, type Fences } from './site/fence.ts';
import type { Place, Site } from './site/site.ts';

/** A site as the model asks about it ten thousand times a second: zones by cell, places by id. Built once, never changed. */
export interface Ground {
  readonly site: Site;
  /** Every way that the walls leave. */
  readonly roads: GridGraph;
  /** The ways that robots may be sent: those without restricted zones. */
  readonly permitted: GridGraph;
  /** 1 where no robot may be: inside a zone of kind `restricted`. */
  readonly restricted: Uint8Array;
  /** 1 where people work. */
  readonly work: Uint8Array;
  /** Speed limit of the cell's slow zones in m/s; Infinity where there is none. */
  readonly limitMps: Float64Array;
  /** Ids of the zones that hold the cell, in the site's order; null for none. */
  readonly zonesOf: readonly (readonly string[] | null)[];
  readonly places: ReadonlyMap<string, Place>;
  readonly stations: ReadonlyMap<string, Place>;
  /** True when any zone is restricted or has a limit: lets the hot path skip a look-up. */
  readonly fenced: boolean;
}

export function groundOf(site: Site): Ground {
  const cells = site.width * site.height;
  const restricted = new Uint8Array(cells);
  const work = new Uint8Array(cells);
  const limitMps = new Float64Array(cells).fill(Number.POSITIVE_INFINITY);
  const zonesOf: (string[] | null)[] = new Array(cells).fill(null);
  let fenced = false;
  for (const zone of site.zones) {
    for (const cell of zone.cells) {
      const names = zonesOf[cell];
      if (names === null || names === undefined) zonesOf[cell] = [zone.id];
      else names.push(zone.id);
      if (zone.kind === 'restricted') restricted[cell] = 1;
      if (zone.kind === 'work') work[cell] = 1;
      if (zone.speedMps !== null && zone.speedMps < (limitMps[cell] as number)) limitMps[cell] = zone.speedMps;
    }
    if (zone.kind === 'restricted' || zone.speedMps !== null) fenced = true;
  }
  const places = new Map<string, Place>();
  for (const list of [site.docks, site.chargers, site.stations]) for (const place of list) places.set(place.id, place);
  const stations = new Map(site.stations.map((place) => [place.id, place]));
  const { width, height, blocked, exits: oneWay } = site;
  const roads = buildGridGraph({ width, height, blocked, oneWay });
  const barred = blocked.map((wall, cell) => (wall !== 0 || restricted[cell] !== 0 ? 1 : 0));
  const permitted = buildGridGraph({ width, height, blocked: barred, oneWay });
  return { site, roads, permitted, restricted, work, limitMps, zonesOf, places, stations, fenced };
}

/** Grounds with fences, by the ground below and what is drawn on it. Robots of one process share them. */
const fenced = new WeakMap<
  Ground,
  { readonly of: WeakMap<Fences, Ground>; last: { text: string; ground: Ground } | null }
>();

/**
 * The ground with what people drew on it since: a fence counts as a zone of the site with its id and kind. The same
 * object for the same fences, so that asking ten thousand times a second costs a look-up.
 */
export function fencedGround(ground: Ground, fences: Fences): Ground {
  if (fences.list.length === 0) return ground;
  let known = fenced.get(ground);
  if (known === undefined) {
    known = { of: new WeakMap(), last: null };
    fenced.set(ground, known);
  }
  const found = known.of.get(fences);
  if (found !== undefined) return found;
  const text = JSON.stringify(fences.list);
  if (known.last?.text !== text) known.last = { text, ground: drawOn(ground, fences) };
  known.of.set(fences, known.last.ground);
  return known.last.ground;
}

function drawOn(ground: Ground, fences: Fences): Ground {
  const { site } = ground;
  const zones = fences.list.map((fence) => ({
    id: fence.id,
    name: fence.id,
    kind: fence.kind,
    speedMps: fence.kind === 'slow' ? fence.speedMps : null,
    cells: cellsOfFence(site, fence),
  }));
  return groundOf({ ...site, zones: [...site.zones, ...zones] });
}

/** True for walls and for everything outside the grid. */
export const isWall = (site: Site, xM: number, yM: number): boolean =>
  isWallAt(site, Math.floor(xM / site.metresPerCell), Math.floor(yM / site.metresPerCell));

/** Column from the left and row from below. */
function isWallAt({ width, height, blocked }: Site, column: number, rowUp: number): boolean {
  if (!(column >= 0 && column < width && rowUp >= 0 && rowUp < height)) return true;
  return blocked[(height - 1 - rowUp) * width + column] !== 0;
}

/**
 * Whether the point, or a corner of the square of so many metres around it, is wall: faces and corners of walls alike.
 * Every ray of every scan comes by here: each side of the square is laid on the grid once, not at both of its corners, and
 * a square that reaches no further than into the next cells holds the point in one of its corners' own.
 */
export function nearWall(site: Site, xM: number, yM: number, withinM: number): boolean {
  const { metresPerCell, width, height, blocked } = site;
  const left = Math.floor((xM - withinM) / metresPerCell);
  const right = Math.floor((xM + withinM) / metresPerCell);
  const low = Math.floor((yM - withinM) / metresPerCell);
  const high = Math.floor((yM + withinM) / metresPerCell);
  if (left >= 0 && low >= 0 && right < width && high < height && right - left <= 1 && high - low <= 1) {
    const upper = (height - 1 - high) * width;
    const lower = (height - 1 - low) * width;
    // Which of them is wall nobody can foresee: it takes less to look at all four than to stop at the first.
    const walls =
      (blocked[upper + left] as number) |
      (blocked[upper + right] as number) |
      (blocked[lower + left] as number) |
      (blocked[lower + right] as number);
    return walls !== 0;
  }
  return (
    isWall(site, xM, yM) ||
    isWallAt(site, right, high) ||
    isWallAt(site, left, high) ||
    isWallAt(site, right, low) ||
    isWallAt(site, left, low)
  );
}

/**
 * Whether nothing blocks the straight line between the centres of two cells. The line steps along its longer side; where it
 * meets a corner exactly, both cells beside the corner must be blocked to hide what is behind (symmetric both ways).
 */
export function inSight(site: Site, from: number, to: number): boolean {
  const { width, blocked } = site;
  let x = from % width;
  let y = (from - x) / width;
  const toX = to % width;
  const toY = (to - toX) / width;
  const dx = Math.abs(toX - x);
  const dy = Math.abs(toY - y);
  const stepX = toX > x ? 1 : -1;
  const stepY = toY > y ? 1 : -1;
  let error = dx - dy;
  for (let left = dx + dy; left > 0; left--) {
    if (error === 0 && dx > 0 && dy > 0) {
      if (blocked[y * width + x + stepX] !== 0 && blocked[(y + stepY) * width + x] !== 0) return false;
      x += stepX;
      y += stepY;
      error += 2 * dx - 2 * dy;
      left--;
    } else if (error > 0) {
      x += stepX;
      error -= 2 * dy;
    } else {
      y += stepY;
      error += 2 * dx;
    }
    if (blocked[y * width + x] !== 0) return false;
  }
  return true;
}
