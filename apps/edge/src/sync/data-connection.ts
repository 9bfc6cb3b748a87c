import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { giveBack, packHead } from '@sigma/recorder';

/** Where a hub takes packs of this link. */
export interface DataPortOffer {
  readonly port: number;
  /** Empty: at the host of the hub. */
  readonly url: string;
  readonly key: Uint8Array;
}

export interface DataConnectionOptions {
  /** Of the hub: `http:` or `https:`. */
  readonly hubUrl: string;
  /** It could not be had, or ended by itself: told once for each offer. */
  readonly failed: (url: string, why: string) => void;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** After one that failed, packs go on the link for so long, and after each that follows soon for twice as long. */
const AGAIN_MS = 10_000;
const MOST_AGAIN_MS = 640_000;

/**
 * Takes packs of a backlog to the hub beside the link (recorder/SPEC.md R197), from the thread that reads them: the link,
 * and whoever waits for a frame of the moment on either end of it, has nothing to do with them. Where it cannot be had,
 * because a firewall stands in between, or a proxy that keeps what is to be passed on, packs go on the link.
 */
export class DataConnection {
  readonly #options: DataConnectionOptions;
  #offer: { readonly url: URL; readonly key: Uint8Array; told: boolean } | null = null;
  #request: ClientRequest | null = null;
  #open = false;
  #number = 0;
  /** The first number of this connection. */
  #first = 1;
  #openedMs = 0;
  #againMs = AGAIN_MS;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: DataConnectionOptions) {
    this.#options = options;
  }

  offered(offer: DataPortOffer): void {
    this.lost();
    const url = placeOf(offer, this.#options.hubUrl);
    if (url === null) return;
    this.#offer = { url, key: offer.key, told: false };
    this.#againMs = AGAIN_MS;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param pack is gone when it has left
   * @returns its number; null where there is no such connection now
   */
  send(pack: Uint8Array): number | null {
    const request = this.#request;
    if (request === null || !this.#open) {
      this.#connect();
      return null;
    }
    const number = ++this.#number;
    request.write(packHead(number, pack.length));
    request.write(pack, () => giveBack(pack.buffer));
    return number;
  }

  /** The hub says that a pack has not come: whoever let this connection be opened does not pass on what is sent. */
  missed(number: number, why: string): void {
    if (this.#open && number >= this.#first) this.#fail(why);
  }

  /** The link is gone, and what was offered on it. */
  lost(): void {
    this.#offer = null;
    this.#number = 0;
    this.#end();
  }

  #connect(): void {
    const offer = this.#offer;
    if (offer === null || this.#request !== null || this.#options.nowMs() < this.#notBeforeMs) return;
    const { url, key } = offer;
    const headers = {
      authorization: `Bearer ${Buffer.from(key).toString('hex')}`,
      'content-type': 'application/octet-stream',
      expect: '100-continue',
    };
    const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = ask(url, { method: 'POST', headers, agent: false });
    this.#request = request;
    this.#openedMs = this.#options.nowMs();
    const fail = (why: string): void => {
      if (this.#request === request) this.#fail(why);
    };
    request.on('continue', () => {
      this.#open = this.#request === request;
      this.#first = this.#number + 1;
    });
    request.on('response', (response) => {
      response.resume();
      fail(`it answers ${response.statusCode}`);
    });
    request.on('error', (error) => fail(error.message));
    request.on('close', () => fail('it has ended'));
    request.flushHeaders();
  }

  #fail(why: string): void {
    this.#end();
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#openedMs > this.#againMs) this.#againMs = AGAIN_MS;
    this.#notBeforeMs = nowMs + this.#againMs;
    this.#againMs = Math.min(2 * this.#againMs, MOST_AGAIN_MS);
    const offer = this.#offer;
    if (offer === null || offer.told) return;
    offer.told = true;
    this.#options.failed(offer.url.origin, why);
  }

  #end(): void {
    const request = this.#request;
    this.#request = null;
    this.#open = false;
    request?.destroy();
  }
}

/** @returns null where it would not be as safe as the link is, or is no address */
function placeOf({ port, url }: DataPortOffer, hubUrl: string): URL | null {
  if (!URL.canParse(hubUrl) || (url !== '' && !URL.canParse(url))) return null;
  const hub = new URL(hubUrl);
  // Behind a proxy that ends TLS stands no other port of its own.
  if (url === '' && hub.protocol === 'https:') return null;
  const place = new URL(url === '' ? `http://${hub.hostname}:${port}/packs` : url);
  return place.protocol === 'https:' || (place.protocol === 'http:' && hub.protocol === 'http:') ? place : null;
}
