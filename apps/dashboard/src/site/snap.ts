import type { Draft, DraftPoint, Hold } from './draft.ts';

export interface SnapGround {
  readonly width: number;
  readonly height: number;
  readonly metresPerCell: number;
  /** Corners of zones and fences, which a new outline may share. */
  readonly corners: readonly DraftPoint[];
}

export interface Snapped {
  readonly at: DraftPoint;
  readonly hold: Hold;
}

/** Freely placed points are whole decimetres: finer than anybody points, and short to read. */
const FREE_M = 0.1;

/**
 * Where a point that is pointed at goes. A corner of a zone or of the draft itself within `reachM` wins; else the point
 * falls on the grid (an outline on its corners, a patrol on the middle of a cell), lined up with points already drawn
 * where it comes within `reachM` of their column or row. `free` puts it where it is. Always on the site.
 */
export function snap(
  draft: Pick<Draft, 'kind' | 'points'>,
  xM: number,
  yM: number,
  ground: SnapGround,
  reachM: number,
  free = false,
): Snapped {
  const [widthM, heightM] = [ground.width * ground.metresPerCell, ground.height * ground.metresPerCell];
  const [x, y] = [clamp(xM, 0, widthM), clamp(yM, 0, heightM)];
  if (free) return { at: [decimetre(x), decimetre(y)], hold: { kind: 'free', to: [] } };
  if (draft.kind === 'patrol') return { at: onGrid(x, y, ground, 0.5), hold: { kind: 'grid', to: [] } };
  const corner = nearest([...ground.corners, ...draft.points.slice(0, 1)], x, y, reachM);
  if (corner !== null) return { at: corner, hold: { kind: 'corner', to: [corner] } };
  const [gridX, gridY] = onGrid(x, y, ground, 0);
  const column = lineUp(draft.points, 0, x, reachM);
  const row = lineUp(draft.points, 1, y, reachM);
  const at: DraftPoint = [column?.[0] ?? gridX, row?.[1] ?? gridY];
  const to = [column, row].filter((point) => point !== null);
  return { at, hold: to.length === 0 ? { kind: 'grid', to: [] } : { kind: 'axis', to } };
}

function onGrid(x: number, y: number, ground: SnapGround, offset: number): DraftPoint {
  const side = ground.metresPerCell;
  const reach = offset === 0 ? 0 : 1;
  const column = clamp(Math.round(x / side - offset), 0, ground.width - reach);
  const row = clamp(Math.round(y / side - offset), 0, ground.height - reach);
  return [(column + offset) * side, (row + offset) * side];
}

function nearest(points: readonly DraftPoint[], x: number, y: number, reachM: number): DraftPoint | null {
  let best: DraftPoint | null = null;
  let least = reachM * reachM;
  for (const point of points) {
    const away = (point[0] - x) ** 2 + (point[1] - y) ** 2;
    if (away > least) continue;
    least = away;
    best = point;
  }
  return best;
}

/** The drawn point that comes closest to the same column (axis 0) or row (axis 1), the newest among equals. */
function lineUp(points: readonly DraftPoint[], axis: 0 | 1, value: number, reachM: number): DraftPoint | null {
  let best: DraftPoint | null = null;
  let least = reachM;
  for (const point of points) {
    const away = Math.abs(point[axis] - value);
    if (away > least) continue;
    least = away;
    best = point;
  }
  return best;
}

/** Corners of cell zones from the pieces of their outline: where an edge along x meets one along y. */
export function cornersOf(outline: Float32Array): DraftPoint[] {
  const ways = new Map<string, { readonly at: DraftPoint; along: number }>();
  for (let k = 0; k + 3 < outline.length; k += 4) {
    const upright = outline[k] === outline[k + 2] ? 1 : 2;
    for (const end of [0, 2]) {
      const at: DraftPoint = [outline[k + end] as number, outline[k + end + 1] as number];
      const known = ways.get(at.join());
      if (known === undefined) ways.set(at.join(), { at, along: upright });
      else known.along |= upright;
    }
  }
  return [...ways.values()].filter(({ along }) => along === 3).map(({ at }) => at);
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const decimetre = (m: number): number => Math.round(m / FREE_M) / Math.round(1 / FREE_M);
