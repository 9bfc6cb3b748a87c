/** Both ends included, microseconds. */
export interface Interval {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Adds an interval to those that neither touch nor overlap, in ascending order, and joins what touches. */
export function addInterval(intervals: readonly Interval[], added: Interval): readonly Interval[] {
  let { fromUs, toUs } = added;
  const apart: Interval[] = [];
  for (const one of intervals) {
    if (one.toUs < fromUs || one.fromUs > toUs) {
      apart.push(one);
      continue;
    }
    fromUs = Math.min(fromUs, one.fromUs);
    toUs = Math.max(toUs, one.toUs);
  }
  return [...apart, { fromUs, toUs }].sort((a, b) => a.fromUs - b.fromUs);
}

export const covers = (intervals: readonly Interval[], timeUs: number): boolean =>
  intervals.some(({ fromUs, toUs }) => fromUs <= timeUs && timeUs <= toUs);
