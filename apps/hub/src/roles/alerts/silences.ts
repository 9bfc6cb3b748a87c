import { and, eq, lte } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import { silences as rows } from '../../store/schema.ts';
import { type HubRecord, stateChanged } from '../arbitration/hub-record.ts';
import type { Alert } from './board.ts';

/** Hides alerts of one cause until a time. */
export interface Silence {
  readonly id: string;
  readonly cause: string;
  /** Empty: of all agents. */
  readonly agentId: string;
  readonly untilTimeUs: number;
  readonly by: string;
  readonly reason: string;
  readonly createdTimeUs: number;
}

export interface SilenceStore {
  load(): Promise<readonly Silence[]>;
  put(silence: Silence): Promise<void>;
  remove(id: string): Promise<void>;
  /** Forgets those that ended at or before this time. */
  prune(nowUs: number): Promise<void>;
}

const CRITICAL = 4;

/** What is silenced, until when and by whom. A silence hides and never deletes; it hides nothing critical. */
export class Silences {
  readonly #clock: Clock;
  readonly #record: HubRecord;
  readonly #store: SilenceStore;
  readonly #newId: () => string;
  readonly #known = new Map<string, Silence>();
  readonly #heard = new Set<(silence: Silence) => void>();

  constructor(options: {
    readonly clock: Clock;
    readonly record: HubRecord;
    readonly store: SilenceStore;
    readonly newId: () => string;
  }) {
    this.#clock = options.clock;
    this.#record = options.record;
    this.#store = options.store;
    this.#newId = options.newId;
  }

  async restore(): Promise<void> {
    for (const silence of await this.#store.load()) this.#known.set(silence.id, silence);
    this.expire();
  }

  /** Calls back when one begins or ends. @returns how to end it */
  onChange(heard: (silence: Silence) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Those in force, the one that ends first first. */
  list(): readonly Silence[] {
    const nowUs = this.#clock.nowUs();
    return [...this.#known.values()]
      .filter(({ untilTimeUs }) => untilTimeUs > nowUs)
      .sort((a, b) => a.untilTimeUs - b.untilTimeUs);
  }

  /** Until when this alert is hidden; 0: it is not. */
  untilUs({ level, cause, agentId }: Pick<Alert, 'level' | 'cause' | 'agentId'>): number {
    if (level >= CRITICAL) return 0;
    let untilUs = 0;
    const nowUs = this.#clock.nowUs();
    for (const one of this.#known.values()) {
      if (one.cause === cause && (one.agentId === '' || one.agentId === agentId) && one.untilTimeUs > nowUs)
        untilUs = Math.max(untilUs, one.untilTimeUs);
    }
    return untilUs;
  }

  /** @throws NotRecordedError, and then nothing is silenced */
  async begin(cause: string, agentId: string, seconds: number, reason: string, by: string): Promise<Silence> {
    const createdTimeUs = this.#clock.nowUs();
    const untilTimeUs = createdTimeUs + seconds * 1_000_000;
    const silence = { id: `s-${this.#newId()}`, cause, agentId, untilTimeUs, by, reason, createdTimeUs };
    await this.#record.append(stateChanged(`silence/${silence.id}`, null, { ...silence }, by));
    await this.#store.put(silence);
    this.#known.set(silence.id, silence);
    this.#tell(silence);
    return silence;
  }

  /** @returns the silence that ended, or null when there is none with this id. @throws NotRecordedError */
  async end(id: string, by: string): Promise<Silence | null> {
    const silence = this.#known.get(id);
    if (silence === undefined) return null;
    await this.#record.append(stateChanged(`silence/${id}`, { ...silence }, null, by));
    await this.#store.remove(id);
    this.#known.delete(id);
    this.#tell(silence);
    return silence;
  }

  /** Ends what is over by now. */
  expire(): void {
    const nowUs = this.#clock.nowUs();
    let over = false;
    for (const silence of this.#known.values()) {
      if (silence.untilTimeUs > nowUs) continue;
      over = true;
      this.#known.delete(silence.id);
      void this.#record
        .append(stateChanged(`silence/${silence.id}`, { ...silence }, null, 'expiry'))
        .catch(() => undefined);
      this.#tell(silence);
    }
    if (over) void this.#store.prune(nowUs).catch(() => undefined);
  }

  #tell(silence: Silence): void {
    for (const heard of this.#heard) heard(silence);
  }
}

export const memorySilences = (): SilenceStore => ({
  load: async () => [],
  put: async () => undefined,
  remove: async () => undefined,
  prune: async () => undefined,
});

export function postgresSilences(database: Database, tenant: string): SilenceStore {
  return {
    load: () => database.asTenant(tenant, (tx) => tx.select().from(rows)),
    put: async (silence) => {
      await database.asTenant(tenant, (tx) => tx.insert(rows).values(silence));
    },
    remove: async (id) => {
      await database.asTenant(tenant, (tx) => tx.delete(rows).where(and(eq(rows.tenant, tenant), eq(rows.id, id))));
    },
    prune: async (nowUs) => {
      await database.asTenant(tenant, (tx) =>
        tx.delete(rows).where(and(eq(rows.tenant, tenant), lte(rows.untilTimeUs, nowUs))),
      );
    },
  };
}
