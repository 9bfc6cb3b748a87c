import { cellAt, type PointM, type Site, zoneFromPolygon } from '@sigma/fleet-model';
import type { Fence } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import { judgeReceipts } from '../../live/acts.ts';
import type { SiteView } from '../../live/site-view.ts';
import { freshKey } from './goal-sender.tsx';

export interface NewFence {
  readonly points: readonly PointM[];
  readonly kind: 'restricted' | 'slow';
  /** Only of a slow one. */
  readonly speedMps: number;
  readonly name: string;
  /** 0: until somebody takes it away. */
  readonly seconds: number;
}

export const fenceName = (fence: Pick<Fence, 'name' | 'kind' | 'speedMps'>): string =>
  fence.name !== '' ? fence.name : fence.kind === 'restricted' ? 'Keep out' : `At most ${fence.speedMps} m/s`;

/** @returns whether the hub took it; what each robot said to it stands in the log of acts */
export async function putFence({ hub, acts }: MissionControl, fence: NewFence): Promise<boolean> {
  const { points, kind, speedMps, name, seconds } = fence;
  const polygon = { points: points.map(([xM, yM]) => ({ xM, yM })) };
  const request = { name, kind, speedMps: kind === 'slow' ? speedMps : 0, polygon, seconds };
  const answer = await acts.run(
    `Draw fence ${fenceName(fence)}`,
    [],
    () => hub.site.putFence({ ...request, idempotencyKey: freshKey() }),
    ({ receipts }) => (receipts.length === 0 ? { kind: 'done', detail: 'in force' } : judgeReceipts(receipts)),
  );
  return answer !== undefined;
}

export function removeFence({ hub, acts }: MissionControl, fence: Fence): Promise<unknown> {
  return acts.run(
    `Take away fence ${fenceName(fence)}`,
    [],
    () => hub.site.removeFence({ fenceId: fence.id }),
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
