import type { Mark } from '@sigma/proto';

/** Marks that stand too near each other to be told apart, shown as one. */
export interface MarkCluster {
  /** The same as long as `first` is: whoever draws it may leave it where it stands and only move it. */
  readonly name: string;
  /** Centre, pixels from the left. */
  readonly xPx: number;
  /** The gravest of them, the earliest where several are. */
  readonly first: Mark;
  readonly count: number;
  /** How many of each kind, the most frequent first. */
  readonly kinds: readonly (readonly [kind: string, count: number])[];
}

/** Nearer than this, two marks are one. */
const APART_PX = 9;
/** Nearer than this, the numbers over two groups would be written over each other. */
const NUMBERS_APART_PX = 22;

/** Most urgent first; kinds that are not named come last. */
const URGENCY = ['failsafe', 'stop', 'violation', 'gap', 'fault', 'alert', 'act', 'mission', 'decision'];

/** One mark has one name, whoever tells of it and however it stands to its record. */
export const nameOfMark = ({ timeUs, kind, agentId, text }: Mark): string => `${timeUs} ${kind} ${agentId} ${text}`;

const urgencyOf = (mark: Mark): number => {
  const at = URGENCY.indexOf(mark.kind);
  return (at < 0 ? URGENCY.length : at) - mark.level * 10;
};

/**
 * Marks of a stretch of time, laid on a bar so wide. Groups are cut where there is room of `APART_PX`, and a run that
 * never leaves room is cut every four times that, so that a dense hour does not become one point.
 */
export function clusterMarks(
  marks: readonly Mark[],
  fromUs: number,
  toUs: number,
  widthPx: number,
): readonly MarkCluster[] {
  if (toUs <= fromUs || widthPx <= 0) return [];
  const scale = widthPx / (toUs - fromUs);
  const placed = marks
    .map((mark) => ({ mark, xPx: (Number(mark.timeUs) - fromUs) * scale }))
    .filter(({ xPx }) => xPx >= 0 && xPx <= widthPx)
    .sort((a, b) => a.xPx - b.xPx);
  const groups: (typeof placed)[] = [];
  let group: typeof placed = [];
  const close = () => {
    const before = groups.at(-1) ?? [];
    const crowded = group.length > 1 && before.length > 1 && middle(group) - middle(before) < NUMBERS_APART_PX;
    if (crowded) for (const one of group) before.push(one);
    else if (group.length > 0) groups.push(group);
    group = [];
  };
  for (const one of placed) {
    const first = group[0];
    const last = group.at(-1);
    if (first !== undefined && last !== undefined) {
      if (one.xPx - last.xPx > APART_PX || one.xPx - first.xPx > 4 * APART_PX) close();
    }
    group.push(one);
  }
  close();
  return groups.map(clusterOf);
}

/** The group whose centre is nearest to a place, no further from it than that. */
export function clusterNear(clusters: readonly MarkCluster[], xPx: number, withinPx: number): MarkCluster | undefined {
  const apart = (one: MarkCluster): number => Math.abs(one.xPx - xPx);
  const [nearest] = clusters.filter((one) => apart(one) <= withinPx).sort((a, b) => apart(a) - apart(b));
  return nearest;
}

const middle = (group: readonly { readonly xPx: number }[]): number =>
  group.reduce((sum, { xPx }) => sum + xPx, 0) / group.length;

function clusterOf(group: readonly { readonly mark: Mark; readonly xPx: number }[]): MarkCluster {
  let first = group[0]?.mark as Mark;
  const kinds = new Map<string, number>();
  for (const { mark } of group) {
    kinds.set(mark.kind, (kinds.get(mark.kind) ?? 0) + 1);
    if (urgencyOf(mark) < urgencyOf(first)) first = mark;
  }
  return {
    name: nameOfMark(first),
    xPx: middle(group),
    first,
    count: group.length,
    kinds: [...kinds].sort((a, b) => b[1] - a[1]),
  };
}
