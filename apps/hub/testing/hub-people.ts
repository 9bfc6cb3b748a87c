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

/** Nothing takes a hub this long, on however busy a machine. */
const PATIENCE_MS = 45_000;
const LOOKS_EVERY_MS = 4;

/** Looks until it holds. Between two looks the hub, its database and its edges have the machine. */
export async function until<T>(look: () => Promise<T> | T, holds: (found: T) => boolean): Promise<T> {
  const late = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    if (performance.now() > late) throw new Error(`it never came to hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY_MS));
  }
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
