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

/** After one that failed, packs go on the link for so long. */
const AGAIN_MS = 10_000;

/**
 * Takes packs of a backlog to the hub beside the link (recorder/SPEC.md R197), from the thread that reads them: the link,
 * and whoever waits for a frame of the moment on either end of it, has nothing to do with them. Where it cannot be had,
 * because a firewall or a proxy stands in between, packs go on the link.
 */
export class DataConnection {
  readonly #options: DataConnectionOptions;
  #offer: { readonly url: URL; readonly key: Uint8Array; told: boolean } | null = null;
  #request: ClientRequest | null = null;
  #open = false;
  #number = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: DataConnectionOptions) {
    this.#options = options;
  }

  offered(offer: DataPortOffer): void {
    this.lost();
    const url = placeOf(offer, this.#options.hubUrl);
    if (url === null) return;
    this.#offer = { url, key: offer.key, told: false };
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
    const fail = (why: string): void => {
      if (this.#request !== request) return;
      this.#end();
      this.#notBeforeMs = this.#options.nowMs() + AGAIN_MS;
      if (!offer.told) this.#options.failed(url.origin, why);
      offer.told = true;
    };
    request.on('continue', () => {
      this.#open = this.#request === request;
    });
    request.on('response', (response) => {
      response.resume();
      fail(`it answers ${response.statusCode}`);
    });
    request.on('error', (error) => fail(error.message));
    request.on('close', () => fail('it has ended'));
    request.flushHeaders();
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
