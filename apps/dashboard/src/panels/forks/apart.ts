import type { SiteView } from '../../live/site-view.ts';

/** Nearer than this, two poses are one: it is about how well a robot knows where it is. */
const SAME_M = 0.15;
/** Where a moment is not computed yet, an older pose stands in its place: it says nothing of that moment. */
const OLD_MS = 500;

export interface ApartRobot {
  readonly id: string;
  readonly distanceM: number;
}

/** Robots that stand elsewhere in the other life at the same moment, the farthest first. */
export function apartNow(one: SiteView, other: SiteView, nowMs: number): readonly ApartRobot[] {
  const a = one.sample(nowMs);
  const b = other.sample(nowMs);
  const apart: ApartRobot[] = [];
  one.ids.forEach((id, row) => {
    const there = other.row(id);
    if (there < 0) return;
    if ((a.ageMs[row] as number) > OLD_MS || (b.ageMs[there] as number) > OLD_MS) return;
    const distanceM = Math.hypot(
      (a.xM[row] as number) - (b.xM[there] as number),
      (a.yM[row] as number) - (b.yM[there] as number),
    );
    if (distanceM > SAME_M) apart.push({ id, distanceM });
  });
  return apart.sort((x, y) => y.distanceM - x.distanceM);
}

/** Whether anybody's place at this moment is known in both lives: until then nothing can be said of who stands where. */
export function canBeCompared(one: SiteView, other: SiteView, nowMs: number): boolean {
  const [a, b] = [one.sample(nowMs), other.sample(nowMs)];
  return one.ids.some((id, row) => {
    const there = other.row(id);
    return there >= 0 && (a.ageMs[row] as number) <= OLD_MS && (b.ageMs[there] as number) <= OLD_MS;
  });
}
