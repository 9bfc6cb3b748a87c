/**
 * What roles need from a message bus: subjects, consumer groups, a key-value store with revisions, leases with fencing
 * tokens. Payloads are bytes, so that an adapter over a network behaves exactly like the one in memory. The words
 * (subject, group, bucket, revision) are those of NATS.
 */
export interface Bus {
  /**
   * Hands a message to every matching subscription, and to one member of every matching group. Resolves when each has
   * taken it: at once, except for class `command` when a queue is full, which is how a publisher feels backpressure.
   * @throws BusClosedError after `close`.
   */
  publish(subject: string, data: Uint8Array, serviceClass: ServiceClass): Promise<void>;
  /**
   * `pattern`: a subject in which `*` stands for one token and a last `>` for one or more. One handler call at a time
   * for each subscription, in order of publication within a class, safety first.
   */
  subscribe(pattern: string, handler: Handler, options: SubscribeOptions): Subscription;
  keys(bucket: string): KeyValue;
  readonly leases: Leases;
  /** Messages shed and failed so far, by subscription name. */
  readonly losses: ReadonlyMap<string, Loss>;
  /** Stops deliveries. Messages still queued are dropped with the process that would have handled them. */
  close(): Promise<void>;
}

/**
 * How a full queue treats a message (law L8).
 * - `safety`: never shed, never waits; goes ahead of everything else, over the bound if it must.
 * - `command`: never shed; the publisher waits for room. Handled at least once: a handler that throws gets it again.
 * - `telemetry`: the oldest is shed, counted and reported. Handled at most once.
 */
export type ServiceClass = 'safety' | 'command' | 'telemetry';

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly serviceClass: ServiceClass;
  /** 1 at the first delivery; greater when an earlier attempt threw. */
  readonly attempt: number;
}

export type Handler = (message: BusMessage) => void | Promise<void>;

export interface SubscribeOptions {
  /** Names the subscription in loss reports. */
  readonly name: string;
  /** Members of one group share its messages; without it every subscription gets every message. */
  readonly group?: string;
  /** Most messages of class `command` and most of class `telemetry` waiting; > 0, default 1,024. */
  readonly capacity?: number;
}

export interface Subscription {
  readonly pattern: string;
  /** Messages waiting now. */
  waiting(): number;
  unsubscribe(): void;
}

export interface Loss {
  readonly shed: number;
  readonly failed: number;
}

/**
 * Published as JSON on `t.<tenant>.bus.loss` (class `command`) for what a subscription lost. Losses that happen before
 * a report leaves are added up in it: the counts of all reports sum to exactly what was lost.
 */
export interface LossReport {
  readonly subscription: string;
  readonly kind: 'shed' | 'failed';
  /** Subject of the latest one. */
  readonly subject: string;
  readonly count: number;
  readonly error?: string;
}

export interface KeyValue {
  get(key: string): Promise<Entry | null>;
  /** @returns the new revision, > 0 and greater than every earlier one of the bucket. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** Writes only over `revision` (0: only when absent). @returns the new revision, or null when another was there first. */
  compareAndSet(key: string, revision: number, value: Uint8Array): Promise<number | null>;
  /** @returns whether there was something to delete, at that revision when one is given. */
  delete(key: string, revision?: number): Promise<boolean>;
  /** Keys with the prefix, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  /** Calls back after every later change of a key with the prefix; null means deleted. @returns how to end it. */
  watch(prefix: string, changed: (key: string, entry: Entry | null) => void): () => void;
}

export interface Entry {
  readonly value: Uint8Array;
  readonly revision: number;
}

export interface Leases {
  /** Takes a free or expired lease, or renews the holder's own. `ttlUs` > 0. */
  acquire(name: string, holder: string, ttlUs: number): Promise<LeaseOutcome>;
  /** @returns whether the lease was still the caller's to return. */
  release(name: string, token: number): Promise<boolean>;
  holder(name: string): Promise<HeldLease | null>;
}

export interface HeldLease {
  readonly holder: string;
  /** Fencing token: strictly increasing with every change of holder, so that a stale holder's work can be refused (L10). */
  readonly token: number;
  readonly expiresAtUs: number;
}

export type LeaseOutcome =
  | { readonly taken: true; readonly lease: HeldLease }
  | { readonly taken: false; readonly lease: HeldLease };

export class BusClosedError extends Error {
  constructor() {
    super('the bus is closed; nothing can be published any more');
    this.name = 'BusClosedError';
  }
}
