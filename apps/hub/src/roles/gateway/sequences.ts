import { and, eq } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { settings } from '../../store/schema.ts';

/** Keeps the highest order sequence that may have been used. */
export interface HighWater {
  load(): Promise<number>;
  /** Resolves when `reserved` is durable. */
  store(reserved: number): Promise<void>;
}

const BLOCK = 10_000;
/** Below so many the next block is fetched; the last of them are kept for stops. */
const LOW = 5_000;
const FOR_STOPS = 1_000;

/**
 * Order sequences: one strictly increasing count for the whole hub, which makes it so for each (agent, issuer). Blocks are
 * reserved durably before use, so a restart goes on above whatever was used. While the database is away, stops still have
 * thousands left.
 */
export class Sequences {
  readonly #store: HighWater;
  #next = 1;
  #reserved = 0;
  #reserving: Promise<void> | null = null;

  static async open(store: HighWater): Promise<Sequences> {
    const sequences = new Sequences(store);
    const used = await store.load();
    sequences.#next = used + 1;
    sequences.#reserved = used;
    await sequences.#reserve();
    return sequences;
  }

  private constructor(store: HighWater) {
    this.#store = store;
  }

  /** For an order that may wait for the database. */
  async next(): Promise<number> {
    while (this.#left() <= FOR_STOPS) await this.#reserve();
    return this.#take();
  }

  /** For an order that may not wait. @throws Error when thousands of stops went out without the database. */
  nextStop(): number {
    if (this.#left() <= 0)
      throw new Error('no order sequence is left and the database does not answer; stop the robots by hand');
    return this.#take();
  }

  #left(): number {
    return this.#reserved - this.#next + 1;
  }

  #take(): number {
    if (this.#left() <= LOW) this.#reserve().catch(() => undefined);
    return this.#next++;
  }

  #reserve(): Promise<void> {
    const upTo = this.#reserved + BLOCK;
    this.#reserving ??= this.#store
      .store(upTo)
      .then(() => {
        this.#reserved = upTo;
      })
      .finally(() => {
        this.#reserving = null;
      });
    return this.#reserving;
  }
}

export function memoryHighWater(start = 0): HighWater {
  let kept = start;
  return {
    load: async () => kept,
    store: async (reserved) => {
      kept = reserved;
    },
  };
}

const NAME = 'orders.reserved';

export function postgresHighWater(database: Database, tenant: string): HighWater {
  return {
    load: async () => {
      const [row] = await database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(settings)
          .where(and(eq(settings.tenant, tenant), eq(settings.name, NAME))),
      );
      return row === undefined ? 0 : Number(row.value);
    },
    store: async (reserved) => {
      const value = String(reserved);
      await database.asTenant(tenant, (tx) =>
        tx
          .insert(settings)
          .values({ name: NAME, value })
          .onConflictDoUpdate({ target: [settings.tenant, settings.name], set: { value } }),
      );
    },
  };
}
