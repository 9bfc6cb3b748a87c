import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { OrderIssuedSchema, type SignedOrder, SignedOrderSchema, StateChangeSchema } from '@sigma/proto';
import {
  type BlockStore,
  type ChainId,
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  type Opening,
  openingEvent,
  openingOf,
  signalEvent,
  upgradeBetween,
} from '@sigma/recorder';
import type { Clock } from '../../clock.ts';
import { type JsonObject, mergePatch } from './merge-patch.ts';

/** What must be on record cannot be recorded: it is refused. Stops do not wait for the record and go on. */
export class NotRecordedError extends Error {
  constructor(cause: Error) {
    super(
      `the hub cannot record, so it takes no orders but stops: ${cause.message}. Then start the hub again; everything acknowledged is safe`,
      { cause },
    );
    this.name = 'NotRecordedError';
  }
}

/** The hub's own chain in the flight recorder. */
export interface HubRecord {
  /**
   * Resolves when the event is durable.
   * @throws NotRecordedError
   */
  append(event: HubEvent): Promise<void>;
}

export interface HubEvent {
  readonly type: string;
  /** What it is about: an agent, a mission, an alert. */
  readonly subject: string;
  readonly traceparent: string;
  readonly data: Uint8Array;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const hashOf = (value: JsonObject | null): Uint8Array => sha256(new TextEncoder().encode(JSON.stringify(value)));

export const orderIssued = (
  signed: SignedOrder,
  order: { agentId: string; issuer: string; sequence: bigint; traceparent: string },
  summary: string,
): HubEvent => ({
  type: EVENT_TYPE.order,
  subject: order.agentId,
  traceparent: order.traceparent,
  data: toBinary(
    OrderIssuedSchema,
    create(OrderIssuedSchema, {
      signedOrder: toBinary(SignedOrderSchema, signed),
      issuer: order.issuer,
      orderSequence: order.sequence,
      summary,
    }),
  ),
});

/** A mission, a lease or an alert changed: what stood before, what stands now (null: nothing), who did it, and the trace. */
export const stateChanged = (
  target: string,
  before: JsonObject | null,
  after: JsonObject | null,
  by: string,
  trace = '',
): HubEvent => ({
  type: EVENT_TYPE.stateChange,
  subject: target,
  traceparent: trace,
  data: toBinary(
    StateChangeSchema,
    create(StateChangeSchema, {
      target,
      beforeHash: hashOf(before),
      afterHash: hashOf(after),
      patchJson: JSON.stringify(mergePatch(before, after)),
      reversible: before !== null && after !== null,
      by,
    }),
  ),
});

/** Something that happened to the hub itself; a runner's signal has a dot in its name. */
export const signal = (name: `hub.${string}`, subject: string, body: JsonObject): HubEvent => ({
  ...signalEvent(name, body, 0, 0),
  subject,
});

/**
 * Writes the hub's chain into a block store: whatever arrives while a block is on its way to the disk becomes the next
 * block. Each start of the hub is an epoch, tied to the one before by its last hash.
 */
export class ChainRecord implements HubRecord {
  readonly chain: ChainId;
  readonly #store: BlockStore;
  readonly #clock: Clock;
  readonly #writer: ChainWriter;
  readonly #startUs: number;
  #waiting: { readonly draft: EventDraft; readonly done: () => void; readonly failed: (error: unknown) => void }[] = [];
  #writing = false;
  #failure: NotRecordedError | null = null;
  readonly #failed: ((failure: NotRecordedError) => void)[] = [];

  static async open(store: BlockStore, clock: Clock, tenant: string, software: string): Promise<ChainRecord> {
    const own = (await store.heads()).filter((head) => head.tenant === tenant && head.source === 'hub');
    const last = own.reduce<(typeof own)[number] | null>((a, b) => (a === null || b.epoch > a.epoch ? b : a), null);
    const chain = { tenant, source: 'hub', epoch: last === null ? 0 : last.epoch + 1 };
    const record = new ChainRecord(store, clock, chain);
    const made: Opening = {
      ...chain,
      role: 'hub',
      model: '',
      modelVersion: 0,
      config: {},
      seed: 0,
      flags: [],
      policyText: '',
      policyHash: '',
      previousEpochHash: last?.hash ?? new Uint8Array(),
      atUs: 0,
      timeUs: clock.nowUs(),
      software,
    };
    const { timeUs: _, ...opening } = openingEvent(made);
    const upgrade = last === null ? null : upgradeBetween(await openingOf(store, last), made);
    // Handed in together, so that nothing comes between them (R15).
    const opened = record.append(opening);
    await Promise.all([opened, upgrade === null ? null : record.append(signal('hub.upgraded', '', upgrade))]);
    return record;
  }

  private constructor(store: BlockStore, clock: Clock, chain: ChainId) {
    this.#store = store;
    this.#clock = clock;
    this.chain = chain;
    this.#writer = new ChainWriter(chain, sha256);
    this.#startUs = clock.nowUs();
  }

  /** Why nothing can be recorded any more, or null. */
  get failure(): NotRecordedError | null {
    return this.#failure;
  }

  /** Calls back once, when nothing can be recorded any more. */
  onFailure(told: (failure: NotRecordedError) => void): void {
    if (this.#failure === null) this.#failed.push(told);
    else told(this.#failure);
  }

  append(event: HubEvent): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timeUs = this.#clock.nowUs();
    this.#waiting.push({ draft: { ...event, atUs: timeUs - this.#startUs, timeUs }, done: resolve, failed: reject });
    if (!this.#writing) {
      this.#writing = true;
      void this.#write();
    }
    return promise;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#failure !== null) throw this.#failure;
        await this.#store.append([this.#writer.seal(batch.map(({ draft }) => draft))]);
        for (const { done } of batch) done();
      } catch (error) {
        const failure = this.#fail(error);
        for (const { failed } of batch) failed(failure);
      }
    }
    this.#writing = false;
  }

  #fail(error: unknown): NotRecordedError {
    if (this.#failure !== null) return this.#failure;
    this.#failure = new NotRecordedError(error instanceof Error ? error : new Error(String(error)));
    for (const told of this.#failed.splice(0)) told(this.#failure);
    return this.#failure;
  }
}
