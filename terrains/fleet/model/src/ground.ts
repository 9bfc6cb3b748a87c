import { buildGridGraph, type GridGraph } from '@sigma/swarm';
import { cellAt, EAST, NORTH, type Place, type Site, SOUTH, WEST } from './site/site.ts';
import { DIRECTIONS, isFree, neighbour } from './site/ways.ts';

/** A site as the model asks about it ten thousand times a second: zones by cell, places by id. Built once, never changed. */
export interface Ground {
  readonly site: Site;
  readonly roads: GridGraph;
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
  const roads = buildGridGraph({
    width: site.width,
    height: site.height,
    blocked: site.blocked,
    oneWay: roadExits(site),
  });
  return { site, roads, restricted, work, limitMps, zonesOf, places, stations, fenced };
}

/**
 * The site's exits, except that a cell with one free neighbour allows every direction: it is the end of an aisle, not a
 * one-way, and the way out is the way in.
 */
function roadExits(site: Site): Uint8Array {
  const exits = site.exits.slice();
  for (let cell = 0; cell < exits.length; cell++) {
    if (site.blocked[cell] !== 0) continue;
    let free = 0;
    for (const direction of DIRECTIONS) if (isFree(site, neighbour(site, cell, direction))) free++;
    if (free === 1) exits[cell] = NORTH | EAST | SOUTH | WEST;
  }
  return exits;
}

/** True for walls and for everything outside the grid. */
export function isWall(site: Site, xM: number, yM: number): boolean {
  const cell = cellAt(site, xM, yM);
  return cell < 0 || site.blocked[cell] !== 0;
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
