import type { OrderReceipt } from '@sigma/proto';
import { eq } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import { controlLeases } from '../../store/schema.ts';
import { type HubRecord, stateChanged } from '../arbitration/hub-record.ts';
import type { JsonObject } from '../arbitration/merge-patch.ts';
import { CommandRejectedError, recordRejected } from '../arbitration/rejected-command.ts';
import type { Gateway } from './gateway.ts';

/** The right of one operator to command one agent, until it expires, is returned or is taken over. */
export interface ControlLease {
  readonly leaseId: string;
  readonly agentId: string;
  readonly holder: string;
  readonly expiresTimeUs: number;
}

export interface LeaseStore {
  load(): Promise<readonly ControlLease[]>;
  put(lease: ControlLease): Promise<void>;
  remove(agentId: string): Promise<void>;
}

export type LeaseTaken =
  | { readonly taken: true; readonly lease: ControlLease; readonly receipt: OrderReceipt }
  | { readonly taken: false; readonly lease: ControlLease };

const DEFAULT_SECONDS = 300;
const MOST_SECONDS = 3_600;
const CHECK_EVERY_US = 1_000_000;

export class LeaseDesk {
  readonly #clock: Clock;
  readonly #record: HubRecord;
  readonly #gateway: Gateway;
  readonly #store: LeaseStore;
  readonly #newId: () => string;
  readonly #leases = new Map<string, ControlLease>();
  readonly #heard = new Set<(agentId: string) => void>();
  readonly #end: () => void;

  constructor(options: {
    readonly clock: Clock;
    readonly record: HubRecord;
    readonly gateway: Gateway;
    readonly store: LeaseStore;
    readonly newId: () => string;
  }) {
    this.#clock = options.clock;
    this.#record = options.record;
    this.#gateway = options.gateway;
    this.#store = options.store;
    this.#newId = options.newId;
    this.#end = this.#clock.every(CHECK_EVERY_US, () => this.#expire());
  }

  async restore(): Promise<void> {
    for (const lease of await this.#store.load()) this.#leases.set(lease.agentId, lease);
    this.#expire();
  }

  close(): void {
    this.#end();
  }

  /** Calls back with the agent whose lease was taken, returned, taken over or is over. @returns how to end it */
  onChange(heard: (agentId: string) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** The lease that stands now. */
  of(agentId: string): ControlLease | null {
    const lease = this.#leases.get(agentId);
    return lease !== undefined && lease.expiresTimeUs > this.#clock.nowUs() ? lease : null;
  }

  /**
   * Takes a free lease, renews one's own, or takes over another's when asked to. `seconds` 0 means 300; at most 3,600.
   *
   * @param expects who is to hold it yet, '': nobody; null: whoever does. @throws CommandRejectedError, NotRecordedError
   */
  async take(
    agentId: string,
    holder: string,
    takeOver: boolean,
    seconds: number,
    expects: string | null = null,
  ): Promise<LeaseTaken> {
    const held = this.of(agentId);
    const has = held?.holder ?? '';
    const rejected = (reason: string, expects: string) =>
      recordRejected(this.#record, {
        target: `lease/${agentId}`,
        command: takeOver ? 'take over' : 'take',
        by: holder,
        expects: { holder: expects },
        reason,
      });
    if (held !== null && held.holder !== holder && !takeOver) {
      await rejected(`${has} holds it`, expects ?? '');
      return { taken: false, lease: held };
    }
    if (expects !== null && has !== expects && has !== holder) {
      const reason = `${expects || 'nobody'} held it when the order was given; ${has || 'nobody'} holds it now`;
      await rejected(reason, expects);
      throw new CommandRejectedError(reason);
    }
    const forUs = Math.min(seconds || DEFAULT_SECONDS, MOST_SECONDS) * 1_000_000;
    const own = held !== null && held.holder === holder;
    const lease: ControlLease = {
      leaseId: own ? held.leaseId : `lease-${this.#newId()}`,
      agentId,
      holder,
      expiresTimeUs: this.#clock.nowUs() + forUs,
    };
    this.#leases.set(agentId, lease);
    await this.#recorded(agentId, held, lease, holder);
    await this.#store.put(lease);
    this.#tell(agentId);
    const receipt = await this.#gateway.ask(agentId, holder, {
      case: 'lease',
      value: { leaseId: lease.leaseId, holder, expiresTimeUs: BigInt(lease.expiresTimeUs) },
    });
    return { taken: true, lease, receipt };
  }

  /** @returns the lease that another holds and which therefore stays, or null when it is returned. */
  async giveBack(agentId: string, holder: string): Promise<ControlLease | null> {
    const held = this.of(agentId);
    if (held === null) return null;
    if (held.holder !== holder) return held;
    await this.#release(held, holder);
    return null;
  }

  /** Returns every lease of somebody who may hold none any more. @returns the agents that are free now */
  async takeFrom(holder: string, by: string): Promise<readonly string[]> {
    const held = [...this.#leases.values()].filter((lease) => lease.holder === holder);
    await Promise.all(held.map((lease) => this.#release(lease, by)));
    return held.map(({ agentId }) => agentId);
  }

  async #release(held: ControlLease, by: string): Promise<void> {
    const { agentId, leaseId } = held;
    this.#leases.delete(agentId);
    await this.#recorded(agentId, held, null, by);
    await this.#store.remove(agentId);
    this.#tell(agentId);
    await this.#gateway.ask(agentId, by, { case: 'release', value: { leaseId } });
  }

  #tell(agentId: string): void {
    for (const heard of this.#heard) heard(agentId);
  }

  /** A change that cannot be recorded has not been. @throws NotRecordedError */
  async #recorded(agentId: string, held: ControlLease | null, now: ControlLease | null, by: string): Promise<void> {
    try {
      await this.#record.append(stateChanged(`lease/${agentId}`, plain(held), plain(now), by));
    } catch (error) {
      if (held === null) this.#leases.delete(agentId);
      else this.#leases.set(agentId, held);
      throw error;
    }
  }

  /** The agent ends an expired lease by its own clock too; here it is recorded. */
  #expire(): void {
    const nowUs = this.#clock.nowUs();
    for (const [agentId, lease] of this.#leases) {
      if (lease.expiresTimeUs > nowUs) continue;
      this.#leases.delete(agentId);
      void this.#record.append(stateChanged(`lease/${agentId}`, plain(lease), null, 'expiry')).catch(() => undefined);
      void this.#store.remove(agentId).catch(() => undefined);
      this.#tell(agentId);
    }
  }
}

const plain = (lease: ControlLease | null): JsonObject | null => (lease === null ? null : { ...lease });

export const memoryLeases = (): LeaseStore => ({
  load: async () => [],
  put: async () => undefined,
  remove: async () => undefined,
});

export function postgresLeases(database: Database, tenant: string): LeaseStore {
  return {
    load: () => database.asTenant(tenant, (tx) => tx.select().from(controlLeases)),
    put: async (lease) => {
      const target = [controlLeases.tenant, controlLeases.agentId];
      await database.asTenant(tenant, (tx) =>
        tx.insert(controlLeases).values(lease).onConflictDoUpdate({ target, set: lease }),
      );
    },
    remove: async (agentId) => {
      await database.asTenant(tenant, (tx) => tx.delete(controlLeases).where(eq(controlLeases.agentId, agentId)));
    },
  };
}
