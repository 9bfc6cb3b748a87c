import type { Bus } from '@sigma/bus';
import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { FlowId } from '../../flows/flows.ts';
import { missionTrace, traceparent } from '../../flows/trace.ts';
import type { Database } from '../../store/database.ts';
import { missions } from '../../store/schema.ts';
import { about, all, packed, unpacked } from '../../subjects.ts';
import type { MissionWish } from '../core/core.ts';
import type { MissionStatus, MissionView, NewMission } from '../core/supervisor.ts';
import { type HubRecord, stateChanged } from './hub-record.ts';
import type { JsonObject } from './merge-patch.ts';
import { CommandRejectedError, recordRejected } from './rejected-command.ts';

export interface MissionEntry {
  readonly view: MissionView;
  readonly createdTimeUs: number;
  /** 0 while it runs. */
  readonly finishedTimeUs: number;
}

/** Where missions rest between starts. */
export interface MissionStore {
  /** @returns the mission that holds this idempotency key already, or null after storing the new one. */
  insert(entry: MissionEntry, idempotencyKey: string | null): Promise<MissionEntry | null>;
  /** All of them or none, each once. */
  update(entries: readonly MissionEntry[]): Promise<void>;
  /** Newest first. */
  load(limit: number): Promise<readonly MissionEntry[]>;
  unfinished(): Promise<readonly MissionEntry[]>;
  /** Newest first. */
  page(filter: MissionFilter, limit: number): Promise<readonly MissionEntry[]>;
}

export interface MissionFilter {
  /** Only those created before; null: the newest. */
  readonly beforeTimeUs: number | null;
  /** Empty: all. */
  readonly statuses: readonly MissionStatus[];
}

/** What somebody saw of a mission when he gave an order. */
export interface MissionSeen {
  readonly status: MissionStatus;
  /** Who had a task of it. */
  readonly agentIds: readonly string[];
}

const FINISHED = new Set(['done', 'failed', 'cancelled']);
const KEPT = 2_000;
const MOST_AT_ONCE = 256;
/** What the store refused is offered again this much later. */
const AGAIN_US = 1_000_000;

