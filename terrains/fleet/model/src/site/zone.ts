import type { Site } from './site.ts';

/** A point of a drawn outline: metres east, metres north of the site's south-west corner. */
export type PointM = readonly [xM: number, yM: number];

/** What came of drawing a zone. A refusal says which point is to blame and what to do. */
export type ZoneOutline =
  | { readonly ok: true; readonly cells: readonly number[] }
  | {
      readonly ok: false;
      readonly reason: 'too_few_points' | 'not_a_number' | 'outside_site' | 'empty';
      /** Index of the culprit, or -1 when it is the outline as a whole. */
      readonly point: number;
      readonly message: string;
    };

type Extent = Pick<Site, 'width' | 'height' | 'metresPerCell' | 'blocked'>;

const MAX_POINTS = 1000;

/**
 * Free cells whose centres lie inside the polygon by the even-odd rule, ascending. The outline closes itself and may
 * cross itself. Points on the site's edge are inside the site; a point beyond it refuses the whole zone.
 */
export function zoneFromPolygon(site: Extent, points: readonly PointM[]): ZoneOutline {
  const widthM = site.width * site.metresPerCell;
  const heightM = site.height * site.metresPerCell;
  if (points.length < 3 || points.length > MAX_POINTS) {
    const message = `a zone needs 3 to ${MAX_POINTS} points, not ${points.length}`;
    return { ok: false, reason: 'too_few_points', point: -1, message };
  }
  for (let k = 0; k < points.length; k++) {
    const [xM, yM] = points[k] as PointM;
    if (!Number.isFinite(xM) || !Number.isFinite(yM)) {
      return { ok: false, reason: 'not_a_number', point: k, message: `point ${k} is no pair of finite metres` };
    }
    if (xM < 0 || yM < 0 || xM > widthM || yM > heightM) {
      const message = `point ${k} (${xM}, ${yM}) m lies outside the site; keep x within 0..${widthM} m and y within 0..${heightM} m`;
      return { ok: false, reason: 'outside_site', point: k, message };
    }
  }
  const cells: number[] = [];
  for (let row = 0; row < site.height; row++) {
    const yM = (site.height - 1 - row + 0.5) * site.metresPerCell;
    const crossings = crossingsAt(points, yM);
    if (crossings.length === 0) continue;
    for (let column = 0; column < site.width; column++) {
      const cell = row * site.width + column;
      if (site.blocked[cell] !== 0) continue;
      if (insideCount(crossings, (column + 0.5) * site.metresPerCell) % 2 === 1) cells.push(cell);
    }
  }
  if (cells.length === 0) {
    const message =
      'the outline holds no floor; draw it larger or off the walls (a cell counts when its centre is inside)';
    return { ok: false, reason: 'empty', point: -1, message };
  }
  return { ok: true, cells };
}

/** Where the outline crosses the horizontal line. An edge owns its lower end and not its upper one. */
function crossingsAt(points: readonly PointM[], yM: number): number[] {
  const crossings: number[] = [];
  let [fromX, fromY] = points[points.length - 1] as PointM;
  for (const [toX, toY] of points) {
    if (fromY <= yM !== toY <= yM) crossings.push(fromX + ((yM - fromY) / (toY - fromY)) * (toX - fromX));
    fromX = toX;
    fromY = toY;
  }
  return crossings;
}

function insideCount(crossings: readonly number[], xM: number): number {
  let count = 0;
  for (const at of crossings) if (at > xM) count++;
  return count;
}
