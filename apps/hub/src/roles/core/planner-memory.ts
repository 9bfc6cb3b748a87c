import { sql } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import { KeptParts, type PartChanges } from './kept-parts.ts';
import type { SupervisorOutput } from './supervisor.ts';

/** What a planner knew when it was last kept. */
export interface KeptPlanner {
  /** Of planner, state and site; another one cannot read it. */
  readonly version: string;
  readonly atUs: number;
  /** Canonical text of kernel's `encodeState` for each part. */
  readonly parts: ReadonlyMap<string, string>;
}

export interface PlannerStore {
  load(): Promise<KeptPlanner | null>;
  /**
   * Resolves when it is durable, all of it or nothing. Changes apply to what was kept at an earlier moment; later ones
   * than these make them fail.
   */
  save(kept: PartChanges & Pick<KeptPlanner, 'version' | 'atUs'>): Promise<void>;
}

/** Plans alone are kept this late at most: a robot's own revision tells what was lost. */
const LAZY_US = 1_000_000;
/** Work waits no longer than this for a store that does not answer. */
const MOST_HOLD_US = 1_000_000;
/** Of every moment, writing the state down may take this share. */
const SHARE = 10;

/**
 * Keeps a planner's state beside what it says, so that a hub that is killed goes on with the work that robots already do.
 * What gives work, takes it or tells of a mission leaves once the state that says the same is durable; plans leave at
 * once. Outputs of one agent keep their order.
 */
export class PlannerMemory {
  /** Why the state could not be kept the last time, or null. */
  failure: Error | null = null;
  saves = 0;
  readonly #store: PlannerStore;
  readonly #clock: Clock;
  readonly #version: string;
  readonly #parts: () => ReadonlyMap<string, unknown>;
  readonly #kept = new KeptParts();
  readonly #say: (output: SupervisorOutput) => void;
  readonly #held = new Set<string>();
  #waiting: SupervisorOutput[] = [];
  #dirty = false;
  #pending: (() => void) | null = null;
  #saving: Promise<void> | null = null;
  #nextUs = 0;

