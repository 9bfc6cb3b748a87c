import { create, fromBinary } from '@bufbuild/protobuf';
import { type Bus, tokenOf } from '@sigma/bus';
import {
  type AgentDecision,
  AgentDecisionSchema,
  Authority,
  type Decision,
  type DecisionMade,
  DecisionMadeSchema,
} from '@sigma/proto';
import { WireWriter } from '@sigma/recorder';
import { and, asc, between, desc, eq, gte, inArray, like, lt, or, sql } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { AgentLinked } from '../../live/live-fleet.ts';
import type { Database } from '../../store/database.ts';
import { decisions } from '../../store/schema.ts';
import { all, unpacked } from '../../subjects.ts';
import type { Unprovable } from '../chronicle/mark-store.ts';

/** A decision as it rests. */
export interface KeptDecision {
  readonly agentId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly timeUs: number;
  /** sigma.v1.DecisionMade. */
  readonly made: Uint8Array;
  /** safety, operator, swarm, mission, or rest where nobody proposed anything. */
  readonly authority: string;
  /** Rationale, source and command in lower case. */
  readonly words: string;
  /** Told ahead of the record, which is still to prove it. */
  readonly reported?: boolean;
  /** Why no record will prove what was reported. */
  readonly unprovable?: Unprovable | '';
}

export interface DecisionFilter {
  /** Empty: all. */
  readonly agentIds: readonly string[];
  readonly authorities: readonly string[];
  /** Part of rationale, source or command; empty: all. */
  readonly text: string;
  /** Only those before; 0: the newest. */
  readonly beforeTimeUs: number;
}

/** Decisions before this place, in order of epoch and sequence; `epoch` null: the agent's newest. */
export interface Place {
  readonly epoch: number | null;
  readonly sequence: number;
}

export interface TimeSpan {
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  /** Empty: all. */
  readonly agentId: string;
  readonly oldest: boolean;
}

export interface DecisionStore {
  /**
   * What is there already stays as it is: a decision that comes again changes nothing, but that it takes the place of one
   * that was reported.
   *
   * @param reported told ahead of the record, which is still to prove them
   */
  add(batch: readonly KeptDecision[], reported?: boolean): Promise<void>;
  /** Takes back those of them that were reported and never proved. */
  retract(keys: readonly DecisionKey[]): Promise<void>;
  /** Says of those of them that were reported and never proved that no record will. */
  giveUp(keys: readonly DecisionKey[], why: Unprovable): Promise<void>;
  /** Newest first. */
  page(agentId: string, before: Place | null, limit: number): Promise<readonly KeptDecision[]>;
  /**
   * Newest first, over all agents. Those of one moment are never parted. At most `scan` decisions are looked through;
   * `lookedToUs` says how far back that reached, 0: to the oldest.
   */
  find(
    filter: DecisionFilter,
    limit: number,
    scan: number,
  ): Promise<{ readonly decisions: readonly KeptDecision[]; readonly lookedToUs: number }>;
  /** Decisions of a stretch of time, both ends inclusive; the newest first, or the oldest. */
  between(span: TimeSpan, limit: number): Promise<readonly KeptDecision[]>;
  /** Forgets all but the newest `keep` of the agent. */
  prune(agentId: string, keep: number): Promise<void>;
  /** Of these the ones that are not there, or reported only. */
  lacking<T extends DecisionKey>(keys: readonly T[]): Promise<readonly T[]>;
  /** The oldest of the newest `keep` of the agent; null: there are fewer. */
  floor(agentId: string, keep: number): Promise<DecisionKey | null>;
}

/** Names a decision for good. */
export type DecisionKey = Pick<KeptDecision, 'agentId' | 'epoch' | 'sequence'>;

/** A decision that came home on record. */
export interface RecordedDecision extends DecisionKey {
  readonly timeUs: number;
  readonly atUs: number;
  /** sigma.v1.Decision. */
  readonly data: Uint8Array;
}

