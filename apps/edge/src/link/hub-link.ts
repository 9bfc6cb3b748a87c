import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createClient, type Transport } from '@connectrpc/connect';
import {
  AgentLinkService,
  type BlocksAnswered,
  type ChainsHeld,
  type ConnectRequest,
  ConnectRequestSchema,
  type ConnectResponse,
  type DataPortOffered,
  type EventsAheadAnswered,
  HeartbeatSchema,
  HelloSchema,
  OrderSchema,
  SignedOrderSchema,
} from '@sigma/proto';
import { answerOf, offerOf } from '@sigma/recorder';
import type { Uplink } from '../runtime/uplink.ts';
import type { HeadWord } from '../witness/edge-witness.ts';
import { type QueueLimits, type ShedCounts, UplinkQueue } from './uplink-queue.ts';

export interface HubLinkOptions {
  readonly transport: Transport;
  readonly joinToken: string;
  /** First frame of every connection; asked anew each time, since it carries the time. */
  readonly hello: () => MessageInitShape<typeof HelloSchema>;
  readonly onKey: (key: Uint8Array) => void;
  readonly onHeard: () => void;
  readonly onOrder: (agentId: string, signedOrder: Uint8Array) => void;
  readonly onState: (state: LinkState) => void;
  /** Where heads of recordings go; absent: this edge has no witness. */
  readonly witness?: {
    /** @param key 32 bytes, or none of a hub that does not witness */
    readonly onKey: (key: Uint8Array) => void;
    readonly onWord: (word: HeadWord) => void;
  };
  /** Where blocks of the recording come from; absent: they stay here. */
  readonly sync?: {
    readonly linked: (orderKey: Uint8Array) => void;
    readonly held: (frame: ChainsHeld) => void;
    readonly answered: (frame: BlocksAnswered) => void;
    readonly aheadAnswered?: (frame: EventsAheadAnswered) => void;
    readonly offered?: (frame: DataPortOffered) => void;
    /** The next frame of blocks, if one waits; `wake` the link when there is one. */
    readonly next: () => ConnectRequest | undefined;
  };
  readonly wallUs: () => number;
  /** 0 inclusive to 1 exclusive; spreads the reconnections of a fleet. */
  readonly random: () => number;
  readonly limits?: QueueLimits;
  readonly backoff?: Backoff;
}

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

export type LinkState =
  | { readonly type: 'connected'; readonly hub: string }
  | { readonly type: 'lost'; readonly reason: string };

export interface LinkStats {
  readonly connected: boolean;
  readonly connections: number;
  readonly sent: number;
  readonly waiting: number;
  readonly shed: ShedCounts;
  readonly lastError: string;
}

const BACKOFF: Backoff = { firstMs: 200, mostMs: 10_000 };
const DEFAULT_HEARTBEAT_MS = 100;
/** Heartbeats that may be missing before the stream counts as dead. */
const MISSED_BEATS = 4;
/** Time for a connection to be welcomed. */
const WELCOME_MS = 5_000;
/** Frames without a word of the hub beyond which telemetry waits in the queue, where it can be shed. */
const MOST_UNHEARD = 16_384;
/** Frames of the moment that may pass before one with blocks of the recording, when one waits (SPEC R125). */
const FRAMES_BEFORE_BLOCKS = 31;

/**
 * The one stream to the hub. It connects, says hello, beats, hands orders in, and drains the queue; when the stream
 * ends it tries again after a growing, jittered pause ("full jitter", M. Brooker, Exponential Backoff and Jitter, 2015).
 *
 * What was sent and not yet heard (the hub's heartbeat names the last of ours that it heard) goes out again on the next
 * connection, telemetry and statuses excepted, which the next ones replace, and heads and blocks of the recording, which are shown
 * and sent anew. So each frame arrives at least once, and
 * those that could arrive twice carry what tells them apart: decision and order sequences, agent time of an event.
 */
export class HubLink {
  readonly #options: HubLinkOptions;
  readonly #queue: UplinkQueue;
  readonly #closing = new AbortController();
  #wake: () => void = () => {};
  #unheard: { readonly beat: number; readonly uplink: Uplink }[] = [];
  #beat = 0;
  #heardBeat = 0;
  #heardAtMs = 0;
  #connected = false;
  #connections = 0;
  #sent = 0;
  #lastError = '';
  #running: Promise<void> | null = null;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #beatDue = false;
  #sinceBlocks = 0;

  constructor(options: HubLinkOptions) {
    this.#options = options;
    this.#queue = new UplinkQueue(options.limits);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  send(frames: readonly Uplink[]): void {
    for (const frame of frames) this.#queue.push(frame);
    this.#wake();
  }

  /** Blocks wait to be sent. */
  wake(): void {
    this.#wake();
  }