  constructor(options: {
    readonly store: PlannerStore;
    readonly clock: Clock;
    readonly version: string;
    /** The state that outputs taken so far have led to. */
    readonly parts: () => ReadonlyMap<string, unknown>;
    readonly say: (output: SupervisorOutput) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#version = options.version;
    this.#parts = options.parts;
    this.#say = options.say;
  }

  /** What the planner said in one supervision, its state being what `parts` now gives. */
  take(outputs: readonly SupervisorOutput[]): void {
    for (const output of outputs) {
      const { type } = output;
      const about = type === 'mission' ? output.mission.id : output.agentId;
      if (type === 'plan') this.#dirty = true;
      const binds = type === 'assign' || type === 'cancel_task' || type === 'mission';
      if (binds || this.#held.has(about)) {
        this.#held.add(about);
        this.#waiting.push(output);
      } else this.#say(output);
    }
    if (this.#waiting.length > 0) this.#plan(0);
    else if (this.#dirty) this.#plan(LAZY_US);
  }

  /** Resolves when everything taken so far is kept and said. */
  async close(): Promise<void> {
    this.#pending?.();
    this.#pending = null;
    await this.#saving;
    if (this.#dirty || this.#waiting.length > 0) await this.#save();
  }

  #lazy = false;

  #plan(inUs: number): void {
    if (this.#saving !== null) return;
    if (this.#pending !== null && (inUs > 0 || !this.#lazy)) return;
    this.#pending?.();
    this.#lazy = inUs > 0;
    const waitUs = Math.max(inUs, this.#nextUs - this.#clock.nowUs());
    const run = (): void => {
      this.#pending = null;
      void this.#save();
    };
    if (waitUs > 0) this.#pending = this.#clock.after(waitUs, run);
    else run();
  }

  #save(): Promise<void> {
    this.#saving = this.#write().finally(() => {
      this.#saving = null;
      if (this.#waiting.length > 0) this.#plan(0);
      else if (this.#dirty) this.#plan(LAZY_US);
    });
    return this.#saving;
  }

  async #write(): Promise<void> {
    const outputs = this.#waiting;
    this.#waiting = [];
    this.#dirty = false;
    try {
      const startUs = this.#clock.nowUs();
      const changes = this.#kept.take(this.#parts());
      this.#nextUs = startUs + (this.#clock.nowUs() - startUs) * SHARE;
      await this.#inTime(this.#store.save({ version: this.#version, atUs: startUs, ...changes }));
      this.failure = null;
      this.saves++;
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
      this.#kept.forget();
      this.#nextUs = this.#clock.nowUs() + LAZY_US;
    }
    this.#held.clear();
    for (const output of this.#waiting) this.#held.add(output.type === 'mission' ? output.mission.id : output.agentId);
    for (const output of outputs) this.#say(output);
  }

  /** A fleet stands still only so long for a store that hangs. */
  async #inTime(saved: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(MOST_HOLD_US, () => late.reject(new Error('the database does not answer')));
    try {
      await Promise.race([saved, late.promise]);
    } finally {
      cancel();
    }
  }
}

const HEAD = 'core';
const PART = 'core ';
/** Parts travel as one text: what stands between them cannot stand in them. */
const BETWEEN = '\u001f';

/**
 * The planner's parts as rows, and a head row over them. Whoever saves takes the head first, so that a transaction which
 * hung meanwhile finds it newer than itself and undoes what it did.
 */
export function postgresPlanner(database: Database, tenant: string): PlannerStore {
  return {
    load: () =>
      database.asTenant(tenant, async (tx) => {
        const { rows } = await tx.execute<{ name: string; version: string; at_us: string; state: string }>(
          sql`select name, version, at_us, state from planner_states where tenant = ${tenant} and (name = ${HEAD} or starts_with(name, ${PART}))`,
        );
        const head = rows.find(({ name }) => name === HEAD);
        if (head === undefined) return null;
        const parts = rows
          .filter((row) => row !== head)
          .map((row) => [row.name.slice(PART.length), row.state] as const);
        return { version: head.version, atUs: Number(head.at_us), parts: new Map(parts) };
      }),
    save: ({ version, atUs, whole, put, drop }) =>
      database.asTenant(tenant, async (tx) => {
        if (whole) {
          await tx.execute(
            sql`delete from planner_states where tenant = ${tenant} and (name = ${HEAD} or starts_with(name, ${PART}))`,
          );
          await tx.execute(
            sql`insert into planner_states (tenant, name, version, at_us, state) values (${tenant}, ${HEAD}, ${version}, ${atUs}, '')`,
          );
        } else {
          const { rowCount } = await tx.execute(
            sql`update planner_states set at_us = ${atUs} where tenant = ${tenant} and name = ${HEAD} and version = ${version} and at_us <= ${atUs}`,
          );
          if (rowCount !== 1) throw new Error('what is kept is newer than these changes');
        }
        const names = drop.map((key) => PART + key).join(BETWEEN);
        if (drop.length > 0) {
          await tx.execute(
            sql`delete from planner_states where tenant = ${tenant} and name = any(string_to_array(${names}, ${BETWEEN}))`,
          );
        }
        if (put.size === 0) return;
        const keys = [...put.keys()].map((key) => PART + key).join(BETWEEN);
        const texts = [...put.values()].join(BETWEEN);
        await tx.execute(sql`insert into planner_states (tenant, name, version, at_us, state)
          select ${tenant}, part.name, '', ${atUs}, part.state
          from unnest(string_to_array(${keys}, ${BETWEEN}), string_to_array(${texts}, ${BETWEEN})) as part (name, state)
          on conflict (tenant, name) do update set at_us = excluded.at_us, state = excluded.state`);
      }),
  };
}
