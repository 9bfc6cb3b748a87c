import type { Fence } from '@sigma/proto';
import { areaM2, type DraftPoint } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';

/** What a person may make of a fence. */
export interface FenceWish {
  readonly points: readonly DraftPoint[];
  readonly kind: 'restricted' | 'slow';
  /** Only of a slow one. */
  readonly speedMps: number;
  readonly name: string;
  readonly note: string;
}

export type FencePart = 'outline' | 'rule' | 'name' | 'note';
const PARTS: readonly FencePart[] = ['outline', 'rule', 'name', 'note'];

/** One part of a fence that others changed while a person was at it. */
export interface FenceDifference {
  readonly part: FencePart;
  readonly was: string;
  readonly theirs: string;
  /** What this person makes of it, or null where he left it alone. */
  readonly mine: string | null;
}

export function wishOf({ polygon, kind, speedMps, name, note }: Fence): FenceWish {
  const points = (polygon?.points ?? []).map(({ xM, yM }): DraftPoint => [xM, yM]);
  return { points, kind: kind === 'slow' ? 'slow' : 'restricted', speedMps, name, note };
}

/** The parts in which one is not the other. Where a corner is counted from makes no other outline. */
export const changedParts = (from: FenceWish, to: FenceWish): ReadonlySet<FencePart> =>
  new Set(PARTS.filter((part) => keyOf(from, part) !== keyOf(to, part)));

/** What others made of a fence since `seen`, beside what is wished of it. The same wish on both sides is no difference. */
export function differences(seen: FenceWish, now: FenceWish, mine: FenceWish): readonly FenceDifference[] {
  const [theirs, own] = [changedParts(seen, now), changedParts(seen, mine)];
  return PARTS.filter((part) => theirs.has(part) && keyOf(now, part) !== keyOf(mine, part)).map((part) => ({
    part,
    was: wordsOf(seen, part),
    theirs: wordsOf(now, part),
    mine: own.has(part) ? wordsOf(mine, part) : null,
  }));
}

function keyOf({ points, kind, speedMps, name, note }: FenceWish, part: FencePart): string {
  if (part === 'name') return name;
  if (part === 'note') return note;
  if (part === 'rule') return kind === 'slow' ? `slow ${speedMps}` : kind;
  const words = points.map(([xM, yM]) => `${xM},${yM}`);
  const least = words.reduce((best, word, k) => (word < (words[best] as string) ? k : best), 0);
  return [...words.slice(least), ...words.slice(0, least)].join(' ');
}

function wordsOf(wish: FenceWish, part: FencePart): string {
  const { points, kind, speedMps, name, note } = wish;
  if (part === 'name') return name;
  if (part === 'note') return note === '' ? 'empty' : note;
  if (part === 'rule') return kind === 'slow' ? `at most ${number(speedMps)} m/s` : 'keep out';
  return `${plural(points.length, 'corner')}, ${number(areaM2(points))} m²`;
}
