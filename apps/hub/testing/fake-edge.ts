import assert from 'node:assert/strict';
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  AgentLinkService,
  type ConnectRequest,
  ConnectRequestSchema,
  type ConnectResponse,
  type DataPortOffered,
  type Order,
  OrderSchema,
  type Welcome,
} from '@sigma/proto';
import { isSignedBy } from '../src/index.ts';

type Frame = Exclude<MessageInitShape<typeof ConnectRequestSchema>['frame'], undefined>;

export interface FakeEdgeOptions {
  readonly url: string;
  readonly joinToken: string;
  readonly tenant?: string;
  readonly edgeId?: string;
  readonly agentIds: readonly string[];
  readonly epoch?: number;
  readonly capabilities?: readonly string[];
  /** Wall time at which the time of its agents was 0; 0: it does not say. */
  readonly epochTimeUs?: number;
  /** What it says to an order; accepts everything otherwise. null: does not answer. */
  readonly answers?: (order: Order) => { accepted: boolean; reason: string } | null;
}

export const STATE_SCHEMA = {
  channel: 'state',
  fields: [
    { name: 'xM', unit: 'm' },
    { name: 'yM', unit: 'm' },
    { name: 'headingRad', unit: 'rad' },
    { name: 'speedMps', unit: 'm/s' },
    { name: 'charge', unit: '1' },
    { name: 'motorC', unit: 'degC', low: 0, high: 80 },
  ],
};
export const TRACKS_SCHEMA = {
  channel: 'tracks',
  fields: ['id', 'kind', 'xM', 'yM'].map((name) => ({ name, unit: '' })),
};

/** A small honest edge over real gRPC: checks every signature, answers every order, thinks nothing. */
export class FakeEdge {
  readonly orders: Order[] = [];
  /** What the hub said of sync. */
  readonly synced: Extract<ConnectResponse['frame'], { case: 'chainsHeld' | 'blocksAnswered' }>[] = [];
  /** Where it was told that packs may come, the newest last. */
  readonly dataPorts: DataPortOffered[] = [];
  /** Orders whose signature did not hold. */
  forged = 0;
  welcome: Welcome | null = null;
  refusal = '';
  failure: unknown = null;
  readonly ended: Promise<void>;
  readonly #options: FakeEdgeOptions;
  readonly #abort = new AbortController();
  readonly #out: ConnectRequest[] = [];
  readonly #sequences = new Map<string, bigint>();
  #wake: (() => void) | null = null;
  #closed = false;
  #heard: (() => void)[] = [];

  constructor(options: FakeEdgeOptions) {
    this.#options = options;
    this.send({
      case: 'hello',
      value: {
        tenant: options.tenant ?? 'acme',
        edgeId: options.edgeId ?? 'edge-1',
        agents: options.agentIds.map((agentId) => ({
          agentId,
          epoch: options.epoch ?? 1,
          role: 'carrier',
          body: 'carrier',
          epochTimeUs: BigInt(options.epochTimeUs ?? 0),
          capabilities: [...(options.capabilities ?? ['drive'])],
        })),
        channels: [STATE_SCHEMA, TRACKS_SCHEMA],
        software: 'fake-edge',
        timeUs: 0n,
      },
    });
    this.ended = this.#run();
  }

  send(frame: Frame): void {
    this.#out.push(create(ConnectRequestSchema, { frame }));
    this.#wake?.();
  }

  /** One row of telemetry with the next sequence, now. */
  telemetry(
    agentId: string,
    channel: string,
    values: readonly number[],
    over: { sequence?: bigint; timeUs?: bigint } = {},
  ): void {
    const key = `${agentId} ${channel}`;
    const sequence = over.sequence ?? (this.#sequences.get(key) ?? 0n) + 1n;
    this.#sequences.set(key, sequence);
    const timeUs = over.timeUs ?? BigInt(Date.now()) * 1000n;
    this.send({
      case: 'telemetry',
      value: {
        agentId,
        channel,
        sequence,
        atUs: timeUs,
        timeUs,
        values: [...values],
        inputSequence: sequence,
        epoch: this.#options.epoch ?? 1,
      },
    });
  }

  status(agentId: string, over: Partial<Extract<Frame, { case: 'status' }>['value']> = {}): void {
    const value = { agentId, mode: 'automatic', chain: 'primary', stop: 'none', ...over };
    this.send({ case: 'status', value: value as Extract<Frame, { case: 'status' }>['value'] });
  }

  /** The first order that fits, now or when it comes. */
  async order(fits: (order: Order) => boolean): Promise<Order> {
    for (;;) {
      const found = this.orders.find(fits);
      if (found !== undefined) return found;
      await this.#next();
    }
  }

  /** So many words of sync have come. */
  async syncedUpTo(count: number): Promise<void> {
    while (this.synced.length < count) await this.#next();
  }

  /** So many data ports were offered. */
  async offered(count: number): Promise<DataPortOffered> {
    while (this.dataPorts.length < count) await this.#next();
    return this.dataPorts[count - 1] as DataPortOffered;
  }

  async linked(): Promise<Welcome> {
    while (this.welcome === null) {
      assert.equal(this.refusal, '');
      await this.#next();
    }
    return this.welcome;
  }

  /** Hangs up without a word, as a network does. */
  async cut(): Promise<void> {
    this.#closed = true;
    this.#abort.abort();
    await this.ended;
  }

  async #run(): Promise<void> {
    const transport = createGrpcTransport({ baseUrl: this.#options.url });
    const client = createClient(AgentLinkService, transport);
    const headers = { authorization: `Bearer ${this.#options.joinToken}` };
    try {
      for await (const { frame } of client.connect(this.#frames(), { headers, signal: this.#abort.signal })) {
        if (frame.case === 'welcome') this.welcome = frame.value;
        if (frame.case === 'refused') this.refusal = frame.value.reason;
        // An edge that says nothing for long is given up; this one says at least that it lives.
        if (frame.case === 'heartbeat') this.send({ case: 'heartbeat', value: { sequence: frame.value.sequence } });
        if (frame.case === 'chainsHeld' || frame.case === 'blocksAnswered') this.synced.push(frame);
        if (frame.case === 'dataPortOffered') this.dataPorts.push(frame.value);
        if (frame.case === 'order') this.#take(frame.value.order, frame.value.signature);
        this.#tell();
      }
    } catch (error) {
      if (!this.#closed) this.failure = error;
    } finally {
      this.#closed = true;
      this.#wake?.();
      this.#tell();
    }
  }

  #take(bytes: Uint8Array, signature: Uint8Array): void {
    if (!isSignedBy(this.welcome?.orderKey as Uint8Array, bytes, signature)) {
      this.forged++;
      return;
    }
    const order = fromBinary(OrderSchema, bytes);
    this.orders.push(order);
    const answer = (this.#options.answers ?? (() => ({ accepted: true, reason: '' })))(order);
    const { agentId, issuer, sequence } = order;
    if (answer !== null) this.send({ case: 'answer', value: { agentId, issuer, sequence, ...answer } });
  }

  async *#frames(): AsyncGenerator<ConnectRequest> {
    while (!this.#closed) {
      const frame = this.#out.shift();
      if (frame !== undefined) {
        yield frame;
        continue;
      }
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  #next(): Promise<void> {
    if (this.#closed && this.#out.length === 0)
      throw new Error(`the link has ended (${String(this.failure ?? this.refusal)})`);
    return new Promise((heard) => this.#heard.push(heard));
  }

  #tell(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const tell of heard) tell();
  }
}
