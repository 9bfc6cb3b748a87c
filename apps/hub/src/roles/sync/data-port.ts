import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OutOfBandPack, PackReader } from '@sigma/recorder';

/** Bytes of one connection that may lie here before anybody asks for them: what the hub allows on a link, and a pack. */
const MOST_UNCLAIMED_BYTES = 17 * 1024 * 1024;
const CLAIM_MS = 10_000;
/** Behind a proxy that says itself that the way is open, a pack is told of before its connection has come. */
const CONNECT_MS = 1_000;
/** A port that an earlier life of this thread still has is free in a moment; one that is not by then is somebody else's. */
const LISTEN_AGAIN_MS = 1_000;
const OURS_MS = 10_000;
const BEARER = 'Bearer ';

/** A pack that was told of has not come. */
export class PackNotComeError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'PackNotComeError';
  }
}

interface Asked {
  readonly claimed: PromiseWithResolvers<Uint8Array<ArrayBuffer>>;
  late: NodeJS.Timeout;
}

/** What belongs to one link. */
interface Berth {
  readonly unclaimed: Map<number, Uint8Array<ArrayBuffer>>;
  readonly asked: Map<number, Asked>;
  bytes: number;
  from: IncomingMessage | null;
}

export interface DataPortOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whoever asks for a pack that does not come in that time is told so; 10 s unless named. */
  readonly claimMs?: number;
  /** How long a port that is taken may be one's own still; 10 s unless named. */
  readonly oursMs?: number;
}

/**
 * Where packs of backlogs come in on connections of their own (recorder/SPEC.md R197), one for each link: `POST /packs`
 * over HTTP/1.1, with the key of the link. Who expects `100` hears it; a proxy may have said it already. It keeps each
 * pack until it is claimed, reads no further where too much lies unclaimed, and trusts nothing of it: that is for whoever
 * takes the batch in.
 */
export class DataPort {
  readonly #options: DataPortOptions;
  readonly #berths = new Map<string, Berth>();
  readonly #server = createServer((request, response) => this.#open(request, response));
  #again: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: DataPortOptions) {
    this.#options = options;
    // One request lasts as long as its link.
    this.#server.requestTimeout = 0;
    this.#server.on('checkContinue', (request, response) => {
      if (this.#open(request, response)) response.writeContinue();
    });
  }

  /** @param heard its port, once it listens @param failed why it does not; where its port is taken it tries on */
  listen(heard: (port: number) => void, failed: (error: Error) => void): void {
    const { host, port, oursMs = OURS_MS } = this.#options;
    const againMs = Math.min(LISTEN_AGAIN_MS, oursMs);
    let waitedMs = 0;
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || port === 0) {
        failed(error);
        return;
      }
      if (this.#closed) return;
      if (waitedMs >= oursMs && waitedMs < oursMs + againMs)
        failed(new Error(`port ${port} is in use; choose another with --data-port`));
      waitedMs += againMs;
      this.#again = setTimeout(() => this.#server.listen(port, host), againMs);
    });
    this.#server.on('listening', () => heard((this.#server.address() as AddressInfo).port));
    this.#server.listen(port, host);
  }

  admit(key: string): void {
    this.#berths.set(key, { unclaimed: new Map(), asked: new Map(), bytes: 0, from: null });
  }

  /** Its link is gone. */
  revoke(key: string): void {
    const berth = this.#berths.get(key);
    this.#berths.delete(key);
    if (berth !== undefined) leave(berth, berth.from);
  }

  /**
   * @returns at once where it has come
   * @throws PackNotComeError where it does not come, or is not as long as the batch says
   */
  claim({ connection, number, bytes }: OutOfBandPack): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    const berth = this.#berths.get(connection);
    if (berth === undefined) throw new PackNotComeError('its data connection is gone');
    const pack = berth.unclaimed.get(number);
    if (pack !== undefined) {
      berth.unclaimed.delete(number);
      berth.bytes -= pack.length;
      if (berth.bytes < MOST_UNCLAIMED_BYTES) berth.from?.resume();
      if (pack.length !== bytes) throw wrongLength(number, pack.length, bytes);
      return pack;
    }
    const claimed = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    berth.asked.set(number, { claimed, late: this.#lateIn(berth, number, claimed) });
    return claimed.promise.then((come) => {
      if (come.length !== bytes) throw wrongLength(number, come.length, bytes);
      return come;
    });
  }

  #lateIn(berth: Berth, number: number, claimed: Asked['claimed']): NodeJS.Timeout {
    const { claimMs = CLAIM_MS } = this.#options;
    const waitMs = berth.from === null ? Math.min(claimMs, CONNECT_MS) : claimMs;
    return setTimeout(() => {
      berth.asked.delete(number);
      const gone = berth.from === null ? 'its data connection is not there' : `pack ${number} has not come`;
      claimed.reject(new PackNotComeError(`${gone} in ${waitMs / 1000} s`));
      leave(berth, berth.from);
    }, waitMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#again !== null) clearTimeout(this.#again);
    for (const key of [...this.#berths.keys()]) this.revoke(key);
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** @returns false where it was refused */
  #open(request: IncomingMessage, response: ServerResponse): boolean {
    const { authorization = '' } = request.headers;
    const berth = authorization.startsWith(BEARER) ? this.#berths.get(authorization.slice(BEARER.length)) : undefined;
    if (request.method !== 'POST' || request.url !== '/packs') {
      refuse(response, 404, 'POST /packs');
      return false;
    }
    if (berth === undefined) {
      refuse(response, 401, 'this key is of no link');
      return false;
    }
    // The newest wins, as of links.
    leave(berth, berth.from);
    berth.from = request;
    const reader = new PackReader((number, pack) => come(berth, number, pack));
    request.on('data', (bytes: Uint8Array) => {
      if (berth.from !== request) return;
      try {
        reader.push(bytes);
      } catch (error) {
        berth.from = null;
        forget(berth);
        refuse(response, 400, (error as Error).message);
      }
    });
    request.on('error', () => undefined);
    request.on('close', () => leave(berth, request));
    request.on('end', () => response.end());
    for (const [number, asked] of berth.asked) {
      clearTimeout(asked.late);
      asked.late = this.#lateIn(berth, number, asked.claimed);
    }
    return true;
  }
}

function come(berth: Berth, number: number, pack: Uint8Array<ArrayBuffer>): void {
  const asked = berth.asked.get(number);
  if (asked !== undefined) {
    berth.asked.delete(number);
    clearTimeout(asked.late);
    asked.claimed.resolve(pack);
    return;
  }
  berth.unclaimed.set(number, pack);
  berth.bytes += pack.length;
  if (berth.bytes >= MOST_UNCLAIMED_BYTES) berth.from?.pause();
}

/** A connection ends, where it is still this one: nothing more comes of what was asked for. What lies here is not lost. */
function leave(berth: Berth, from: IncomingMessage | null): void {
  if (from === null || berth.from !== from) return;
  berth.from = null;
  from.destroy();
  forget(berth);
}

function forget(berth: Berth): void {
  for (const { claimed, late } of berth.asked.values()) {
    clearTimeout(late);
    claimed.reject(new PackNotComeError('its data connection has ended'));
  }
  berth.asked.clear();
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { connection: 'close', 'content-type': 'text/plain' }).end(`${why}\n`);
}

const wrongLength = (number: number, come: number, said: number): PackNotComeError =>
  new PackNotComeError(`pack ${number} has ${come} bytes; its batch says ${said}`);
