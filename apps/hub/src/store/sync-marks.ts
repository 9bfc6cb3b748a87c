import {
  type BlockStore,
  type HybridClock,
  type HybridMark,
  type HybridMarks,
  markOf,
  outgoingBlock,
} from '@sigma/recorder';
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { syncMarks } from './schema.ts';

/**
 * The marks of one tenant in the database of a site, behind row-level security. What comes while some are written is
 * written together next. Their commit does not wait for the disk: that of the blocks, which follow in the same log, does.
 */
export function postgresSyncMarks(database: Pick<Database, 'asTenant'>, tenant: string): HybridMarks {
  const { source, epoch, firstSequence, lastSequence, timeUs, count } = syncMarks;
  const write = (marks: readonly HybridMark[]): Promise<void> =>
    database.asTenant(tenant, async (tx) => {
      const rows = marks.map(({ source, epoch, firstSequence, lastSequence, time }) => ({
        ...{ source, epoch, firstSequence, lastSequence },
        ...{ timeUs: time.us, count: time.count },
      }));
      await tx.execute(sql`SET LOCAL synchronous_commit = off`);
      await tx.insert(syncMarks).values(rows).onConflictDoNothing();
    });
  let waiting: HybridMark[] = [];
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  return {
    add: (mark) => {
      waiting.push(mark);
      if (next !== null) return next;
      next = writing
        .catch(() => undefined)
        .then(() => {
          const marks = waiting;
          waiting = [];
          next = null;
          writing = write(marks);
          return writing;
        });
      return next;
    },
    of: (chain) =>
      database.asTenant(tenant, async (tx) => {
        const rows = await tx
          .select({ source, epoch, firstSequence, lastSequence, us: timeUs, count })
          .from(syncMarks)
          .where(and(eq(source, chain.source), eq(epoch, chain.epoch)))
          .orderBy(asc(lastSequence), asc(firstSequence));
        return rows.map(({ us, count, ...place }): HybridMark => ({ ...place, time: { us, count } }));
      }),
    newest: () =>
      database.asTenant(tenant, async (tx) => {
        const newest = tx.select({ us: timeUs, count }).from(syncMarks).orderBy(desc(timeUs), desc(count)).limit(1);
        return (await newest)[0] ?? null;
      }),
  };
}

/**
 * A recording whose own writer passes the clock of the hub (recorder/SPEC.md R128): what it records after it has heard of
 * something stands behind that, whatever its wall clock says. For a writer that waits for each block before the next.
 */
export function inHybridTime(store: BlockStore, clock: HybridClock, keep: HybridMarks['add']): BlockStore {
  return {
    append: async (blocks) => {
      for (const block of blocks) {
        const { firstSequence, count, lastTimeUs } = outgoingBlock(block);
        const mark = markOf({ ...block, lastSequence: firstSequence + count - 1 }, clock.tick(lastTimeUs), lastTimeUs);
        if (mark !== null) await keep(mark);
      }
      await store.append(blocks);
    },
    heads: store.heads.bind(store),
    blocks: store.blocks.bind(store),
    snapshotBefore: store.snapshotBefore.bind(store),
    close: store.close.bind(store),
  };
}
