import { and, desc, eq, gte, or, sql } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { alerts as rows } from '../../store/schema.ts';
import type { Alert } from './board.ts';

/** How often one cause was raised. */
export interface AlertRate {
  readonly cause: string;
  readonly level: number;
  readonly lastHour: number;
  readonly lastDay: number;
  readonly lastWeek: number;
  /** Median time that one stood, seconds; 0 while none has ended. */
  readonly stoodS: number;
  /** Most first. */
  readonly agentIds: readonly string[];
}

export interface AlertStore {
  /** Standing alerts, and those raised last. */
  load(limit: number): Promise<readonly Alert[]>;
  put(alert: Alert): Promise<void>;
  /** Most frequent first. */
  rates(nowUs: number): Promise<readonly AlertRate[]>;
}

const HOUR_US = 3_600_000_000;
const MOST_AGENTS = 10;

export const memoryAlerts = (): AlertStore => ({
  load: async () => [],
  put: async () => undefined,
  rates: async () => [],
});

export function postgresAlerts(database: Database, tenant: string): AlertStore {
  return {
    load: (limit) =>
      database.asTenant(tenant, async (tx) => {
        const standing = await tx.select().from(rows).where(eq(rows.clearedTimeUs, 0));
        const latest = await tx.select().from(rows).orderBy(desc(rows.raisedTimeUs)).limit(limit);
        return [...new Map([...latest, ...standing].map((alert) => [alert.id, alert])).values()];
      }),
    put: async (alert) => {
      await database.asTenant(tenant, (tx) =>
        tx
          .insert(rows)
          .values(alert)
          .onConflictDoUpdate({ target: [rows.tenant, rows.id], set: alert }),
      );
    },
    rates: (nowUs) =>
      database.asTenant(tenant, async (tx) => {
        const since = (hours: number) => sql`${rows.raisedTimeUs} >= ${nowUs - hours * HOUR_US}`;
        const count = (hours: number) => sql<number>`count(*) filter (where ${since(hours)})::int`;
        const week = and(
          eq(rows.tenant, tenant),
          or(gte(rows.raisedTimeUs, nowUs - 168 * HOUR_US), eq(rows.clearedTimeUs, 0)),
        );
        const rates = await tx
          .select({
            cause: rows.cause,
            level: sql<number>`max(${rows.level})`,
            lastHour: count(1),
            lastDay: count(24),
            lastWeek: count(168),
            stoodS: sql<number>`coalesce(percentile_cont(0.5) within group (order by (${rows.clearedTimeUs} - ${rows.raisedTimeUs}) / 1e6) filter (where ${rows.clearedTimeUs} > 0), 0)::float8`,
          })
          .from(rows)
          .where(week)
          .groupBy(rows.cause)
          .orderBy(desc(count(168)), rows.cause);
        const by = await tx
          .select({ cause: rows.cause, agentId: rows.agentId })
          .from(rows)
          .where(week)
          .groupBy(rows.cause, rows.agentId)
          .orderBy(desc(sql`count(*)`), rows.agentId);
        const agents = new Map<string, string[]>();
        for (const { cause, agentId } of by) agents.set(cause, [...(agents.get(cause) ?? []), agentId]);
        return rates.map((rate) => ({ ...rate, agentIds: (agents.get(rate.cause) ?? []).slice(0, MOST_AGENTS) }));
      }),
  };
}