const WRITE_EVERY_US = 500_000;
const BATCH = 500;
const CAPACITY = 50_000;
/** Decisions kept of each agent; older ones stand in its own recording only. */
const KEPT = 20_000;
const PRUNE_AFTER = 1_000;
/** Decisions that one search looks through. */
const SCAN = 200_000;
const MOST_WORDS = 500;

/** Decisions of every agent, kept beside the live path and found again long after memory let them go. */
export class DecisionArchive {
  written = 0;
  /** Not kept because the database could not follow; they stand in the agent's own recording. */
  shed = 0;
  readonly #store: DecisionStore;
  readonly #kept: number;
  readonly #shed: (count: number, why: string) => void;
  readonly #epochs = new Map<string, { readonly epoch: number; readonly epochTimeUs: number }>();
  readonly #sincePrune = new Map<string, number>();
  /** Of agents of which as many are kept as may be, a decision that is not newer than the oldest of these. */
  readonly #floors = new Map<string, DecisionKey | null>();
  readonly #end: () => void;
  #waiting: KeptDecision[] = [];
  #writing: Promise<void> | null = null;

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly store: DecisionStore;
    /** Told of every loss, for the record (law L8). */
    readonly onShed: (count: number, why: string) => void;
    readonly kept?: number;
  }) {
    const { bus, tenant } = options;
    this.#store = options.store;
    this.#kept = options.kept ?? KEPT;
    this.#shed = options.onShed;
    const capacity = 16_384;
    bus.subscribe(
      all(tenant, 'link'),
      (message) => {
        const { agentId, epoch, epochTimeUs } = unpacked<AgentLinked>(message.data);
        this.#epochs.set(agentId, { epoch, epochTimeUs });
      },
      { name: 'arbitration.link', capacity },
    );
    bus.subscribe(
      all(tenant, 'decision'),
      (message) => this.#take(tokenOf(message.subject, 3) as string, message.data),
      { name: 'arbitration.decision', capacity },
    );
    this.#end = options.clock.every(WRITE_EVERY_US, () => void this.flush());
  }

  /** At most `limit` decisions of the agent before that place, newest first; those that just came included. */
  async page(agentId: string, before: Place | null, limit: number): Promise<readonly AgentDecision[]> {
    await this.flush();
    return (await this.#store.page(agentId, before, limit)).map(decisionOf);
  }

  async between(span: TimeSpan, limit: number): Promise<readonly AgentDecision[]> {
    await this.flush();
    return (await this.#store.between(span, limit)).map(decisionOf);
  }

  /** Decisions of all agents, newest first; those that just came included. */
  async find(
    filter: DecisionFilter,
    limit: number,
  ): Promise<{ readonly decisions: readonly AgentDecision[]; readonly lookedToUs: number }> {
    await this.flush();
    const { decisions, lookedToUs } = await this.#store.find(filter, limit, SCAN);
    return { decisions: decisions.map(decisionOf), lookedToUs };
  }

  /**
   * Keeps what came home on record and is not here yet (recorder/SPEC.md R192). What is older than the newest that are
   * kept of its agent is left out.
   *
   * @returns how many of them are no decisions
   * @throws what the store throws; then call again with the same
   */
  addRecorded(found: readonly RecordedDecision[]): Promise<number> {
    return this.#addFound(found, false);
  }

  /** Those that are told ahead of the record (recorder/SPEC.md R193). @returns as above @throws as above */
  addReported(found: readonly RecordedDecision[]): Promise<number> {
    return this.#addFound(found, true);
  }

  /** What was reported and is not so. @throws as above */
  async retract(keys: readonly DecisionKey[]): Promise<void> {
    if (keys.length > 0) await this.#store.retract(keys);
  }

  /** What was reported, and no record will ever prove. @throws as above */
  async giveUp(keys: readonly DecisionKey[], why: Unprovable): Promise<void> {
    if (keys.length > 0) await this.#store.giveUp(keys, why);
  }

  async #addFound(found: readonly RecordedDecision[], reported: boolean): Promise<number> {
    await this.flush();
    for (const agentId of new Set(found.map((one) => one.agentId))) await this.#findFloor(agentId);
    const wanted = found.filter((one) => {
      const floor = this.#floors.get(one.agentId) ?? null;
      return floor === null || one.epoch > floor.epoch || (one.epoch === floor.epoch && one.sequence > floor.sequence);
    });
    let broken = 0;
    for (let from = 0; from < wanted.length; from += BATCH) {
      const lacking = await this.#store.lacking(wanted.slice(from, from + BATCH));
      const kept = lacking.flatMap((one) => keptOf(one) ?? []);
      broken += lacking.length - kept.length;
      if (kept.length === 0) continue;
      await this.#store.add(kept, reported);
      this.written += kept.length;
      for (const { agentId } of kept) await this.#count(agentId);
    }
    return broken;
  }

  async #findFloor(agentId: string): Promise<void> {
    if (!this.#floors.has(agentId)) this.#floors.set(agentId, await this.#store.floor(agentId, this.#kept));
  }

  /** Writes what waits. Resolves when it is kept or shed. */
  flush(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async close(): Promise<void> {
    this.#end();
    await this.#writing;
    await this.flush();
  }

  #take(agentId: string, data: Uint8Array): void {
    const made: DecisionMade = fromBinary(DecisionMadeSchema, data);
    if (made.decision === undefined) return;
    const of = this.#epochs.get(agentId);
    this.#waiting.push({
      agentId,
      epoch: made.decision.context?.epoch ?? of?.epoch ?? 0,
      sequence: Number(made.decision.sequence),
      timeUs: (of?.epochTimeUs ?? 0) + Number(made.atUs),
      made: data,
      authority: authorityOf(made.decision),
      words: wordsOf(made.decision),
    });
    if (this.#waiting.length > CAPACITY)
      this.#lose(this.#waiting.splice(0, CAPACITY / 10).length, 'the queue was full');
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#store.add(batch);
        this.written += batch.length;
        for (const { agentId } of batch) await this.#count(agentId);
      } catch (error) {
        this.#lose(batch.length, error instanceof Error ? String(error.cause ?? error.message) : String(error));
        return;
      }
    }
  }

  async #count(agentId: string): Promise<void> {
    const since = (this.#sincePrune.get(agentId) ?? 0) + 1;
    this.#sincePrune.set(agentId, since % PRUNE_AFTER);
    if (since < PRUNE_AFTER) return;
    await this.#store.prune(agentId, this.#kept);
    this.#floors.delete(agentId);
  }

  #lose(count: number, why: string): void {
    this.shed += count;
    this.#shed(count, why);
  }
}

