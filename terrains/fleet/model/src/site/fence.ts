import type { Json } from '@sigma/kernel';
import type { Site } from './site.ts';
import { type PointM, type ZoneOutline, zoneFromPolygon } from './zone.ts';

/** What a person drew on the floor while the fleet was at work. Robots obey it as they obey a zone of the site. */
export interface Fence {
  readonly id: string;
  /** `restricted`: no robot enters, one that is inside stops. `slow`: at most `speedMps` there. */
  readonly kind: 'restricted' | 'slow';
  /** Above 0 for a slow one; 0 for a restricted one. */
  readonly speedMps: number;
  readonly points: readonly PointM[];
}

/** All fences in force, whole: a newer set replaces the one before. Version 0 is the empty beginning. */
export interface Fences {
  readonly version: number;
  readonly list: readonly Fence[];
}

export const NO_FENCES: Fences = { version: 0, list: [] };

/** Channel of the observation that brings a new set. Data: `{ version, fences: [{ id, kind, speedMps, points: [[x, y]] }] }`. */
export const FENCES_CHANNEL = 'fences';

/** More than people draw in a day; a set with more is refused whole. */
const MOST_FENCES = 200;

type Parsed = { readonly ok: true; readonly fences: Fences } | { readonly ok: false; readonly reason: string };

/**
 * The set that an observation brings. It is taken whole or not at all: half a set of fences would open what was shut.
 *
 * @returns the set, or which fence of it is wrong and how
 */
export function parseFences(site: Site, data: Json): Parsed {
  const bad = (reason: string): Parsed => ({ ok: false, reason });
  if (!isRecord(data) || !isCount(data['version']) || !Array.isArray(data['fences'])) return bad('no set of fences');
  if (data['fences'].length > MOST_FENCES) return bad(`${data['fences'].length} fences; at most ${MOST_FENCES} hold`);
  const list: Fence[] = [];
  for (const one of data['fences'] as readonly Json[]) {
    if (!isRecord(one) || typeof one['id'] !== 'string' || one['id'] === '') return bad('a fence without an id');
    const { id, kind, speedMps } = one;
    if (list.some((other) => other.id === id)) return bad(`two fences are called '${id}'`);
    if (kind !== 'restricted' && kind !== 'slow') return bad(`fence '${id}' is neither restricted nor slow`);
    if (kind === 'slow' && !(typeof speedMps === 'number' && speedMps > 0 && speedMps <= 10)) {
      return bad(`fence '${id}' needs a speed above 0 and up to 10 m/s`);
    }
    const points = pointsOf(one['points']);
    if (points === null) return bad(`fence '${id}' has no outline of points`);
    const outline = zoneFromPolygon(site, points);
    if (!outline.ok) return bad(`fence '${id}': ${outline.message}`);
    list.push({ id, kind, speedMps: kind === 'slow' ? (speedMps as number) : 0, points });
  }
  return { ok: true, fences: { version: data['version'], list } };
}

/** @returns the free cells inside, ascending; of an outline that holds none, none */
export function cellsOfFence(site: Site, fence: Fence): readonly number[] {
  const outline: ZoneOutline = zoneFromPolygon(site, fence.points);
  return outline.ok ? outline.cells : [];
}

function pointsOf(data: Json | undefined): readonly PointM[] | null {
  if (!Array.isArray(data)) return null;
  const points: PointM[] = [];
  for (const pair of data as readonly Json[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return null;
    const [xM, yM] = pair as readonly Json[];
    if (typeof xM !== 'number' || typeof yM !== 'number') return null;
    points.push([xM, yM]);
  }
  return points;
}

const isRecord = (data: Json | undefined): data is Readonly<Record<string, Json>> =>
  typeof data === 'object' && data !== null && !Array.isArray(data);

const isCount = (data: Json | undefined): data is number => Number.isSafeInteger(data) && (data as number) > 0;
