import type { LinkedChain } from '@sigma/recorder';
import { sql } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { readPlaces } from '../../store/schema.ts';
import type { ReadState } from './read-on.ts';

/** Up to where a chain was read. */
export interface ReadPlace extends LinkedChain {
  /** The last event of which marks are kept. */
  readonly marked: number;
  /** The last event of which decisions are kept, or never will be; at most `marked`. */
  readonly decided: number;
  readonly state: ReadState;
}

export interface ReadPlaceStore {
  load(): Promise<readonly ReadPlace[]>;
  put(places: readonly ReadPlace[]): Promise<void>;
}

/** In one statement, which has room for 65,535 parameters. */
const ROWS = 5_000;

/**
 * The places of one tenant, behind row-level security. Their commit does not wait for the disk: what a power cut takes of
 * them is read again, and nothing is kept twice.
 */
export function postgresReadPlaces(database: Pick<Database, 'asTenant'>, tenant: string): ReadPlaceStore {
  return {
    load: () =>
      database.asTenant(tenant, async (tx) => {
        const rows = await tx.select().from(readPlaces);
        return rows.map(({ source, epoch, marked, decided, state }) => {
          return { source, epoch, marked, decided, state: state as ReadState };
        });
      }),
    put: (places) =>
      database.asTenant(tenant, async (tx) => {
        await tx.execute(sql`SET LOCAL synchronous_commit = off`);
        const target = [readPlaces.tenant, readPlaces.source, readPlaces.epoch];
        const set = { marked: sql`excluded.marked`, decided: sql`excluded.decided`, state: sql`excluded.state` };
        for (let from = 0; from < places.length; from += ROWS) {
          const rows = places.slice(from, from + ROWS).map((place) => ({ ...place }));
          await tx.insert(readPlaces).values(rows).onConflictDoUpdate({ target, set });
        }
      }),
  };
}
