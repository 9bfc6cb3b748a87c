import { and, asc, between, desc, eq, inArray, sql } from 'drizzle-orm';
import type { Database } from '../../store/database.ts';
import { marks as rows, settings } from '../../store/schema.ts';

/** Kinds of marks; `gap` stands where marks were lost. */
export type MarkKind = 'violation' | 'failsafe' | 'stop' | 'alert' | 'mission' | 'act' | 'fault' | 'gap';

/** Something that happened, as a mark on a time bar. */
export interface Mark {
  readonly id: string;
  readonly timeUs: number;
  readonly kind: MarkKind;
  readonly agentId: string;
  /** 0 where no decision belongs to it. */
  readonly decisionSequence: number;
  readonly decisionEpoch: number;
  /** AlertLevel. */
  readonly level: number;
  readonly text: string;
  /** Told ahead of the record, which is still to prove it. */
  readonly reported?: boolean;
  /** Why no record will prove what was reported. */
  readonly unprovable?: Unprovable | '';
}

/** Its block was dropped on the robot for want of room, or came and cannot be read (recorder/SPEC.md R193). */
export type Unprovable = 'dropped' | 'damaged';

export interface MarkFilter {
  /** Both inclusive. */
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  /** Empty: all. */
  readonly kinds: readonly string[];
  readonly agentId: string;
  /** Which ones come when there are more than the limit, and in which order. */
  readonly choose: 'most_urgent' | 'newest' | 'oldest';
}

export interface MarkStore {
  /** One that is there already stays as it is. */
  add(batch: readonly Mark[]): Promise<void>;
  /**
   * From a recording, which knows better which decision answered: one that is there takes that, and is proved.
   *
   * @returns ids that were new
   */
  addRecorded(batch: readonly Mark[]): Promise<ReadonlySet<string>>;
  /** Told ahead of the recording; one that is there already stays as it is. @returns ids that were new */
  addReported(batch: readonly Mark[]): Promise<ReadonlySet<string>>;
  /** Takes back those of them that no recording has proved. */
  retract(ids: readonly string[]): Promise<void>;
  /** Says of those of them that no recording has proved that none will. */
  giveUp(ids: readonly string[], why: Unprovable): Promise<void>;
  find(filter: MarkFilter, limit: number): Promise<readonly Mark[]>;
  /** Forgets all but the newest `keep`, and remembers since when they are whole. */
  prune(keep: number): Promise<void>;
  /** Since when marks are whole; 0: none was ever given up. */
  keptFromUs(): Promise<number>;
}

const KEPT_FROM = 'marks.kept_from';

/** Of those with one id the first. */
const onceEach = (batch: readonly Mark[]): readonly Mark[] => {
  const marks = new Map(batch.toReversed().map((mark) => [mark.id, mark]));
  return [...marks.values()].reverse();
};

export function postgresMarks(database: Database, tenant: string): MarkStore {
  const insert = (batch: readonly Mark[], reported = false) => {
    // Columns instead of rows: eight parameters however many marks.
    const column = <T>(of: (one: Mark) => T) => sql.param(batch.map(of));
    return sql`insert into marks (tenant, reported, id, time_us, kind, agent_id, decision_sequence, decision_epoch, level, text)
      select ${tenant}, ${reported}, n.* from unnest(${column((one) => one.id)}::text[], ${column((one) => one.timeUs)}::bigint[],
        ${column((one) => one.kind)}::text[], ${column((one) => one.agentId)}::text[],
        ${column((one) => one.decisionSequence)}::bigint[], ${column((one) => one.decisionEpoch)}::bigint[],
        ${column((one) => one.level)}::integer[], ${column((one) => one.text)}::text[])
        as n (id, time_us, kind, agent_id, decision_sequence, decision_epoch, level, text)`;
  };
  return {
    add: async (batch) => {
      await database.asTenant(tenant, (tx) => tx.execute(sql`${insert(batch)} on conflict do nothing`));
    },
    addRecorded: async (batch) => {
      const { rows: written } = await database.asTenant(tenant, (tx) =>
        // Marks from before ids told what comes again are known by all that they say.
        tx.execute(sql`${insert(onceEach(batch))}
          where not exists (select from marks m where m.tenant = ${tenant} and m.time_us = n.time_us
            and m.id like 'k-%' and m.agent_id = n.agent_id and m.kind = n.kind and m.text = n.text)
          on conflict (tenant, id) do update
          set decision_sequence = excluded.decision_sequence, decision_epoch = excluded.decision_epoch, reported = false,
            unprovable = '', time_us = case when marks.reported then excluded.time_us else marks.time_us end
          where (marks.decision_sequence, marks.decision_epoch, marks.reported)
            is distinct from (excluded.decision_sequence, excluded.decision_epoch, false)
          returning id, xmax = 0 as fresh`),
      );
      return new Set(written.flatMap(({ id, fresh }) => (fresh === true ? [id as string] : [])));
    },
    addReported: async (batch) => {
      const { rows: written } = await database.asTenant(tenant, (tx) =>
        tx.execute(sql`${insert(onceEach(batch), true)} on conflict do nothing returning id`),
      );
      return new Set(written.map(({ id }) => id as string));
    },
    retract: async (ids) => {
      await database.asTenant(tenant, (tx) =>
        tx.delete(rows).where(and(eq(rows.tenant, tenant), eq(rows.reported, true), inArray(rows.id, [...ids]))),
      );
    },
    giveUp: async (ids, unprovable) => {
      await database.asTenant(tenant, (tx) =>
        tx
          .update(rows)
          .set({ unprovable })
          .where(and(eq(rows.tenant, tenant), eq(rows.reported, true), inArray(rows.id, [...ids]))),
      );
    },
    find: async ({ fromTimeUs, toTimeUs, kinds, agentId, choose }, limit) => {
      const order = {
        most_urgent: [desc(rows.level), desc(rows.timeUs), desc(rows.id)],
        newest: [desc(rows.timeUs), desc(rows.id)],
        oldest: [asc(rows.timeUs), asc(rows.id)],
      }[choose];
      const found = await database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(rows)
          .where(
            and(
              eq(rows.tenant, tenant),
              between(rows.timeUs, fromTimeUs, toTimeUs),
              kinds.length === 0 ? undefined : inArray(rows.kind, [...kinds]),
              agentId === '' ? undefined : eq(rows.agentId, agentId),
            ),
          )
          .orderBy(...order)
          .limit(limit),
      );
      return found as readonly Mark[];
    },
    prune: (keep) =>
      database.asTenant(tenant, async (tx) => {
        const [last] = await tx
          .select({ timeUs: rows.timeUs })
          .from(rows)
          .where(eq(rows.tenant, tenant))
          .orderBy(desc(rows.timeUs))
          .offset(keep)
          .limit(1);
        if (last === undefined) return;
        await tx.delete(rows).where(and(eq(rows.tenant, tenant), sql`${rows.timeUs} <= ${last.timeUs}`));
        const value = String(last.timeUs + 1);
        await tx
          .insert(settings)
          .values({ name: KEPT_FROM, value })
          .onConflictDoUpdate({ target: [settings.tenant, settings.name], set: { value } });
      }),
    keptFromUs: async () => {
      const [row] = await database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(settings)
          .where(and(eq(settings.tenant, tenant), eq(settings.name, KEPT_FROM))),
      );
      return row === undefined ? 0 : Number(row.value);
    },
  };
}

