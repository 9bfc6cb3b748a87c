import { cellAt, type PointM, type Site, zoneFromPolygon } from '@sigma/fleet-model';
import type { Fence } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import { judgeReceipts, type Outcome } from '../../live/acts.ts';
import type { SiteView } from '../../live/site-view.ts';
import { draftStep, type FenceTerms } from '../../site/draft.ts';
import { changedParts, type FenceWish, wishOf } from './fence-changes.ts';
import { freshKey } from './goal-sender.tsx';
import { leaveDraft } from './put-aside.ts';

export interface NewFence extends FenceTerms {
  readonly points: readonly PointM[];
}

/** Opens a fence that stands, to be changed; what was being drawn is put aside. */
export function openFence(control: MissionControl, fence: Fence): void {
  control.selection.set({ kind: 'zone', id: fence.id });
  leaveDraft(control, draftStep(null, { type: 'change', fence }));
}

const pointsOf = ({ polygon }: Pick<Fence, 'polygon'>): readonly PointM[] =>
  (polygon?.points ?? []).map(({ xM, yM }): PointM => [xM, yM]);

const polygonOf = (points: readonly PointM[]) => ({ points: points.map(([xM, yM]) => ({ xM, yM })) });

export const fenceName = (fence: Pick<Fence, 'name' | 'kind' | 'speedMps'>): string =>
  fence.name !== '' ? fence.name : fence.kind === 'restricted' ? 'Keep out' : `At most ${fence.speedMps} m/s`;

/** @returns whether the hub took it; what each robot said to it stands in the log of acts */
export async function putFence({ hub, acts }: MissionControl, fence: NewFence): Promise<boolean> {
  const { points, kind, speedMps, name, seconds, note } = fence;
  const polygon = polygonOf(points);
  const request = { name, kind, speedMps: kind === 'slow' ? speedMps : 0, polygon, seconds, note };
  const answer = await acts.run(
    `Draw fence ${fenceName(fence)}`,
    [],
    () => hub.site.putFence({ ...request, idempotencyKey: freshKey() }),
    ({ receipts }) => (receipts.length === 0 ? { kind: 'done', detail: 'in force' } : judgeReceipts(receipts)),
  );
  return answer !== undefined;
}

/**
 * Sends what somebody made of a fence. Only what he changed is named, so that what others changed meanwhile stays.
 *
 * @param seen the fence as it was when he began
 * @param now the fence as he sees it in force; where it is `seen` yet, nothing is changed unless it still is
 */
export function reviseFence({ hub, acts }: MissionControl, seen: Fence, now: Fence, mine: FenceWish) {
  const untouched = now.version === seen.version;
  const parts = changedParts(wishOf(seen), mine);
  const { kind, speedMps } = parts.has('rule') ? mine : wishOf(now);
  const points = parts.has('outline') ? mine.points : pointsOf(now);
  const reshaped = parts.has('outline') || parts.has('rule');
  return acts.run(
    `Change fence ${fenceName(now)}`,
    [],
    () =>
      hub.site.reviseFence({
        fenceId: seen.id,
        version: seen.version,
        onlyIfInForce: untouched,
        ...(reshaped && { shape: { kind, speedMps: kind === 'slow' ? speedMps : 0, polygon: polygonOf(points) } }),
        ...(parts.has('name') && { name: mine.name }),
        ...(parts.has('note') && { note: mine.note }),
      }),
    ({ fence, receipts, conflicts }) => judgeRevision(fence?.version ?? 0, now.version, receipts, conflicts.length),
  );
}

/** Writes the note that people agreed on, over the version that they saw it in. */
export function settleNote({ hub, acts }: MissionControl, fence: Fence, note: string) {
  return acts.run(
    `Settle the note of fence ${fenceName(fence)}`,
    [],
    () => hub.site.reviseFence({ fenceId: fence.id, version: fence.version, onlyIfInForce: true, note }),
    () => ({ kind: 'done', detail: 'settled' }),
  );
}

function judgeRevision(
  version: number,
  over: number,
  receipts: Parameters<typeof judgeReceipts>[0],
  conflicts: number,
): Outcome {
  const between = version > over + 1 ? '; somebody changed it in between, look at it again' : '';
  const unsettled = conflicts > 0 ? '; the note is not: both sides changed the same lines' : '';
  const robots: Outcome = receipts.length === 0 ? { kind: 'done', detail: 'in force' } : judgeReceipts(receipts);
  if (robots.kind === 'pending') return robots;
  const detail = `${robots.detail}${unsettled}${between}`;
  return unsettled + between === '' || robots.kind === 'failed' ? { ...robots, detail } : { kind: 'partly', detail };
}

export function removeFence({ hub, acts }: MissionControl, fence: Fence): Promise<unknown> {
  return acts.run(
    `Take away fence ${fenceName(fence)}`,
    [],
    () => hub.site.removeFence({ fenceId: fence.id, expectsVersion: fence.version }),
    ({ receipts }) => (receipts.length === 0 ? { kind: 'done', detail: 'taken away' } : judgeReceipts(receipts)),
  );
}

/** Robots that stand inside the outline now, by the cell that they are in. */
export function robotsInside(site: Site, live: SiteView, points: readonly PointM[]): readonly string[] {
  const outline = zoneFromPolygon(site, points);
  if (!outline.ok) return [];
  const cells = new Set(outline.cells);
  const { xM, yM } = live.newest;
  return live.ids.filter((_, row) => cells.has(cellAt(site, xM[row] as number, yM[row] as number)));
}
