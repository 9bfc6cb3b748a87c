import { and, eq, inArray } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { edgeKeys, witnessedHeads } from '../../store/schema.ts';

/** What is remembered of one chain under the key of the edge that signed its head. */
export interface WitnessedHead {
  readonly origin: string;
  readonly edgeId: string;
  readonly size: number;
  /** The greatest checkpoint that was cosigned; empty: none. */
  readonly note: string;
  readonly seenTimeUs: number;
  /** Kind of the refusal that stands; empty: none. */
  readonly refusal: string;
}

/** What a hub saw of its edges' chains. Everything is durable when a promise resolves. */
export interface WitnessStore {
  /** @returns the key that this edge is known by, or null */
  pinned(edgeId: string): Promise<Uint8Array | null>;
  /** Takes the key for the edge's, in the place of one before. */
  pin(edgeId: string, key: Uint8Array, nowUs: number): Promise<void>;
  load(key: Uint8Array, origins: readonly string[]): Promise<readonly WitnessedHead[]>;
  save(key: Uint8Array, heads: readonly WitnessedHead[]): Promise<void>;
}

export function postgresWitness(database: Database, tenant: string): WitnessStore {
  return {
    pinned: (edgeId) =>
      database.asTenant(tenant, async (tx) => {
        const [row] = await tx.select().from(edgeKeys).where(eq(edgeKeys.edgeId, edgeId));
        return row === undefined ? null : new Uint8Array(row.publicKey);
      }),
    pin: (edgeId, key, nowUs) =>
      database.asTenant(tenant, async (tx) => {
        const pinned = { publicKey: Buffer.from(key), pinnedTimeUs: nowUs };
        await tx
          .insert(edgeKeys)
          .values({ edgeId, ...pinned })
          .onConflictDoUpdate({ target: [edgeKeys.tenant, edgeKeys.edgeId], set: pinned });
      }),
    load: (key, origins) =>
      database.asTenant(tenant, async (tx) => {
        const mine = and(inArray(witnessedHeads.origin, [...origins]), eq(witnessedHeads.publicKey, Buffer.from(key)));
        const rows = await tx.select().from(witnessedHeads).where(mine);
        return rows.map(({ origin, edgeId, size, note, seenTimeUs, refusal }) => ({
          origin,
          edgeId,
          size,
          note,
          seenTimeUs,
          refusal,
        }));
      }),
    save: (key, heads) =>
      database.asTenant(tenant, async (tx) => {
        const { tenant: of, origin, publicKey } = witnessedHeads;
        for (const head of heads) {
          await tx
            .insert(witnessedHeads)
            .values({ ...head, publicKey: Buffer.from(key) })
            .onConflictDoUpdate({ target: [of, origin, publicKey], set: { ...head } });
        }
      }),
  };
}

/** For a hub without database. */
export function memoryWitness(): WitnessStore {
  const keys = new Map<string, Uint8Array>();
  const heads = new Map<string, WitnessedHead>();
  const name = (key: Uint8Array, origin: string): string => `${Buffer.from(key).toString('hex')} ${origin}`;
  return {
    pinned: async (edgeId) => keys.get(edgeId) ?? null,
    pin: async (edgeId, key) => void keys.set(edgeId, key),
    load: async (key, origins) => origins.flatMap((origin) => heads.get(name(key, origin)) ?? []),
    save: async (key, saved) => {
      for (const head of saved) heads.set(name(key, head.origin), head);
    },
  };
}