/** Every mission, from the wish to its end: recorded before core hears of it, kept across restarts. */
export class MissionLedger {
  /** Newest last. */
  readonly entries = new Map<string, MissionEntry>();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #record: HubRecord;
  readonly #store: MissionStore;
  readonly #heard = new Set<(entry: MissionEntry) => void>();
  /** Changed since they were last written. */
  readonly #unsaved = new Set<string>();
  #saving: Promise<void> | null = null;
  #again: (() => void) | null = null;

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly record: HubRecord;
    readonly store: MissionStore;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#record = options.record;
    this.#store = options.store;
    this.#bus.subscribe(all(this.#tenant, 'mission'), (message) => this.#told(unpacked<MissionView>(message.data)), {
      name: 'arbitration.mission',
      capacity: 4_096,
    });
  }

  /** Brings back what is known, and sends what had not ended to core again. */
  async restore(): Promise<void> {
    const known = [...(await this.#store.load(KEPT))].reverse();
    for (const entry of known) this.entries.set(entry.view.id, entry);
    for (const entry of await this.#store.unfinished()) {
      this.entries.set(entry.view.id, entry);
      const { id, name, goal, priority, createdBy } = entry.view;
      await this.#wish({ type: 'mission', mission: { id, name, goal, priority, createdBy } });
    }
  }

  /** @returns how to end it */
  onChange(heard: (entry: MissionEntry) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Stores, records, and only then sends the mission to core. The same key gives the same mission. */
  async create(mission: NewMission, idempotencyKey: string | null): Promise<MissionEntry> {
    const view: MissionView = {
      ...mission,
      status: 'queued',
      tasks: [],
      progress: 0,
      detail: 'waiting for the supervisor',
    };
    const entry = { view, createdTimeUs: this.#clock.nowUs(), finishedTimeUs: 0 };
    const earlier = await this.#store.insert(entry, idempotencyKey);
    if (earlier !== null) return this.entries.get(earlier.view.id) ?? earlier;
    this.#keep(entry);
    try {
      await this.#record.append(
        stateChanged(`mission/${mission.id}`, null, plain(view), mission.createdBy, this.#trace(mission.id, 'F8')),
      );
    } catch (error) {
      // It stands in the store already: a restart must not begin what its sender was told is refused.
      const refused = { ...view, status: 'failed' as const, detail: (error as Error).message };
      this.#keep({ ...entry, view: refused, finishedTimeUs: this.#clock.nowUs() });
      await this.#save(mission.id);
      throw error;
    }
    await this.#wish({ type: 'mission', mission });
    return entry;
  }

  /**
   * Judged as the mission stands at the hub when the order comes; what the supervisor does between that and the order's
   * reaching it is the order's to end.
   *
   * @param seen nothing is cancelled unless it stands so yet; null: however it stands
   * @throws CommandRejectedError, NotRecordedError
   */
  async cancel(missionId: string, reason: string, by: string, seen: MissionSeen | null = null): Promise<void> {
    const before = this.entries.get(missionId);
    const fault = before === undefined ? null : standsOtherwise(before.view, seen);
    if (seen !== null && fault !== null) {
      const expects = { status: seen.status, agentIds: [...seen.agentIds] };
      await this.#reject(missionId, 'cancel', by, expects, fault);
    }
    await this.#record.append(
      stateChanged(
        `mission/${missionId}/wish`,
        null,
        { cancel: true, reason, status: before?.view.status ?? 'unknown' },
        by,
        this.#trace(missionId, 'F8'),
      ),
    );
    await this.#wish({ type: 'cancel', missionId, reason });
  }

  /**
   * Moves a mission in the queue. Its next view says what the supervisor made of it.
   *
   * @param seen nothing is moved unless this is its priority yet; null: whatever it is
   * @throws CommandRejectedError, NotRecordedError
   */
  async setPriority(missionId: string, priority: number, by: string, seen: number | null = null): Promise<void> {
    const entry = this.entries.get(missionId);
    const before = entry?.view.priority ?? 0;
    const ended = entry === undefined || entry.finishedTimeUs === 0 ? null : `it is ${entry.view.status} already`;
    const moved = seen === before ? null : `its priority was ${seen} when the order was given; it is ${before} now`;
    const fault = ended ?? moved;
    if (seen !== null && fault !== null) await this.#reject(missionId, 'priority', by, { priority: seen }, fault);
    const trace = this.#trace(missionId, 'F8');
    const change = stateChanged(`mission/${missionId}/wish`, { priority: before }, { priority }, by, trace);
    await this.#record.append(change);
    await this.#wish({ type: 'priority', missionId, priority });
  }

  async #reject(missionId: string, command: string, by: string, expects: JsonObject, reason: string): Promise<never> {
    await recordRejected(this.#record, { target: `mission/${missionId}`, command, by, expects, reason });
    throw new CommandRejectedError(reason);
  }

  /** Newest first: from memory while it reaches, from the store beyond. */
  async page(filter: MissionFilter, limit: number): Promise<readonly MissionEntry[]> {
    const statuses = new Set<string>(filter.statuses);
    const newest = [...this.entries.values()].sort((a, b) => b.createdTimeUs - a.createdTimeUs);
    const found = newest.filter(
      ({ view, createdTimeUs }) =>
        createdTimeUs < (filter.beforeTimeUs ?? Number.POSITIVE_INFINITY) &&
        (statuses.size === 0 || statuses.has(view.status)),
    );
    if (found.length >= limit || this.entries.size < KEPT) return found.slice(0, limit);
    const older = (await this.#store.page(filter, limit)).filter(({ view }) => !this.entries.has(view.id));
    return [...found, ...older].sort((a, b) => b.createdTimeUs - a.createdTimeUs).slice(0, limit);
  }

  #trace(missionId: string, flow: FlowId): string {
    return traceparent(missionTrace(this.#tenant, missionId), flow);
  }

  async #wish(wish: Exclude<MissionWish, { type: 'fences' }>): Promise<void> {
    const id = wish.type === 'mission' ? wish.mission.id : wish.missionId;
    await this.#bus.publish(about(this.#tenant, 'wish', id), packed(wish), 'command');
  }

  #told(view: MissionView): void {
    const before = this.entries.get(view.id);
    const finished = FINISHED.has(view.status);
    const finishedTimeUs = finished ? before?.finishedTimeUs || this.#clock.nowUs() : 0;
    const entry = { view, createdTimeUs: before?.createdTimeUs ?? this.#clock.nowUs(), finishedTimeUs };
    this.#keep(entry);
    for (const heard of this.#heard) heard(entry);
    if (before !== undefined && shapeOf(before.view) === shapeOf(view)) return;
    const event = stateChanged(
      `mission/${view.id}`,
      before === undefined ? null : plain(before.view),
      plain(view),
      'core',
      this.#trace(view.id, 'F4'),
    );
    void this.#record.append(event).catch(() => undefined);
    void this.#save(view.id);
  }

  /** One write at a time, of the newest state of every mission that changed during the write before. */
  #save(id: string): Promise<void> {
    this.#unsaved.add(id);
    this.#saving ??= this.#write();
    return this.#saving;
  }

  async #write(): Promise<void> {
    this.#again?.();
    this.#again = null;
    // What else this turn of the event loop changes goes along.
    await Promise.resolve();
    let ids: readonly string[] = [];
    try {
      while (this.#unsaved.size > 0) {
        ids = [...this.#unsaved].slice(0, MOST_AT_ONCE);
        for (const id of ids) this.#unsaved.delete(id);
        await this.#store.update(ids.flatMap((id) => this.entries.get(id) ?? []));
      }
    } catch {
      for (const id of ids) this.#unsaved.add(id);
      this.#again = this.#clock.after(AGAIN_US, () => void this.#save(ids[0] as string));
    } finally {
      this.#saving = null;
    }
  }

  /** Resolves when everything told so far is stored, or was refused once more. */
  async settled(): Promise<void> {
    await this.#saving;
    const [left] = this.#unsaved;
    if (left !== undefined) await this.#save(left);
    this.#again?.();
    this.#again = null;
  }

  #keep(entry: MissionEntry): void {
    this.entries.set(entry.view.id, entry);
    if (this.entries.size <= KEPT * 2) return;
    for (const [id, old] of this.entries) {
      if (this.entries.size <= KEPT) break;
      if (old.finishedTimeUs > 0 && !this.#unsaved.has(id)) this.entries.delete(id);
    }
  }
}

/** How a mission stands otherwise than it was seen, in a sentence, or null. */
function standsOtherwise({ status, tasks }: MissionView, seen: MissionSeen | null): string | null {
  if (seen === null) return null;
  if (status !== seen.status) return `it was ${seen.status} when the order was given; it is ${status} now`;
  const names = (ids: readonly (string | null)[]) =>
    [...new Set(ids)]
      .filter((id) => id !== null && id !== '')
      .sort()
      .join(', ') || 'nobody';
  const [then, now] = [names(seen.agentIds), names(tasks.map(({ agentId }) => agentId))];
  return then === now ? null : `${then} had it when the order was given; ${now} has it now`;
}

const plain = (view: MissionView): JsonObject => view as unknown as JsonObject;

/** What is worth a record: everything but progress, which moves all the time and is sensed again on replay. */
const shapeOf = (view: MissionView): string =>
  JSON.stringify([
    view.status,
    view.detail,
    view.priority,
    view.tasks.map((task) => [task.task.id, task.agentId, task.status, task.detail]),
  ]);

/** For a hub without database: the simulator's. */
export function memoryMissions(): MissionStore {
  const byKey = new Map<string, MissionEntry>();
  return {
    insert: async (entry, key) => {
      const earlier = key === null ? undefined : byKey.get(key);
      if (earlier === undefined && key !== null) byKey.set(key, entry);
      return earlier ?? null;
    },
    update: async () => undefined,
    load: async () => [],
    unfinished: async () => [],
    page: async () => [],
  };
}

type Row = typeof missions.$inferSelect;
const entryOf = (row: Row): MissionEntry => ({
  view: row.view as MissionView,
  createdTimeUs: row.createdTimeUs,
  finishedTimeUs: row.finishedTimeUs,
});

/** Of a row that stands already: what it was to become. */
const newValueOf = ({ name }: { readonly name: string }) => sql`excluded.${sql.identifier(name)}`;

export function postgresMissions(database: Database, tenant: string): MissionStore {
  return {
    insert: (entry, key) =>
      database.asTenant(tenant, async (tx) => {
        const row = {
          id: entry.view.id,
          status: entry.view.status,
          createdTimeUs: entry.createdTimeUs,
          idempotencyKey: key,
          view: entry.view,
        };
        const inserted = await tx.insert(missions).values(row).onConflictDoNothing().returning({ id: missions.id });
        if (inserted.length > 0 || key === null) return null;
        const [earlier] = await tx.select().from(missions).where(eq(missions.idempotencyKey, key));
        return earlier === undefined ? null : entryOf(earlier);
      }),
    update: (entries) =>
      database.asTenant(tenant, async (tx) => {
        const rows = entries.map(({ view, createdTimeUs, finishedTimeUs }) => ({
          id: view.id,
          status: view.status,
          createdTimeUs,
          finishedTimeUs,
          view,
        }));
        const { status, finishedTimeUs, view } = missions;
        await tx
          .insert(missions)
          .values(rows)
          .onConflictDoUpdate({
            target: [missions.tenant, missions.id],
            set: {
              status: newValueOf(status),
              finishedTimeUs: newValueOf(finishedTimeUs),
              view: newValueOf(view),
            },
          });
      }),
    load: async (limit) => {
      const rows = await database.asTenant(tenant, (tx) =>
        tx.select().from(missions).orderBy(desc(missions.createdTimeUs)).limit(limit),
      );
      return rows.map(entryOf);
    },
    page: async ({ beforeTimeUs, statuses }, limit) => {
      const wanted = and(
        eq(missions.tenant, tenant),
        beforeTimeUs === null ? undefined : lt(missions.createdTimeUs, beforeTimeUs),
        statuses.length === 0 ? undefined : inArray(missions.status, [...statuses]),
      );
      const rows = await database.asTenant(tenant, (tx) =>
        tx.select().from(missions).where(wanted).orderBy(desc(missions.createdTimeUs)).limit(limit),
      );
      return rows.map(entryOf);
    },
    unfinished: async () => {
      const rows = await database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(missions)
          .where(inArray(missions.status, ['queued', 'active']))
          .orderBy(missions.createdTimeUs),
      );
      return rows.map(entryOf);
    },
  };
}
