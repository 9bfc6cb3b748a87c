import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';

/** Signs somebody in. @returns the session's token */
export async function signIn(url: string, email: string, password: string): Promise<string> {
  const answer = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  const token = answer.headers.get('set-auth-token');
  if (!answer.ok || token === null) throw new Error(`${email} is not let in: ${answer.status}`);
  return token;
}

/** A person's hands on a hub: a client of any service, under that session. */
export function handsOf(url: string, token: string): <S extends DescService>(service: S) => Client<S> {
  const transport = createGrpcTransport({
    baseUrl: url,
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return (service) => createClient(service, transport);
}

/** Looks until it holds; the hub is asked, time is not waited out. */
export async function until<T>(look: () => Promise<T> | T, holds: (found: T) => boolean): Promise<T> {
  for (let k = 0; k < 4_000; k++) {
    const found = await look();
    if (holds(found)) return found;
    await new Promise<void>((turn) => setImmediate(turn));
  }
  throw new Error('it never came to hold');
}

/** Name of the code a call is refused with, or `answered`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'answered';
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? 'Unknown';
  }
}