/** @returns null for bytes that are no decision of that name */
function keptOf({ agentId, epoch, sequence, timeUs, atUs, data }: RecordedDecision): KeptDecision | null {
  const wire = new WireWriter(data.length + 256);
  wire.string(1, agentId);
  wire.uint(2, atUs);
  wire.bytesPresent(3, data);
  const made = wire.take();
  try {
    const { decision } = fromBinary(DecisionMadeSchema, made);
    if (decision === undefined || decision.sequence !== BigInt(sequence)) return null;
    if ((decision.context?.epoch ?? epoch) !== epoch) return null;
    return { agentId, epoch, sequence, timeUs, made, authority: authorityOf(decision), words: wordsOf(decision) };
  } catch {
    return null;
  }
}

const decisionOf = ({ agentId, timeUs, made, reported = false, unprovable = '' }: KeptDecision): AgentDecision => {
  const { atUs, decision } = fromBinary(DecisionMadeSchema, made);
  const found = { agentId, atUs, timeUs: BigInt(timeUs), reported, unprovable };
  return create(AgentDecisionSchema, decision === undefined ? found : { ...found, decision });
};

const AUTHORITY: Readonly<Record<Authority, string>> = {
  [Authority.UNSPECIFIED]: 'rest',
  [Authority.MISSION]: 'mission',
  [Authority.SWARM]: 'swarm',
  [Authority.OPERATOR]: 'operator',
  [Authority.SAFETY]: 'safety',
};
const authorityOf = ({ chosen }: Decision): string => AUTHORITY[chosen?.authority ?? Authority.UNSPECIFIED] ?? 'rest';

