import { and, arrayOverlaps, desc, eq, lt, sql } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { People } from '../../identity/people.ts';
import { cutText } from '../../identity/text-reference.ts';
import type { Database } from '../../store/database.ts';
import { acts as rows } from '../../store/schema.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';

/** One thing that a person did, with what came of it. */
export interface Act {
  readonly id: string;
  readonly timeUs: number;
  readonly actor: string;
  /** Method of the contract. */
  readonly act: string;
  readonly targets: readonly string[];
  readonly summary: string;
  readonly outcome: string;
  readonly reason: string;
}

export interface ActFilter {
  /** Empty: everybody. */
  readonly actor: string;
  /** Those on any of these; empty: on everything. */
  readonly targets: readonly string[];
  /** 0: the newest. */
  readonly beforeTimeUs: number;
}

export interface ActStore {
  add(act: Act): Promise<void>;
  /** Newest first. */
  page(filter: ActFilter, limit: number): Promise<readonly Act[]>;
  /** Forgets all but the newest `keep`. */
  prune(keep: number): Promise<void>;
}

/** Acts kept for reading; older ones stand in the hub's own chain. */
const KEPT = 200_000;
const PRUNE_EVERY = 1_000;
/** Attempts without the right are written down once in this time, so that they cannot push anything out. */
const DENIED_EVERY_US = 60_000_000;
const MOST_REASON = 500;

/** Who did what: in the hub's chain for proof, in a table for reading. */
export class Acts {
  /** Not in the table because the database did not take them. */
  shed = 0;
  readonly #clock: Clock;
  readonly #record: HubRecord;
  readonly #people: Pick<People, 'unnamed'>;
  readonly #store: ActStore;
  readonly #newId: () => string;
  readonly #denied = new Map<string, number>();
  readonly #heard = new Set<(act: Act) => void>();
  #added = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly record: HubRecord;
    readonly people: Pick<People, 'unnamed'>;
    readonly store: ActStore;
    readonly newId: () => string;
  }) {
    this.#clock = options.clock;
    this.#record = options.record;
    this.#people = options.people;
    this.#store = options.store;
    this.#newId = options.newId;
  }

  /** @returns how to end it */
  onAct(heard: (act: Act) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Resolves when it can be read, or cannot be kept; then the chain says so. @param denied for want of the right */
  async add(did: Omit<Act, 'id' | 'timeUs'>, denied: boolean): Promise<void> {
    const timeUs = this.#clock.nowUs();
    if (denied && !this.#firstDenial(`${did.actor} ${did.act}`, timeUs)) return;
    const alias = (text: string): string => this.#people.unnamed(text);
    const said = { targets: did.targets.map(alias), summary: alias(did.summary), reason: alias(did.reason) };
    const act: Act = { ...did, ...said, reason: cutText(said.reason, MOST_REASON), id: `act-${this.#newId()}`, timeUs };
    for (const heard of this.#heard) heard(act);
    const { id: _, timeUs: __, ...body } = act;
    void this.#record
      .append(signal('hub.act', act.actor, { ...body, targets: [...body.targets] }))
      .catch(() => undefined);
    try {
      await this.#store.add(act);
      if (++this.#added % PRUNE_EVERY === 0) await this.#store.prune(KEPT);
    } catch (error) {
      this.shed++;
      const why = error instanceof Error ? String(error.cause ?? error.message) : String(error);
      void this.#record.append(signal('hub.acts_shed', 'acts', { count: 1, why })).catch(() => undefined);
    }
  }

  page(filter: ActFilter, limit: number): Promise<readonly Act[]> {
    return this.#store.page(filter, limit);
  }

  #firstDenial(key: string, nowUs: number): boolean {
    for (const [old, untilUs] of this.#denied) if (untilUs <= nowUs) this.#denied.delete(old);
    if (this.#denied.has(key)) return false;
    this.#denied.set(key, nowUs + DENIED_EVERY_US);
    return true;
  }
}

export function postgresActs(database: Database, tenant: string): ActStore {
  return {
    add: async (act) => {
      await database.asTenant(tenant, (tx) => tx.insert(rows).values({ ...act, targets: [...act.targets] }));
    },
    page: ({ actor, targets, beforeTimeUs }, limit) =>
      database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(rows)
          .where(
            and(
              eq(rows.tenant, tenant),
              actor === '' ? undefined : eq(rows.actor, actor),
              targets.length === 0 ? undefined : arrayOverlaps(rows.targets, [...targets]),
              beforeTimeUs === 0 ? undefined : lt(rows.timeUs, beforeTimeUs),
            ),
          )
          .orderBy(desc(rows.timeUs), desc(rows.id))
          .limit(limit),
      ),
    prune: async (keep) => {
      await database.asTenant(tenant, (tx) =>
        tx.execute(sql`delete from acts where tenant = ${tenant} and time_us <= (
          select time_us from acts where tenant = ${tenant} order by time_us desc offset ${keep} limit 1)`),
      );
    },
  };
}
