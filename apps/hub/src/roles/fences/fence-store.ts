import { and, desc, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../store/database.ts';
import { fenceNotes, fences as rows, settings } from '../../store/schema.ts';
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
  /** Counts what was made of it, from 1. */
  readonly version: number;
  /** What people say of it to each other, in lines. */
  readonly note: string;
}

export interface FenceStore {
  /** Fences in force, and the version under which they were last sent; 0: there never was one. */
  load(): Promise<{ readonly fences: readonly Fence[]; readonly version: number }>;
  /** Stores it under the next version. `earlier`: the fence that holds this key already, and then nothing changed. */
  add(
    fence: Fence,
    idempotencyKey: string | null,
  ): Promise<{ readonly earlier: Fence | null; readonly version: number }>;
  /** Stores what was made of a fence. @returns the next version, or null where nothing that robots obey has changed */
  revise(fence: Fence, robotsObey: boolean): Promise<number | null>;
  /** The note that a version of a fence had, or null when that is not known. */
  noteOf(id: string, version: number): Promise<string | null>;
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
        if (inserted.length > 0) {
          await keepNote(tx, fence);
          return { earlier: null, version: await nextVersion(tx, tenant) };
        }
        const key = eq(rows.idempotencyKey, idempotencyKey ?? '');
        const [earlier] = await tx.select().from(rows).where(key);
        return { earlier: earlier === undefined ? null : fenceOf(earlier), version: 0 };
      }),
    revise: (fence, robotsObey) =>
      database.asTenant(tenant, async (tx) => {
        const { id, name, kind, speedMps, points, version, note } = fence;
        const pointsM = points.flatMap(({ xM, yM }) => [xM, yM]);
        await tx.update(rows).set({ name, kind, speedMps, pointsM, version, note }).where(eq(rows.id, id));
        await keepNote(tx, fence);
        return robotsObey ? nextVersion(tx, tenant) : null;
      }),
    noteOf: (id, version) =>
      database.asTenant(tenant, async (tx) => {
        const [found] = await tx
          .select({ note: fenceNotes.note })
          .from(fenceNotes)
          .where(and(eq(fenceNotes.fenceId, id), lte(fenceNotes.version, version)))
          .orderBy(desc(fenceNotes.version))
          .limit(1);
        return found?.note ?? null;
      }),
    end: (ids, nowUs) =>
      database.asTenant(tenant, async (tx) => {
        for (const id of ids) await tx.update(rows).set({ endedTimeUs: nowUs }).where(eq(rows.id, id));
        const long = and(gt(rows.endedTimeUs, 0), sql`${rows.endedTimeUs} < ${nowUs - KEY_HELD_US}`);
        const gone = await tx.delete(rows).where(long).returning({ id: rows.id });
        const goneIds = gone.map(({ id }) => id);
        if (goneIds.length > 0) await tx.delete(fenceNotes).where(inArray(fenceNotes.fenceId, goneIds));
        return nextVersion(tx, tenant);
      }),
  };
}

/** The key of a fence that has ended makes no second one for so long. */
const KEY_HELD_US = 86_400_000_000;

const keepNote = (tx: Transaction, { id, version, note }: Fence) =>
  tx.insert(fenceNotes).values({ fenceId: id, version, note }).onConflictDoNothing();

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
  const { id, name, speedMps, createdBy, createdTimeUs, endsTimeUs, version, note } = row;
  const kind = row.kind === 'slow' ? 'slow' : 'restricted';
  return { id, name, kind, speedMps, points, createdBy, createdTimeUs, endsTimeUs, version, note };
}

/** For a hub without database. */
export function memoryFences(): FenceStore {
  const byKey = new Map<string, Fence>();
  const notes = new Map<string, string>();
  let version = 0;
  return {
    load: async () => ({ fences: [], version }),
    add: async (fence, key) => {
      const earlier = key === null ? undefined : byKey.get(key);
      if (earlier !== undefined) return { earlier, version: 0 };
      if (key !== null) byKey.set(key, fence);
      notes.set(`${fence.id} ${fence.version}`, fence.note);
      return { earlier: null, version: ++version };
    },
    revise: async (fence, robotsObey) => {
      notes.set(`${fence.id} ${fence.version}`, fence.note);
      return robotsObey ? ++version : null;
    },
    noteOf: async (id, of) => notes.get(`${id} ${of}`) ?? null,
    end: async () => ++version,
  };
}
