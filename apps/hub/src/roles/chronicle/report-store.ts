import type { LinkedChain } from '@sigma/recorder';
import { and, eq, lte } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { reportedEvents } from '../../store/schema.ts';

/** An event that was told ahead of its block. */
export interface Report extends LinkedChain {
  readonly sequence: number;
  /** SHA-256 of its envelope. */
  readonly digest: Uint8Array;
  /** Of the mark that was made of it; empty: none. */
  readonly markId: string;
  /** Sequence of the decision that it is; 0: it is none. */
  readonly decision: number;
}

export interface ReportStore {
  load(): Promise<readonly Report[]>;
  /** One that is there already stays. */
  add(reports: readonly Report[]): Promise<void>;
  /** Those of the chain up to an event are settled. */
  remove(chain: LinkedChain, upTo: number): Promise<void>;
}

/** The reports of one tenant, behind row-level security. */
export function postgresReports(database: Pick<Database, 'asTenant'>, tenant: string): ReportStore {
  const { source, epoch, sequence } = reportedEvents;
  return {
    load: () =>
      database.asTenant(tenant, async (tx) => {
        const rows = await tx.select().from(reportedEvents);
        return rows.map(({ tenant: _, ...report }) => report);
      }),
    add: async (reports) => {
      const rows = reports.map((report) => ({ ...report, digest: Buffer.from(report.digest) }));
      await database.asTenant(tenant, (tx) => tx.insert(reportedEvents).values(rows).onConflictDoNothing());
    },
    remove: async (chain, upTo) => {
      await database.asTenant(tenant, (tx) =>
        tx.delete(reportedEvents).where(and(eq(source, chain.source), eq(epoch, chain.epoch), lte(sequence, upTo))),
      );
    },
  };
}
