import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { BetterAuthOptions } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { betterAuth } from 'better-auth/minimal';
import { toNodeHandler } from 'better-auth/node';
import { bearer } from 'better-auth/plugins/bearer';
import { eq } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { account, session, user, verification } from '../store/schema.ts';
import type { People } from './people.ts';
import { type Principal, roleNamed } from './principal.ts';

/** Where Better Auth reads the caller's address; set by the door, never taken from outside. */
export const CLIENT_ADDRESS = 'x-sigma-client-address';

export interface IdentityOptions {
  readonly database: Database;
  readonly tenant: string;
  readonly url: string;
  readonly trustedOrigins: readonly string[];
  readonly secret: string;
  readonly joinToken: string;
  readonly people: Pick<People, 'holderOf'>;
}

export interface Identity {
  /** Serves /api/auth/*. */
  readonly handler: ReturnType<typeof toNodeHandler>;
  who(headers: Headers): Promise<Principal>;
  /** Makes an account that can sign in, as a viewer. */
  enrol(email: string, name: string, password: string): Promise<void>;
  /** Creates the first account when there is none. `password` is null when one exists; it is nowhere else. */
  firstOperator(email: string): Promise<{ readonly email: string; readonly password: string | null }>;
}

const SIGN_INS_A_MINUTE = 10;

/** People sign in with Better Auth (cookie for the page, bearer for the command line); edges bring the join token. */
export function openIdentity(options: IdentityOptions): Identity {
  const tables = options.database.bound(options.tenant);
  const settings = {
    appName: 'SigmaPrompt',
    baseURL: options.url,
    basePath: '/api/auth',
    secret: options.secret,
    trustedOrigins: [...options.trustedOrigins],
    telemetry: { enabled: false },
    logger: { disabled: true },
    database: drizzleAdapter(tables, { provider: 'pg', schema: { user, session, account, verification } }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12 },
    user: { additionalFields: { role: { type: 'string', input: false, defaultValue: 'viewer' } } },
    session: { expiresIn: 60 * 60 * 24 * 7, updateAge: 60 * 60 * 24 },
    rateLimit: {
      enabled: true,
      window: 60,
      max: 600,
      customRules: { '/sign-in/email': { window: 60, max: SIGN_INS_A_MINUTE } },
    },
    advanced: { cookiePrefix: 'sigma', ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS] } },
    // Whoever reads the database has the tokens in it, but not the signature that makes one of them valid.
    plugins: [bearer({ requireSignature: true })],
  } satisfies BetterAuthOptions;
  const auth = betterAuth(settings);
  const joinDigest = digest(options.joinToken);
  const enrol = async (email: string, name: string, password: string): Promise<void> => {
    // Sign-up is open only in this object, which no door leads to.
    const enrolment = betterAuth({ ...settings, emailAndPassword: { enabled: true, autoSignIn: false } });
    await enrolment.api.signUpEmail({ body: { email, name, password } });
  };
  return {
    enrol,
    handler: toNodeHandler(auth),
    who: async (headers) => {
      const token = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1];
      if (token !== undefined && timingSafeEqual(digest(token), joinDigest)) return { kind: 'edge' };
      if (token === undefined && headers.get('cookie') === null) return { kind: 'nobody' };
      const found = await auth.api.getSession({ headers });
      if (found === null) return { kind: 'nobody' };
      const { id, email, role } = found.user;
      return { kind: 'person', id, email, holder: options.people.holderOf(email), role: roleNamed(role) };
    },
    firstOperator: async (email) => {
      const [existing] = await tables.select({ email: user.email }).from(user).orderBy(user.createdAt).limit(1);
      if (existing !== undefined) return { email: existing.email, password: null };
      const password = randomBytes(15).toString('base64url');
      await enrol(email, 'Operator', password);
      await tables.update(user).set({ role: 'administrator', emailVerified: true }).where(eq(user.email, email));
      return { email, password };
    },
  };
}

/** Equal lengths for a comparison in constant time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