/** For a hub without database. */
export function memoryMarks(): MarkStore & { readonly kept: readonly Mark[] } {
  let kept: Mark[] = [];
  let keptFromUs = 0;
  const byTime = (a: Mark, b: Mark): number => a.timeUs - b.timeUs;
  return {
    get kept() {
      return kept;
    },
    add: async (batch) => {
      const ids = new Set(kept.map(({ id }) => id));
      kept = [...kept, ...onceEach(batch).filter(({ id }) => !ids.has(id))].sort(byTime);
    },
    addRecorded: async (batch) => {
      const marks = new Map(kept.map((mark) => [mark.id, mark]));
      const fresh = new Set<string>();
      for (const mark of onceEach(batch)) {
        const { decisionSequence, decisionEpoch } = mark;
        const there = marks.get(mark.id);
        if (there === undefined) fresh.add(mark.id);
        const timeUs = there?.reported === true ? mark.timeUs : there?.timeUs;
        const proved = {
          decisionSequence,
          decisionEpoch,
          timeUs: timeUs ?? mark.timeUs,
          reported: false,
          unprovable: '' as const,
        };
        marks.set(mark.id, there === undefined ? mark : { ...there, ...proved });
      }
      kept = [...marks.values()].sort(byTime);
      return fresh;
    },
    addReported: async (batch) => {
      const ids = new Set(kept.map(({ id }) => id));
      const fresh = onceEach(batch).filter(({ id }) => !ids.has(id));
      kept = [...kept, ...fresh.map((mark) => ({ ...mark, reported: true }))].sort(byTime);
      return new Set(fresh.map(({ id }) => id));
    },
    retract: async (ids) => {
      kept = kept.filter(({ id, reported }) => reported !== true || !ids.includes(id));
    },
    giveUp: async (ids, unprovable) => {
      kept = kept.map((mark) => (mark.reported === true && ids.includes(mark.id) ? { ...mark, unprovable } : mark));
    },
    find: async ({ fromTimeUs, toTimeUs, kinds, agentId, choose }, limit) => {
      const fits = kept.filter(
        (mark) =>
          mark.timeUs >= fromTimeUs &&
          mark.timeUs <= toTimeUs &&
          (kinds.length === 0 || kinds.includes(mark.kind)) &&
          (agentId === '' || mark.agentId === agentId),
      );
      if (choose === 'oldest') return fits.slice(0, limit);
      fits.reverse();
      if (choose === 'most_urgent') fits.sort((a, b) => b.level - a.level || b.timeUs - a.timeUs);
      return fits.slice(0, limit);
    },
    prune: async (keep) => {
      if (kept.length <= keep) return;
      keptFromUs = (kept[kept.length - keep - 1] as Mark).timeUs + 1;
      kept = kept.slice(-keep);
    },
    keptFromUs: async () => keptFromUs,
  };
}
