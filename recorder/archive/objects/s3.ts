import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { checkedKey, type ObjectStore, ObjectStoreError } from './object-store.ts';

export interface S3Access {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Place {
  readonly bucket: string;
  /** Key prefix without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Address of the server; that of AWS in the region when absent. Buckets are addressed by path. */
  readonly endpoint?: string | undefined;
  readonly region: string;
}

/** `s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-central-1`. @throws RangeError */
export function parseS3Address(address: string): S3Place {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || url.protocol !== 's3:' || url.hostname === '' || url.username !== '') {
    throw new RangeError(`'${address}' is no address of a bucket: give s3://bucket/prefix?endpoint=URL&region=NAME`);
  }
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))) {
    throw new RangeError(`'${endpoint}' is no http or https address of an S3 server`);
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  return { bucket: url.hostname, prefix, endpoint, region: url.searchParams.get('region') ?? 'us-east-1' };
}

/** A connection on which nothing moves for so long is given up. */
const IDLE_MS = 60_000;
/** The slowest line that is waited for when something is sent: 100 kB a second. */
const MS_FOR_BYTE = 0.01;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const MOST_PAUSE_MS = 10_000;

/** What is tried again: the server is busy or fails, or the connection does. */
const isPassing = (status: number, code: string): boolean =>
  status >= 500 || status === 429 || code === 'RequestTimeout' || code === 'SlowDown';

export interface S3Patience {
  /** Waits; a test does not. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly idleMs: number;
  /** At least 0, below 1. */
  readonly chance: () => number;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
}

const PATIENCE: S3Patience = { pause: sleep, idleMs: IDLE_MS, chance: Math.random, nowMs: Date.now };

/**
 * An archive in a bucket of a server that speaks S3. Requests are signed (AWS Signature Version 4) by aws4fetch, and
 * bodies carry their SHA-256. That a key is new is asked of the server itself (`If-None-Match: *`); of a server that
 * does not know the question, what it holds afterwards is read back and compared. An object is sent in one piece: it has
 * 48 MB of blocks at most, and S3 takes 5 GB so. What fails in passing is tried six times in all, with pauses that
 * double from 0.2 s to 10 s, each shortened by chance so that not everybody comes back at once.
 */
