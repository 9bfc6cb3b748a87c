import { and, eq } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import { plannerStates } from '../../store/schema.ts';
import type { SupervisorOutput } from './supervisor.ts';

/** What a planner knew when it was last kept. */
export interface KeptPlanner {
  /** Of planner, state and site; another one cannot read it. */
  readonly version: string;
  readonly atUs: number;
  /** Canonical text of kernel's `encodeState`. */
  readonly text: string;
}

export interface PlannerStore {
  load(): Promise<KeptPlanner | null>;
  /** Resolves when it is durable. */
  save(kept: KeptPlanner): Promise<void>;
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
  readonly #encode: () => string;
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
    readonly encode: () => string;
    readonly say: (output: SupervisorOutput) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#version = options.version;
    this.#encode = options.encode;
    this.#say = options.say;
  }

  /** What the planner said in one supervision, its state being what `encode` now gives. */
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
      const kept = { version: this.#version, atUs: startUs, text: this.#encode() };
      this.#nextUs = startUs + (this.#clock.nowUs() - startUs) * SHARE;
      await this.#inTime(this.#store.save(kept));
      this.failure = null;
      this.saves++;
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
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

const NAME = 'core';

export function postgresPlanner(database: Database, tenant: string): PlannerStore {
  return {
    load: async () => {
      const [row] = await database.asTenant(tenant, (tx) =>
        tx
          .select()
          .from(plannerStates)
          .where(and(eq(plannerStates.tenant, tenant), eq(plannerStates.name, NAME))),
      );
      return row === undefined ? null : { version: row.version, atUs: row.atUs, text: row.state };
    },
    save: async ({ version, atUs, text }) => {
      const row = { version, atUs, state: text };
      await database.asTenant(tenant, (tx) =>
        tx
          .insert(plannerStates)
          .values({ name: NAME, ...row })
          .onConflictDoUpdate({ target: [plannerStates.tenant, plannerStates.name], set: row }),
      );
    },
  };
}
