import { and, eq, gt, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../store/database.ts';
import { fences as rows, settings } from '../../store/schema.ts';
import type { MetricPoint } from '../core/supervisor.ts';

/** What a person drew on the floor. */
export interface Fence {
  readonly id: string;
  readonly name: string;
  readonly kind: 'restricted' | 'slow';
  /** 0 for a restricted one. */
  readonly speedMps: number;
  readonly points: readonly MetricPoint[];
  readonly createdBy: string;
  readonly createdTimeUs: number;
  /** 0: until it is taken away. */
  readonly endsTimeUs: number;
}

export interface FenceStore {
  /** Fences in force, and the version under which they were last sent; 0: there never was one. */
  load(): Promise<{ readonly fences: readonly Fence[]; readonly version: number }>;
  /** Stores it under the next version. `earlier`: the fence that holds this key already, and then nothing changed. */
  add(
    fence: Fence,
    idempotencyKey: string | null,
  ): Promise<{ readonly earlier: Fence | null; readonly version: number }>;
  /** Ends fences. @returns the next version */
  end(ids: readonly string[], nowUs: number): Promise<number>;
}

const VERSION = 'fences.version';

export function postgresFences(database: Database, tenant: string): FenceStore {
  return {
    load: () =>
      database.asTenant(tenant, async (tx) => {
        const found = await tx.select().from(rows).where(eq(rows.endedTimeUs, 0)).orderBy(rows.createdTimeUs);
        const [row] = await tx.select().from(settings).where(eq(settings.name, VERSION));
        return { fences: found.map(fenceOf), version: Number(row?.value ?? 0) };
      }),
    add: (fence, idempotencyKey) =>
      database.asTenant(tenant, async (tx) => {
        const { points, ...same } = fence;
        const pointsM = points.flatMap(({ xM, yM }) => [xM, yM]);
        const row = { ...same, pointsM, idempotencyKey };
        const inserted = await tx.insert(rows).values(row).onConflictDoNothing().returning({ id: rows.id });
        if (inserted.length > 0) return { earlier: null, version: await nextVersion(tx, tenant) };
        const key = eq(rows.idempotencyKey, idempotencyKey ?? '');
        const [earlier] = await tx.select().from(rows).where(key);
        return { earlier: earlier === undefined ? null : fenceOf(earlier), version: 0 };
      }),
    end: (ids, nowUs) =>
      database.asTenant(tenant, async (tx) => {
        for (const id of ids) await tx.update(rows).set({ endedTimeUs: nowUs }).where(eq(rows.id, id));
        const long = and(gt(rows.endedTimeUs, 0), sql`${rows.endedTimeUs} < ${nowUs - KEY_HELD_US}`);
        await tx.delete(rows).where(long);
        return nextVersion(tx, tenant);
      }),
  };
}

/** The key of a fence that has ended makes no second one for so long. */
const KEY_HELD_US = 86_400_000_000;

/** Counts up in the transaction of the change, so that no two states ever bear the same version. */
async function nextVersion(tx: Transaction, tenant: string): Promise<number> {
  const [row] = await tx
    .insert(settings)
    .values({ name: VERSION, value: '1' })
    .onConflictDoUpdate({
      target: [settings.tenant, settings.name],
      set: { value: sql`(${settings.value}::bigint + 1)::text` },
      setWhere: eq(settings.tenant, tenant),
    })
    .returning({ value: settings.value });
  return Number(row?.value);
}

function fenceOf(row: typeof rows.$inferSelect): Fence {
  const points: MetricPoint[] = [];
  for (let k = 0; k + 1 < row.pointsM.length; k += 2)
    points.push({ xM: row.pointsM[k] as number, yM: row.pointsM[k + 1] as number });
  const { id, name, speedMps, createdBy, createdTimeUs, endsTimeUs } = row;
  const kind = row.kind === 'slow' ? 'slow' : 'restricted';
  return { id, name, kind, speedMps, points, createdBy, createdTimeUs, endsTimeUs };
}

/** For a hub without database. */
export function memoryFences(): FenceStore {
  const byKey = new Map<string, Fence>();
  let version = 0;
  return {
    load: async () => ({ fences: [], version }),
    add: async (fence, key) => {
      const earlier = key === null ? undefined : byKey.get(key);
      if (earlier !== undefined) return { earlier, version: 0 };
      if (key !== null) byKey.set(key, fence);
      return { earlier: null, version: ++version };
    },
    end: async () => ++version,
  };
}
