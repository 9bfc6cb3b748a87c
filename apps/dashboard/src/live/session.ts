/** Who is signed in. `role` is the hub's word; the hub enforces it, the page only shows it. */
export interface Session {
  readonly name: string;
  readonly email: string;
  readonly role: string;
}

export type SignIn =
  | { readonly kind: 'signed_in'; readonly session: Session }
  | { readonly kind: 'wrong_password' }
  /** `seconds` until another try is heard; 0 when the hub did not say. */
  | { readonly kind: 'rate_limited'; readonly seconds: number }
  | { readonly kind: 'unreachable'; readonly detail: string };

type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

/** The open session, `null` when there is none, `unreachable` when nobody answers. */
export async function readSession(fetch: Fetch): Promise<Session | null | 'unreachable'> {
  try {
    const answer = await fetch('/api/auth/get-session', { credentials: 'same-origin' });
    if (answer.status >= 500) return 'unreachable';
    if (!answer.ok) return null;
    return parseSession(await answer.json());
  } catch {
    return 'unreachable';
  }
}

export async function signIn(fetch: Fetch, email: string, password: string): Promise<SignIn> {
  let answer: Response;
  try {
    answer = await fetch('/api/auth/sign-in/email', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
  } catch (error) {
    return { kind: 'unreachable', detail: error instanceof Error ? error.message : String(error) };
  }
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get('x-retry-after') ?? answer.headers.get('retry-after'));
    return { kind: 'rate_limited', seconds: Number.isFinite(seconds) ? seconds : 0 };
  }
  if (answer.status >= 500) return { kind: 'unreachable', detail: `it answered ${answer.status}` };
  if (!answer.ok) return { kind: 'wrong_password' };
  const session = await readSession(fetch);
  if (session === null)
    return { kind: 'unreachable', detail: 'the browser did not keep the session; allow cookies for this site' };
  if (session === 'unreachable') return { kind: 'unreachable', detail: 'it stopped answering' };
  return { kind: 'signed_in', session };
}

export async function signOut(fetch: Fetch): Promise<void> {
  await fetch('/api/auth/sign-out', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
}

function parseSession(body: unknown): Session | null {
  const user = (body as { user?: { name?: unknown; email?: unknown; role?: unknown } } | null)?.user;
  if (user === undefined || user === null) return null;
  const email = typeof user.email === 'string' ? user.email : '';
  const name = typeof user.name === 'string' && user.name !== '' ? user.name : email;
  return { name, email, role: typeof user.role === 'string' ? user.role : '' };
}
