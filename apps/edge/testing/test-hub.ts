import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  AgentLinkService,
  type ConnectRequest,
  type ConnectResponse,
  ConnectResponseSchema,
  type Hello,
  type Order,
  type OrderSchema,
  SignedOrderSchema,
} from '@sigma/proto';
import { orderSigner } from './signed-orders.ts';
import { PATIENCE_MS } from './until.ts';

type Frame = Exclude<ConnectRequest['frame'], { case: undefined }>;
type OrderInit = Exclude<MessageInitShape<typeof OrderSchema>, Order>;

const HEARTBEAT_MS = 50;

/** A hub as an edge sees one, over a real port: welcomes, beats, signs orders, remembers every frame. */
export class TestHub {
  readonly signer = orderSigner();
  readonly frames: Frame[] = [];
  readonly hellos: Hello[] = [];
  #server: Http2Server | null = null;
  #sessions = new Set<ServerHttp2Session>();
  #port = 0;
  #outgoing: ConnectResponse[] = [];
  #wake: () => void = () => {};
  #sequence = 0;
  #waiters: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Opens the port; the same one when it was open before. */
  async open(): Promise<this> {
    const handler = connectNodeAdapter({
      routes: (router) => router.service(AgentLinkService, { connect: (frames) => this.#serve(frames) }),
    });
    const server = createServer(handler);
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Gone from one moment to the next, as by a cut cable. */
  async vanish(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  order(order: Omit<OrderInit, 'order'> & { readonly order: NonNullable<OrderInit['order']> }): void {
    const nowUs = BigInt(Date.now()) * 1000n;
    const signed = this.signer.sign({
      tenant: 'acme',
      issuer: 'core',
      sequence: BigInt(++this.#sequence),
      issuedTimeUs: nowUs,
      expiresTimeUs: nowUs + BigInt(PATIENCE_MS) * 1_000n,
      ...order,
    });
    this.#push({ case: 'order', value: fromBinary(SignedOrderSchema, signed) });
  }

  of<Case extends Frame['case']>(kind: Case): Extract<Frame, { case: Case }>['value'][] {
    return this.frames.flatMap((frame) => (frame.case === kind ? [frame.value] : [])) as never;
  }

  /** Resolves as soon as a frame makes `condition` true; fails when that takes far too long. */
  async until(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error(`waited in vain for: ${what}`)), PATIENCE_MS);
    this.#waiters.push({ until: condition, resolve });
    await promise.finally(() => clearTimeout(late));
  }

  #push(frame: Exclude<MessageInitShape<typeof ConnectResponseSchema>['frame'], undefined>): void {
    this.#outgoing.push(create(ConnectResponseSchema, { frame }));
    this.#wake();
  }

  async *#serve(frames: AsyncIterable<ConnectRequest>): AsyncGenerator<ConnectResponse> {
    let heard = 0n;
    let beat = 0n;
    let open = true;
    const read = async () => {
      for await (const { frame } of frames) {
        if (frame.case === undefined) continue;
        if (frame.case === 'heartbeat') heard = frame.value.sequence;
        if (frame.case === 'hello') this.hellos.push(frame.value);
        this.frames.push(frame);
        const due = this.#waiters.filter(({ until }) => until());
        this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
        for (const { resolve } of due) resolve();
      }
    };
    const reading = read()
      .catch(() => undefined)
      .finally(() => {
        open = false;
        this.#wake();
      });
    const { x = '' } = this.signer.publicKey.export({ format: 'jwk' });
    const orderKey = new Uint8Array(Buffer.from(x, 'base64url'));
    yield create(ConnectResponseSchema, {
      frame: { case: 'welcome', value: { hub: 'test', orderKey, heartbeatUs: BigInt(HEARTBEAT_MS * 1000) } },
    });
    const beats = setInterval(
      () => this.#push({ case: 'heartbeat', value: { sequence: ++beat, heard } }),
      HEARTBEAT_MS,
    );
    try {
      while (open) {
        const next = this.#outgoing.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      clearInterval(beats);
      this.#outgoing = [];
      await reading;
    }
  }
}
