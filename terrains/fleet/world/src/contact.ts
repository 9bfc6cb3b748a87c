import { cellAt, type Site } from '@sigma/fleet-model';
import { PERSON, PERSON_ID, PERSON_RADIUS_M, PERSON_X, PERSON_Y, ROBOT, X, Y } from './state.ts';
import type { Draft } from './step.ts';

/** What stands in the way of a body at a point. `other` as in Collision. */
export interface Obstacle {
  readonly with: 'robot' | 'person' | 'wall';
  readonly other: number;
  readonly xM: number;
  readonly yM: number;
}

/**
 * The wall cell that a disc would cut into, or null. Beyond the grid is wall. Cells are squares; a disc that just
 * touches one does not cut it.
 */
export function wallAt(site: Site, xM: number, yM: number, radiusM: number): Obstacle | null {
  const cellM = site.metresPerCell;
  const left = Math.floor((xM - radiusM) / cellM);
  const right = Math.floor((xM + radiusM) / cellM);
  const low = Math.floor((yM - radiusM) / cellM);
  const high = Math.floor((yM + radiusM) / cellM);
  for (let up = low; up <= high; up++) {
    for (let column = left; column <= right; column++) {
      const inside = column >= 0 && column < site.width && up >= 0 && up < site.height;
      const cell = inside ? (site.height - 1 - up) * site.width + column : -1;
      if (inside && site.blocked[cell] === 0) continue;
      const nearX = Math.min(Math.max(xM, column * cellM), (column + 1) * cellM);
      const nearY = Math.min(Math.max(yM, up * cellM), (up + 1) * cellM);
      const dx = xM - nearX;
      const dy = yM - nearY;
      if (dx * dx + dy * dy < radiusM * radiusM) return { with: 'wall', other: cell, xM: nearX, yM: nearY };
    }
  }
  return null;
}

/**
 * What keeps robot `robot` from moving to the point, or null. Robots that moved before it in this step stand at their
 * new places, the others at their old ones; as every body only ever moves to where it overlaps nothing, none ever
 * overlaps. Bodies that do overlap (a person was put there) may part but not come closer.
 */
export function obstacleAt(draft: Draft, robot: number, xM: number, yM: number): Obstacle | null {
  const { layout, robots, people } = draft;
  const radiusM = (layout.bodies[robot] as { radiusM: number }).radiusM;
  const wall = wallAt(layout.site, xM, yM, radiusM);
  if (wall !== null) return wall;
  const fromX = robots[robot * ROBOT + X] as number;
  const fromY = robots[robot * ROBOT + Y] as number;
  for (let other = 0; other < layout.bodies.length; other++) {
    const otherX = robots[other * ROBOT + X] as number;
    const dx = xM - otherX;
    if (dx > 2 || dx < -2 || other === robot) continue;
    const otherY = robots[other * ROBOT + Y] as number;
    const leastM = radiusM + (layout.bodies[other] as { radiusM: number }).radiusM;
    if (closer(dx, yM - otherY, fromX - otherX, fromY - otherY, leastM)) {
      return { with: 'robot', other, xM: otherX, yM: otherY };
    }
  }
  for (let at = 0; at < people.length; at += PERSON) {
    const personX = people[at + PERSON_X] as number;
    const dx = xM - personX;
    if (dx > 2 || dx < -2) continue;
    const personY = people[at + PERSON_Y] as number;
    if (closer(dx, yM - personY, fromX - personX, fromY - personY, radiusM + PERSON_RADIUS_M)) {
      return { with: 'person', other: people[at + PERSON_ID] as number, xM: personX, yM: personY };
    }
  }
  return null;
}

/** True when the new distance is under the least and not above the old one. */
function closer(dx: number, dy: number, oldDx: number, oldDy: number, leastM: number): boolean {
  const distance2 = dx * dx + dy * dy;
  return distance2 < leastM * leastM && distance2 <= oldDx * oldDx + oldDy * oldDy;
}

/**
 * True when a person may be at the point: on floor, and overlapping no robot more than where they come from. Whoever
 * comes from nowhere may overlap none.
 */
export function personMayStand(draft: Draft, xM: number, yM: number, fromX = Infinity, fromY = Infinity): boolean {
  const { site, bodies } = draft.layout;
  const cell = cellAt(site, xM, yM);
  if (cell < 0 || site.blocked[cell] !== 0) return false;
  for (let robot = 0; robot < bodies.length; robot++) {
    const robotX = draft.robots[robot * ROBOT + X] as number;
    const dx = xM - robotX;
    if (dx > 2 || dx < -2) continue;
    const robotY = draft.robots[robot * ROBOT + Y] as number;
    const leastM = (bodies[robot] as { radiusM: number }).radiusM + PERSON_RADIUS_M;
    if (closer(dx, yM - robotY, fromX - robotX, fromY - robotY, leastM)) return false;
  }
  return true;
}
