import type { PoseColumns } from '../../live/poses.ts';
import type { BodyTable } from '../body-table.ts';
import type { Lens } from './lens.ts';

/** Half of how tall a body stands, metres: it is pressed in its middle. */
const HALF_M = { humanoid: 0.8, other: 0.25 } as const;
/** A body is found so far from its middle at least, and so far beyond its own edge. */
const LEAST_PX = 4.5;
const BEYOND_PX = 8;

/** The body nearest to a place of the view among those that are within reach of it. @returns its row, or -1 */
export function bodyUnder(
  lens: Lens,
  table: Pick<BodyTable, 'count' | 'humanoid' | 'radiusM'>,
  { xM, yM }: Pick<PoseColumns, 'xM' | 'yM'>,
  xPx: number,
  yPx: number,
): number {
  const at = new Float64Array(3);
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < table.count; row++) {
    const half = table.humanoid[row] === 1 ? HALF_M.humanoid : HALF_M.other;
    if (!lens.project(xM[row] as number, yM[row] as number, half, at)) continue;
    const [dx, dy] = [(at[0] as number) - xPx, (at[1] as number) - yPx];
    const away = dx * dx + dy * dy;
    const reach = Math.max(LEAST_PX, (table.radiusM[row] as number) * (at[2] as number)) + BEYOND_PX;
    if (away > reach * reach || away >= least) continue;
    least = away;
    best = row;
  }
  return best;
}
