import type { SiteView } from '../../live/site-view.ts';

/** One number for all that moves by itself, and for whom a person looks at: equal numbers, equal pictures. */
export function movingSum(
  live: Pick<SiteView, 'ids' | 'people' | 'row' | 'sample' | 'scan'>,
  nowMs: number,
  selected: string | null,
  hovered: string | null,
): number {
  const { xM, yM, headingRad } = live.sample(nowMs);
  let sum = live.ids.length;
  for (let row = 0; row < xM.length; row++) {
    const x = xM[row] as number;
    if (!Number.isNaN(x))
      sum += (x + (yM[row] as number) * 1.7 + (headingRad[row] as number) * 0.31) * ((row % 1021) + 1);
  }
  for (let k = 0; k < live.people.length; k++) sum += (live.people[k] as number) * (k + 3);
  const scan = selected === null ? undefined : live.scan(selected);
  if (scan !== undefined) sum += scan.xM + scan.yM + (scan.rangesM[0] ?? 0);
  return sum + (hovered === null ? 0 : live.row(hovered) * 1e-3 + 1e6);
}