export function s3Objects(
  place: S3Place,
  access: S3Access,
  { pause, idleMs, chance, nowMs }: S3Patience = PATIENCE,
): ObjectStore {
  const { bucket, prefix, region, endpoint } = place;
  const server = (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '');
  const client = new AwsClient({ ...credentials(access), service: 's3', region, retries: 0 });
  const address = `s3://${bucket}/${prefix}?${new URLSearchParams({ ...(endpoint && { endpoint }), region })}`;
  const base = `${server}/${bucket}`;
  const full = (key: string): string => (prefix === '' ? key : `${prefix}/${key}`);
  // Percent signs of a key are part of its name, so they are encoded once more on the way.
  const urlOf = (key: string): string =>
    `${base}/${full(checkedKey(key)).split('/').map(encodeURIComponent).join('/')}`;

  /** One try. Each is signed anew: a signature is good for some minutes only. */
  async function once(method: string, url: string, body: Uint8Array | undefined, headers: Record<string, string>) {
    const idle = new AbortController();
    const giveUp = (): void => idle.abort(new Error(`nothing came for ${idleMs / 1000} s`));
    let timer = setTimeout(giveUp, idleMs + (body?.length ?? 0) * MS_FOR_BYTE);
    try {
      const sent = body === undefined ? {} : { body: new Uint8Array(body) };
      const answer = await client.fetch(url, { method, headers, signal: idle.signal, ...sent });
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, idleMs);
        chunks.push(chunk as Uint8Array);
      }
      return { status: answer.status, bytes: new Uint8Array(Buffer.concat(chunks)), date: answer.headers.get('date') };
    } finally {
      clearTimeout(timer);
    }
  }

  async function ask(method: string, url: string, body?: Uint8Array, headers: Record<string, string> = {}) {
    for (let attempt = 1; ; attempt++) {
      const last = attempt === ATTEMPTS;
      try {
        const answer = await once(method, url, body, headers);
        if (last || !isPassing(answer.status, codeOf(answer.bytes))) return answer;
      } catch (error) {
        const why = (error as Error).cause instanceof Error ? ((error as Error).cause as Error).message : String(error);
        const what = `cannot be reached (${why}), ${attempt} times in a row`;
        if (last) throw new ObjectStoreError(address, what, 'Look after the server and try again', { cause: error });
      }
      const most = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
      await pause(most * (0.5 + chance() / 2));
    }
  }

  const get = async (key: string): Promise<Uint8Array | null> => {
    const answer = await ask('GET', urlOf(key));
    if (answer.status === 404 && codeOf(answer.bytes) !== 'NoSuchBucket') return null;
    if (answer.status !== 200) throw refused(address, answer, nowMs());
    return answer.bytes;
  };

  return {
    address,
    get,
    putNew: async (key, bytes) => {
      if ((await ask('HEAD', urlOf(key))).status === 200) return 'exists';
      const headers = { 'if-none-match': '*', 'x-amz-content-sha256': hash('sha256', bytes) };
      const answer = await ask('PUT', urlOf(key), bytes, headers);
      if (answer.status === 412 || answer.status === 409) return 'exists';
      if (answer.status !== 200) throw refused(address, answer, nowMs());
      return 'written';
    },
    list: async (wanted) => {
      const keys: string[] = [];
      for (let token: string | null = ''; token !== null; ) {
        const query = new URLSearchParams({ 'list-type': '2', prefix: full(wanted) });
        if (token !== '') query.set('continuation-token', token);
        const answer = await ask('GET', `${base}?${query}`);
        if (answer.status !== 200) throw refused(address, answer, nowMs());
        const page = new TextDecoder().decode(answer.bytes);
        const cut = prefix === '' ? 0 : prefix.length + 1;
        for (const [, key] of page.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(unescaped(key ?? '').slice(cut));
        token = page.match(/<NextContinuationToken>([^<]*)</)?.[1] ?? null;
        if (token !== null) token = unescaped(token);
      }
      return keys.sort();
    },
    remove: async (key) => {
      const answer = await ask('DELETE', urlOf(key));
      if (answer.status >= 300 && answer.status !== 404) throw refused(address, answer, nowMs());
    },
  };
}

const credentials = ({ accessKeyId, secretAccessKey, sessionToken }: S3Access) =>
  sessionToken === undefined ? { accessKeyId, secretAccessKey } : { accessKeyId, secretAccessKey, sessionToken };

const codeOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).match(/<Code>([^<]*)</)?.[1] ?? '';

const WAYS_OUT: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Make the bucket, or name another one',
  AccessDenied: 'Give this access key the right to read, write and list there',
  InvalidAccessKeyId: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of this server',
  SignatureDoesNotMatch: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of this server',
  ExpiredToken: 'Get a new session, and set AWS_SESSION_TOKEN and the keys that came with it',
  RequestTimeTooSkewed: "Set this machine's clock (NTP): S3 takes what was signed within 15 minutes only",
  XMinioStorageFull: 'Make room and archive again: it goes on where it stopped',
};

interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** What time it is for the server. */
  readonly date: string | null;
}

function refused(address: string, { status, bytes, date }: Answer, nowMs: number): ObjectStoreError {
  const code = codeOf(bytes);
  const apartS = Math.round((Date.parse(date ?? '') - nowMs) / 1000);
  const skewed = code === 'RequestTimeTooSkewed' && Number.isFinite(apartS);
  const clocks = skewed ? `; its clock is ${Math.abs(apartS)} s ${apartS < 0 ? 'behind' : 'ahead of'} this one's` : '';
  const what = `the server answers ${status}${code === '' ? '' : ` (${code})`}${clocks}`;
  return new ObjectStoreError(address, what, WAYS_OUT[code] ?? 'Look after the server and try again');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