  stats(): LinkStats {
    return {
      connected: this.#connected,
      connections: this.#connections,
      sent: this.#sent,
      waiting: this.#queue.size + this.#unheard.length,
      shed: { ...this.#queue.shed },
      lastError: this.#lastError,
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { firstMs, mostMs } = this.#options.backoff ?? BACKOFF;
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const before = this.#connections;
      const reason = await this.#connect();
      this.#lastError = reason;
      if (this.#connected) this.#options.onState({ type: 'lost', reason });
      this.#connected = false;
      failures = this.#connections > before ? 0 : failures + 1;
      this.#queue.putBack(this.#unheard.map(({ uplink }) => uplink).filter(worthRepeating));
      this.#unheard = [];
      await this.#pause(this.#options.random() * Math.min(mostMs, firstMs * 2 ** failures));
    }
  }

  /** One connection, to its end. @returns why it ended */
  async #connect(): Promise<string> {
    const { transport, joinToken } = this.#options;
    const stream = new AbortController();
    const end = () => stream.abort();
    this.#closing.signal.addEventListener('abort', end);
    this.#beat = 0;
    this.#heardBeat = 0;
    this.#heardAtMs = performance.now();
    const watch = setInterval(() => {
      const silentMs = performance.now() - this.#heardAtMs;
      const patienceMs = this.#connected ? this.#heartbeatMs * MISSED_BEATS + 500 : WELCOME_MS;
      if (silentMs > patienceMs) stream.abort(new Error('the hub is silent'));
      this.#beatDue = true;
      this.#wake();
    }, this.#heartbeatMs);
    try {
      const client = createClient(AgentLinkService, transport);
      const answers = client.connect(this.#frames(stream.signal), {
        headers: { authorization: `Bearer ${joinToken}` },
        signal: stream.signal,
      });
      for await (const answer of answers) {
        const refusal = this.#hear(answer);
        if (refusal !== null) return refusal;
      }
      return 'the hub ended the stream';
    } catch (error) {
      return stream.signal.reason instanceof Error && !this.#closing.signal.aborted
        ? stream.signal.reason.message
        : (error as Error).message;
    } finally {
      clearInterval(watch);
      this.#closing.signal.removeEventListener('abort', end);
      stream.abort();
      this.#wake();
    }
  }

  /** @returns the hub's reason for refusing this edge, or null */
  #hear({ frame }: ConnectResponse): string | null {
    this.#heardAtMs = performance.now();
    switch (frame.case) {
      case 'welcome':
        if (frame.value.heartbeatUs > 0n) this.#heartbeatMs = Math.max(10, Number(frame.value.heartbeatUs) / 1000);
        this.#connected = true;
        this.#connections++;
        this.#options.onKey(frame.value.orderKey);
        this.#options.witness?.onKey(frame.value.witnessKey);
        this.#options.onHeard();
        this.#options.onState({ type: 'connected', hub: frame.value.hub });
        this.#options.sync?.linked(frame.value.orderKey);
        this.#wake();
        return null;
      case 'heartbeat':
        this.#heardBeat = Number(frame.value.sequence);
        this.#unheard = this.#unheard.filter(({ beat }) => beat >= Number(frame.value.heard));
        this.#options.onHeard();
        return null;
      case 'order': {
        const agentId = addressee(frame.value.order);
        this.#options.onOrder(agentId, toBinary(SignedOrderSchema, frame.value));
        return null;
      }
      case 'headOffered':
        this.#options.witness?.onWord({ type: 'offered', offer: offerOf(frame.value) });
        return null;
      case 'headAnswered':
        this.#options.witness?.onWord({ type: 'answered', answer: answerOf(frame.value) });
        return null;
      case 'chainsHeld':
        this.#options.sync?.held(frame.value);
        return null;
      case 'blocksAnswered':
        this.#options.sync?.answered(frame.value);
        return null;
      case 'eventsAheadAnswered':
        this.#options.sync?.aheadAnswered?.(frame.value);
        return null;
      case 'dataPortOffered':
        this.#options.sync?.offered?.(frame.value);
        return null;
      case 'refused':
        return `the hub refuses this edge: ${frame.value.reason}`;
      default:
        return null;
    }
  }

  /** Hello, then frames and heartbeats as they come. Pulled by the stream, so a slow network fills only our own queue. */
  async *#frames(signal: AbortSignal): AsyncIterable<ConnectRequest> {
    yield create(ConnectRequestSchema, { frame: { case: 'hello', value: create(HelloSchema, this.#options.hello()) } });
    while (!signal.aborted) {
      if (this.#beatDue && this.#connected) {
        this.#beatDue = false;
        const value = create(HeartbeatSchema, {
          sequence: BigInt(++this.#beat),
          timeUs: BigInt(this.#options.wallUs()),
          heard: BigInt(this.#heardBeat),
        });
        yield create(ConnectRequestSchema, { frame: { case: 'heartbeat', value } });
        continue;
      }
      const blocks = this.#connected ? this.#blocksDue() : undefined;
      if (blocks !== undefined) {
        yield blocks;
        continue;
      }
      const next = this.#connected && this.#unheard.length < MOST_UNHEARD ? this.#queue.shift() : undefined;
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#unheard.push({ beat: this.#beat, uplink: next });
      this.#sent++;
      this.#sinceBlocks++;
      yield create(ConnectRequestSchema, { frame: next.frame });
    }
  }

  /** Blocks give way to frames of the moment, and these to blocks now and then. */
  #blocksDue(): ConnectRequest | undefined {
    const crowded = this.#queue.size > 0 && this.#unheard.length < MOST_UNHEARD;
    if (crowded && this.#sinceBlocks < FRAMES_BEFORE_BLOCKS) return undefined;
    const blocks = this.#options.sync?.next();
    if (blocks !== undefined) this.#sinceBlocks = 0;
    return blocks;
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }
}

/** Frames that the next one replaces, or that belong to the talk of one connection. */
const PASSING = new Set<string>(['telemetry', 'status', 'headOffered', 'headAnswered']);
const worthRepeating = ({ frame }: Uplink): boolean => !PASSING.has(frame.case);

/** Whom an order names, so that it reaches the right body; the body's own door believes nothing that is not signed. */
function addressee(order: Uint8Array): string {
  try {
    return fromBinary(OrderSchema, order).agentId;
  } catch {
    return '';
  }
}
