import { hash } from 'node:crypto';
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

const TIMEOUT_MS = 60_000;

/**
 * An archive in a bucket of a server that speaks S3. Requests are signed (AWS Signature Version 4) by aws4fetch, and
 * bodies carry their SHA-256. That a key is new is asked of the server itself (`If-None-Match: *`); of a server that
 * does not know the question, what it holds afterwards is read back and compared.
 */
export function s3Objects(place: S3Place, access: S3Access): ObjectStore {
  const { bucket, prefix, region, endpoint } = place;
  const server = (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '');
  const client = new AwsClient({ ...credentials(access), service: 's3', region, retries: 3 });
  const address = `s3://${bucket}/${prefix}?${new URLSearchParams({ ...(endpoint && { endpoint }), region })}`;
  const base = `${server}/${bucket}`;
  const full = (key: string): string => (prefix === '' ? key : `${prefix}/${key}`);
  // Percent signs of a key are part of its name, so they are encoded once more on the way.
  const urlOf = (key: string): string =>
    `${base}/${full(checkedKey(key)).split('/').map(encodeURIComponent).join('/')}`;

  async function ask(method: string, url: string, body?: Uint8Array, headers: Record<string, string> = {}) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const sent = body === undefined ? {} : { body: new Uint8Array(body) };
      const answer = await client.fetch(url, { method, headers, signal, ...sent });
      return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
    } catch (error) {
      const why = (error as Error).cause instanceof Error ? ((error as Error).cause as Error).message : String(error);
      throw new ObjectStoreError(address, `cannot be reached (${why})`, 'Look after the server and try again');
    }
  }

  const get = async (key: string): Promise<Uint8Array | null> => {
    const { status, bytes } = await ask('GET', urlOf(key));
    if (status === 404 && codeOf(bytes) !== 'NoSuchBucket') return null;
    if (status !== 200) throw refused(address, status, bytes);
    return bytes;
  };

  return {
    address,
    get,
    putNew: async (key, bytes) => {
      if ((await ask('HEAD', urlOf(key))).status === 200) return 'exists';
      const headers = { 'if-none-match': '*', 'x-amz-content-sha256': hash('sha256', bytes) };
      const { status, bytes: said } = await ask('PUT', urlOf(key), bytes, headers);
      if (status === 412 || status === 409) return 'exists';
      if (status !== 200) throw refused(address, status, said);
      return 'written';
    },
    list: async (wanted) => {
      const keys: string[] = [];
      for (let token: string | null = ''; token !== null; ) {
        const query = new URLSearchParams({ 'list-type': '2', prefix: full(wanted) });
        if (token !== '') query.set('continuation-token', token);
        const { status, bytes } = await ask('GET', `${base}?${query}`);
        if (status !== 200) throw refused(address, status, bytes);
        const page = new TextDecoder().decode(bytes);
        const cut = prefix === '' ? 0 : prefix.length + 1;
        for (const [, key] of page.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(unescaped(key ?? '').slice(cut));
        token = page.match(/<NextContinuationToken>([^<]*)</)?.[1] ?? null;
        if (token !== null) token = unescaped(token);
      }
      return keys.sort();
    },
    remove: async (key) => {
      const { status, bytes } = await ask('DELETE', urlOf(key));
      if (status >= 300 && status !== 404) throw refused(address, status, bytes);
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
  XMinioStorageFull: 'Make room and archive again: it goes on where it stopped',
};

function refused(address: string, status: number, bytes: Uint8Array): ObjectStoreError {
  const code = codeOf(bytes);
  const what = `the server answers ${status}${code === '' ? '' : ` (${code})`}`;
  return new ObjectStoreError(address, what, WAYS_OUT[code] ?? 'Look after the server and try again');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
