import { and, eq } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { LiveFleet } from '../../live/live-fleet.ts';
import type { Database } from '../../store/database.ts';
import { activeFaults as rows } from '../../store/schema.ts';

/** A fault that a person put into a simulated robot. */
export interface ActiveFault {
  readonly agentId: string;
  readonly fault: string;
  /** Life of the agent that it was injected into: the next one begins without it. */
  readonly epoch: number;
  /** 0: until it is cleared. */
  readonly endsTimeUs: number;
  readonly by: string;
}

export interface FaultStore {
  load(): Promise<readonly ActiveFault[]>;
  put(fault: ActiveFault): Promise<void>;
  remove(agentId: string, fault: string): Promise<void>;
}

/** Which faults are in the simulation now: injected, accepted, and neither cleared, over, nor gone with their robot. */
export class ActiveFaults {
  readonly #clock: Clock;
  readonly #fleet: LiveFleet;
  readonly #store: FaultStore;
  readonly #known = new Map<string, ActiveFault>();

  constructor(options: { readonly clock: Clock; readonly fleet: LiveFleet; readonly store: FaultStore }) {
    this.#clock = options.clock;
    this.#fleet = options.fleet;
    this.#store = options.store;
  }

  async restore(): Promise<void> {
    for (const fault of await this.#store.load()) this.#known.set(keyOf(fault), fault);
  }

  /** `seconds` 0: until it is cleared. */
  async injected(agentId: string, fault: string, seconds: number, by: string): Promise<void> {
    const epoch = this.#fleet.agents.get(agentId)?.link.epoch ?? 0;
    const endsTimeUs = seconds === 0 ? 0 : this.#clock.nowUs() + seconds * 1_000_000;
    const active = { agentId, fault, epoch, endsTimeUs, by };
    this.#known.set(keyOf(active), active);
    await this.#store.put(active);
  }

  async cleared(agentId: string, fault: string): Promise<void> {
    this.#known.delete(keyOf({ agentId, fault }));
    await this.#store.remove(agentId, fault);
  }

  list(): readonly ActiveFault[] {
    const nowUs = this.#clock.nowUs();
    for (const active of this.#known.values()) {
      const epoch = this.#fleet.agents.get(active.agentId)?.link.epoch;
      const over = active.endsTimeUs > 0 && active.endsTimeUs <= nowUs;
      // A robot that has not been heard since the hub began may still have it.
      if (over || (epoch !== undefined && epoch !== active.epoch))
        void this.cleared(active.agentId, active.fault).catch(() => undefined);
    }
    return [...this.#known.values()];
  }
}

const keyOf = ({ agentId, fault }: Pick<ActiveFault, 'agentId' | 'fault'>): string => `${agentId} ${fault}`;

export function postgresFaults(database: Database, tenant: string): FaultStore {
  return {
    load: () => database.asTenant(tenant, (tx) => tx.select().from(rows)),
    put: async (fault) => {
      const target = [rows.tenant, rows.agentId, rows.fault];
      await database.asTenant(tenant, (tx) => tx.insert(rows).values(fault).onConflictDoUpdate({ target, set: fault }));
    },
    remove: async (agentId, fault) => {
      const one = and(eq(rows.tenant, tenant), eq(rows.agentId, agentId), eq(rows.fault, fault));
      await database.asTenant(tenant, (tx) => tx.delete(rows).where(one));
    },
  };
}
