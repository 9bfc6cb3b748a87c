import type { MissionControl } from '../../frame/mission-control.tsx';
import { type Draft, type FenceTerms, isOutline } from '../../site/draft.ts';
import { plural } from '../../words/quantities.ts';
import { changedParts, type FenceWish, wishOf } from './fence-changes.ts';

type Desk = Pick<MissionControl, 'draft' | 'aside'>;

/** Ends what is being drawn, or begins something else. Where it holds work it is put aside, to be brought back. */
export function leaveDraft({ draft, aside }: Desk, next: Draft | null): void {
  const left = draft.get();
  if (left !== null && holdsWork(left)) aside.set(left);
  draft.set(next);
}

/** Goes on with what was put aside; what is being drawn takes its place there. */
export function bringBack({ draft, aside, selection }: Desk & Pick<MissionControl, 'selection'>): void {
  const back = aside.get();
  if (back === null) return;
  aside.set(null);
  leaveDraft({ draft, aside }, back);
  if (back.change !== undefined) selection.set({ kind: 'zone', id: back.change.seen.id });
}

/** Whether somebody would have to do it again. */
function holdsWork({ kind, points, terms, change }: Draft): boolean {
  if (kind === 'person') return false;
  if (change === undefined) return points.length > 0;
  const seen = wishOf(change.seen);
  const wish: FenceWish = { ...seen, ...terms, points };
  return change.lifted || change.unsettled !== null || changedParts(seen, wish).size > 0;
}

/** "Fence, 4 corners", "Change of “wet floor”". */
export function asideWords({ kind, points, terms, change }: Draft): string {
  if (change !== undefined) return `Change of ${named(change.seen) ?? 'a fence'}`;
  const what = kind === 'fence' ? (named(terms) ?? 'Fence') : kind === 'zone' ? 'Zone' : 'Patrol';
  return `${what}, ${plural(points.length, isOutline({ kind }) ? 'corner' : 'point')}`;
}

const named = (fence: Pick<FenceTerms, 'name'> | undefined): string | null =>
  fence === undefined || fence.name === '' ? null : `“${fence.name}”`;
