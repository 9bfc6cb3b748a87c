import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { checkHubUrl, type Environment } from './environment.ts';
import { CommandError, EXIT } from './outcome.ts';

/** What this machine knows of its hub; kept where only its owner reads it. */
export interface Credentials {
  readonly url: string;
  /** For edges and feeds. */
  readonly joinToken: string;
  readonly email: string;
  /** A person's session, or null until somebody signs in. */
  readonly session: string | null;
}

const FILE = 'credentials.json';
const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Where the tokens of a hub lie that runs on this machine. */
export const credentialsPath = (dataDir: string): string => join(dataDir, FILE);

export function readCredentials(dataDir: string): Credentials | null {
  try {
    return JSON.parse(readFileSync(credentialsPath(dataDir), 'utf8')) as Credentials;
  } catch {
    return null;
  }
}

export function writeCredentials(dataDir: string, credentials: Credentials): string {
  const path = credentialsPath(dataDir);
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(path, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/**
 * Signs a person in.
 *
 * @returns the session's token
 * @throws CommandError when the hub does not answer or does not accept the password
 */
export async function signIn(url: string, email: string, password: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${url}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ email, password }),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  const token = response.headers.get('set-auth-token');
  if (response.ok && token !== null) return token;
  const wayOut = response.status === 429 ? 'Too many attempts: wait a minute' : 'Check e-mail and password';
  throw new CommandError(EXIT.refused, `${url} does not sign in ${email} (${response.status})`, wayOut);
}

const unreachable = (url: string, cause: unknown): CommandError =>
  new CommandError(
    EXIT.unreachable,
    `no hub answers at ${url}`,
    'Start one with `sigma up`, or name another with --hub or SIGMA_HUB',
    { cause },
  );

export interface HubFlags {
  readonly hub?: string;
}

/** A hub to talk to, as a person or as a feed. */
export interface HubAccess {
  readonly url: string;
  /** @param as `person` for everything that people do, `feed` for telemetry */
  readonly client: <Service extends DescService>(service: Service, as?: 'person' | 'feed') => Client<Service>;
  /**
   * Runs calls and turns what goes wrong into a failure that names the way out.
   *
   * @param elsewise the way out where something does not stand as the order took it to stand
   */
  readonly attempt: <Result>(calls: () => Promise<Result>, elsewise?: string) => Promise<Result>;
}

export function openHub({ hub }: HubFlags, environment: Environment): HubAccess {
  const known = readCredentials(environment.dataDir);
  const url = hub === undefined ? (environment.hubUrl ?? known?.url ?? DEFAULT_URL) : checkHubUrl(hub, '--hub');
  const session = environment.token ?? known?.session ?? null;
  const transports = {
    person: transportOf(url, session),
    feed: transportOf(url, environment.joinToken ?? known?.joinToken ?? null),
  };
  return {
    url,
    client: (service, as = 'person') => createClient(service, transports[as]),
    attempt: async (calls, elsewise = '') => {
      try {
        return await calls();
      } catch (error) {
        throw error instanceof ConnectError ? explain(url, error, elsewise) : error;
      }
    },
  };
}

function transportOf(baseUrl: string, token: string | null): Transport {
  const authorise: Interceptor = (next) => (request) => {
    if (token !== null) request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  return createConnectTransport({ baseUrl, httpVersion: '1.1', interceptors: [authorise] });
}

function explain(url: string, error: ConnectError, elsewise: string): CommandError {
  const { code, rawMessage } = error;
  if (code === Code.Unavailable || code === Code.DeadlineExceeded) return unreachable(url, error);
  if (isConnectionFailure(error)) return unreachable(url, error);
  if (code === Code.Unauthenticated) {
    const wayOut = 'Sign in with `sigma login`, or set SIGMA_TOKEN; `sigma ingest` shows SIGMA_JOIN_TOKEN';
    return new CommandError(EXIT.refused, `${url}: ${rawMessage}`, wayOut, { cause: error });
  }
  if (code === Code.PermissionDenied) {
    const wayOut = 'Sign in with `sigma login` as somebody who has it; where SIGMA_TOKEN is set, that is who asks';
    return new CommandError(EXIT.refused, rawMessage, wayOut, { cause: error });
  }
  const wayOut = code === Code.FailedPrecondition ? elsewise : '';
  return new CommandError(EXIT.refused, rawMessage, wayOut, { cause: error });
}

/** Node's own word for a connection that could not be made stands in the cause. */
function isConnectionFailure({ cause }: ConnectError): boolean {
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^(ECONN|ENOTFOUND|EHOST|ENET|EAI_)/.test(code);
}