const wordsOf = ({ rationale, chosen, command }: Decision): string =>
  [rationale, chosen?.source ?? '', command?.name ?? '']
    .join(' ')
    .toLowerCase()
    .slice(0, MOST_WORDS)
    // What a database cannot hold in a text.
    .replaceAll('\0', '');

const likeText = (text: string): string => `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;

export function postgresDecisions(database: Database, tenant: string): DecisionStore {
  const { agentId: agent, epoch, sequence, timeUs } = decisions;
  const keyOf = (one: KeptDecision): string => `${one.agentId} ${one.epoch} ${one.sequence}`;
  return {
    add: async (batch, reported = false) => {
      // Columns instead of rows: eight parameters however many decisions.
      const column = <T>(of: (one: KeptDecision) => T) => sql.param(batch.map(of));
      await database.asTenant(tenant, (tx) =>
        tx.execute(sql`insert into decisions
            (tenant, reported, agent_id, epoch, sequence, time_us, made, authority, words)
          select distinct on (n.agent_id, n.epoch, n.sequence) ${tenant}, ${reported}, n.* from unnest(${column((one) => one.agentId)}::text[], ${column((one) => one.epoch)}::bigint[],
            ${column((one) => one.sequence)}::bigint[], ${column((one) => one.timeUs)}::bigint[],
            ${column((one) => Buffer.from(one.made))}::bytea[], ${column((one) => one.authority)}::text[],
            ${column((one) => one.words)}::text[]) as n (agent_id, epoch, sequence, time_us, made, authority, words)
          on conflict (tenant, agent_id, epoch, sequence) do update
          set time_us = excluded.time_us, made = excluded.made, authority = excluded.authority,
            words = excluded.words, reported = false, unprovable = ''
          where decisions.reported and not excluded.reported`),
      );
    },
    retract: async (keys) => {
      const column = <T>(of: (one: DecisionKey) => T) => sql.param(keys.map(of));
      await database.asTenant(tenant, (tx) =>
        tx.execute(sql`delete from decisions d using unnest(${column((one) => one.agentId)}::text[],
            ${column((one) => one.epoch)}::bigint[], ${column((one) => one.sequence)}::bigint[])
            as k (agent_id, epoch, sequence)
          where d.tenant = ${tenant} and d.reported and d.agent_id = k.agent_id and d.epoch = k.epoch
            and d.sequence = k.sequence`),
      );
    },
    giveUp: async (keys, why) => {
      const column = <T>(of: (one: DecisionKey) => T) => sql.param(keys.map(of));
      await database.asTenant(tenant, (tx) =>
        tx.execute(sql`update decisions d set unprovable = ${why}
          from unnest(${column((one) => one.agentId)}::text[], ${column((one) => one.epoch)}::bigint[],
            ${column((one) => one.sequence)}::bigint[]) as k (agent_id, epoch, sequence)
          where d.tenant = ${tenant} and d.reported and d.agent_id = k.agent_id and d.epoch = k.epoch
            and d.sequence = k.sequence`),
      );
    },
    page: (agentId, before, limit) =>
      database.asTenant(tenant, async (tx) => {
        const own = and(eq(decisions.tenant, tenant), eq(agent, agentId));
        let earlier = own;
        if (before !== null) {
          const newest = sql<number>`(select max(epoch) from decisions where tenant = ${tenant} and agent_id = ${agentId})`;
          const of = before.epoch === null ? newest : sql<number>`${before.epoch}::bigint`;
          earlier = and(own, or(lt(epoch, of), and(eq(epoch, of), lt(sequence, before.sequence))));
        }
        return tx.select().from(decisions).where(earlier).orderBy(desc(epoch), desc(sequence)).limit(limit);
      }),
    find: ({ agentIds, authorities, text, beforeTimeUs }, limit, scan) =>
      database.asTenant(tenant, async (tx) => {
        const own = and(
          eq(decisions.tenant, tenant),
          beforeTimeUs === 0 ? undefined : lt(timeUs, beforeTimeUs),
          agentIds.length === 0 ? undefined : inArray(agent, [...agentIds]),
        );
        const [last] = await tx
          .select({ timeUs })
          .from(decisions)
          .where(own)
          .orderBy(desc(timeUs))
          .offset(scan - 1)
          .limit(1);
        const wanted = and(
          own,
          last === undefined ? undefined : gte(timeUs, last.timeUs),
          authorities.length === 0 ? undefined : inArray(decisions.authority, [...authorities]),
          text === '' ? undefined : like(decisions.words, likeText(text)),
        );
        const newest = tx.select().from(decisions).where(wanted).orderBy(desc(timeUs), agent, desc(sequence));
        const page = await newest.limit(limit);
        const end = page.length < limit ? undefined : page.at(-1)?.timeUs;
        if (end === undefined) return { decisions: page, lookedToUs: last?.timeUs ?? 0 };
        // The page ends within a moment perhaps: the rest of that moment comes along.
        const moment = await tx
          .select()
          .from(decisions)
          .where(and(wanted, eq(timeUs, end)));
        const told = new Set(page.map(keyOf));
        return { decisions: [...page, ...moment.filter((one) => !told.has(keyOf(one)))], lookedToUs: end };
      }),
    between: ({ fromTimeUs, toTimeUs, agentId, oldest }, limit) =>
      database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(decisions)
          .where(
            and(
              eq(decisions.tenant, tenant),
              between(timeUs, fromTimeUs, toTimeUs),
              agentId === '' ? undefined : eq(agent, agentId),
            ),
          )
          .orderBy(oldest ? asc(timeUs) : desc(timeUs))
          .limit(limit),
      ),
    lacking: async (keys) => {
      const column = <T>(of: (one: DecisionKey) => T) => sql.param(keys.map(of));
      const { rows } = await database.asTenant(tenant, (tx) =>
        tx.execute(sql`select n::integer as n from unnest(${column((one) => one.agentId)}::text[],
            ${column((one) => one.epoch)}::bigint[], ${column((one) => one.sequence)}::bigint[])
            with ordinality as k (agent_id, epoch, sequence, n)
          where not exists (select from decisions d where d.tenant = ${tenant} and d.agent_id = k.agent_id
            and d.epoch = k.epoch and d.sequence = k.sequence and not d.reported) order by n`),
      );
      return rows.map(({ n }) => keys[(n as number) - 1] as (typeof keys)[number]);
    },
    floor: (agentId, keep) =>
      database.asTenant(tenant, async (tx) => {
        const own = and(eq(decisions.tenant, tenant), eq(agent, agentId));
        const newest = tx.select({ epoch, sequence }).from(decisions).where(own).orderBy(desc(epoch), desc(sequence));
        const [found] = await newest.offset(keep - 1).limit(1);
        return found === undefined ? null : { agentId, ...found };
      }),
    prune: async (agentId, keep) => {
      await database.asTenant(tenant, (tx) =>
        tx.execute(sql`delete from decisions d using (
            select epoch, sequence from decisions where tenant = ${tenant} and agent_id = ${agentId}
            order by epoch desc, sequence desc offset ${keep} limit 1) as first
          where d.tenant = ${tenant} and d.agent_id = ${agentId} and (d.epoch, d.sequence) <= (first.epoch, first.sequence)`),
      );
    },
  };
}
