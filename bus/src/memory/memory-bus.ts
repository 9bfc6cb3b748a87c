import {
  type Bus,
  BusClosedError,
  type BusMessage,
  type Handler,
  type KeyValue,
  type Leases,
  type Loss,
  type LossReport,
  type ServiceClass,
  type SubscribeOptions,
  type Subscription,
} from '../port.ts';
import { checkPattern, checkSubject, matches, subjectOf, tokenOf } from '../subject.ts';
import { Inbox } from './inbox.ts';
import { MemoryKeys } from './memory-keys.ts';
import { MemoryLeases } from './memory-leases.ts';

export interface MemoryBusOptions {
  /** Clock of the leases. */
  readonly nowUs: () => number;
  /** Runs a delivery later, in order. A simulator drains its own queue here; otherwise the event loop does. */
  readonly schedule?: (run: () => void) => void;
}

const CAPACITY = 1024;
/** Deliveries in one turn, so that a storm on one subscription does not hold up the others. */
const TURN = 64;
const ATTEMPTS = 3;
const ROUTES_KEPT = 20_000;
const TAKEN = Promise.resolve();
const encoder = new TextEncoder();

interface Member {
  readonly pattern: string;
  readonly group: string | null;
  readonly name: string;
  readonly handler: Handler;
  readonly inbox: Inbox;
  busy: boolean;
  open: boolean;
}

/** Everyone who gets a subject: single subscriptions, and groups that take turns. */
interface Route {
  readonly single: readonly Member[];
  readonly groups: readonly { readonly members: readonly Member[]; turn: number }[];
}

/** The bus inside one process. Deliveries never run inside `publish`. */
export class MemoryBus implements Bus {
  readonly leases: Leases;
  readonly #schedule: (run: () => void) => void;
  readonly #members = new Set<Member>();
  readonly #routes = new Map<string, Route>();
  readonly #buckets = new Map<string, MemoryKeys>();
  readonly #losses = new Map<string, { shed: number; failed: number }>();
  readonly #reports = new Map<string, LossReport & { readonly tenant: string }>();
  #closed = false;

  constructor(options: MemoryBusOptions) {
    this.#schedule = options.schedule ?? ((run) => void setImmediate(run));
    this.leases = new MemoryLeases(options.nowUs);
  }

  get losses(): ReadonlyMap<string, Loss> {
    return this.#losses;
  }

  publish(subject: string, data: Uint8Array, serviceClass: ServiceClass): Promise<void> {
    if (this.#closed) return Promise.reject(new BusClosedError());
    let route = this.#routes.get(subject);
    if (route === undefined) {
      checkSubject(subject);
      route = this.#route(subject);
    }
    const message: BusMessage = { subject, data, serviceClass, attempt: 1 };
    const waits: Promise<void>[] = [];
    for (const member of route.single) {
      const wait = this.#put(member, message);
      if (wait !== undefined) waits.push(wait);
    }
    for (const group of route.groups) {
      const member = group.members[group.turn++ % group.members.length] as Member;
      const wait = this.#put(member, message);
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length === 0 ? TAKEN : Promise.all(waits).then(() => undefined);
  }

  subscribe(pattern: string, handler: Handler, options: SubscribeOptions): Subscription {
    if (this.#closed) throw new BusClosedError();
    checkPattern(pattern);
    const member: Member = {
      pattern,
      group: options.group ?? null,
      name: options.name,
      handler,
      inbox: new Inbox(options.capacity ?? CAPACITY),
      busy: false,
      open: true,
    };
    this.#members.add(member);
    this.#routes.clear();
    return {
      pattern,
      waiting: () => member.inbox.size,
      unsubscribe: () => {
        member.open = false;
        member.inbox.close();
        this.#members.delete(member);
        this.#routes.clear();
      },
    };
  }

  keys(bucket: string): KeyValue {
    let keys = this.#buckets.get(bucket);
    if (keys === undefined) {
      keys = new MemoryKeys(this.#schedule);
      this.#buckets.set(bucket, keys);
    }
    return keys;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const member of this.#members) {
      member.open = false;
      member.inbox.close();
    }
    this.#members.clear();
    this.#routes.clear();
  }

  #route(subject: string): Route {
    const single: Member[] = [];
    const groups = new Map<string, Member[]>();
    for (const member of this.#members) {
      if (!matches(member.pattern, subject)) continue;
      if (member.group === null) single.push(member);
      else groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
    }
    const route = { single, groups: [...groups.values()].map((members) => ({ members, turn: 0 })) };
    if (this.#routes.size >= ROUTES_KEPT) this.#routes.clear();
    this.#routes.set(subject, route);
    return route;
  }

  #put(member: Member, message: BusMessage): Promise<void> | undefined {
    const outcome = member.inbox.put(message);
    if (!member.busy) {
      member.busy = true;
      this.#schedule(() => this.#deliver(member));
    }
    if (outcome instanceof Promise) return outcome;
    if (outcome !== undefined) this.#lost(member, 'shed', outcome);
    return undefined;
  }

  #deliver(member: Member): void {
    for (let k = 0; k < TURN; k++) {
      const message = member.open ? member.inbox.take() : undefined;
      if (message === undefined) {
        member.busy = false;
        return;
      }
      const running = this.#handle(member, message);
      if (running !== undefined) {
        void running.then(() => this.#schedule(() => this.#deliver(member)));
        return;
      }
    }
    this.#schedule(() => this.#deliver(member));
  }

  /** Runs the handler; undefined when it is through already. */
  #handle(member: Member, message: BusMessage): Promise<void> | undefined {
    try {
      const running = member.handler(message);
      if (running instanceof Promise) return running.catch((error) => this.#failed(member, message, error));
      return undefined;
    } catch (error) {
      return this.#failed(member, message, error);
    }
  }

  #failed(member: Member, message: BusMessage, error: unknown): Promise<void> | undefined {
    if (message.serviceClass === 'telemetry' || message.attempt >= ATTEMPTS) {
      this.#lost(member, 'failed', message, error instanceof Error ? error.message : String(error));
      return undefined;
    }
    return this.#handle(member, { ...message, attempt: message.attempt + 1 });
  }

  /** Counts a loss and reports it, unless it is the report itself that was lost. */
  #lost(member: Member, kind: LossReport['kind'], message: BusMessage, error?: string): void {
    const losses = this.#losses.get(member.name) ?? { shed: 0, failed: 0 };
    losses[kind]++;
    this.#losses.set(member.name, losses);
    const tenant = tokenOf(message.subject, 1) as string;
    const about = subjectOf(tenant, 'bus', 'loss');
    if (message.subject === about || this.#closed) return;
    const key = `${tenant} ${kind} ${member.name}`;
    const pending = this.#reports.get(key);
    const report = {
      tenant,
      subscription: member.name,
      kind,
      subject: message.subject,
      count: (pending?.count ?? 0) + 1,
    };
    this.#reports.set(key, error === undefined ? report : { ...report, error });
    if (pending !== undefined) return;
    this.#schedule(() => {
      const { tenant: _, ...said } = this.#reports.get(key) as LossReport & { tenant: string };
      this.#reports.delete(key);
      if (!this.#closed) void this.publish(about, encoder.encode(JSON.stringify(said)), 'command');
    });
  }
}
