import { randomBytes } from 'node:crypto';
import { and, asc, eq } from 'drizzle-orm';
import type { Clock } from '../clock.ts';
import { type HubRecord, stateChanged } from '../roles/arbitration/hub-record.ts';
import type { Database, Transaction } from '../store/database.ts';
import { user } from '../store/schema.ts';
import type { People } from './people.ts';
import { ROLE_NAMES, type RoleName } from './principal.ts';

/** Somebody who may sign in. */
export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: string;
  readonly createdTimeUs: number;
  /** 0: never. */
  readonly seenTimeUs: number;
}

/** Why an account stays as it is. */
export type AccountRefusal = 'no_such_account' | 'last_administrator' | 'email_taken';

export class AccountError extends Error {
  readonly refusal: AccountRefusal;

  constructor(refusal: AccountRefusal, message: string) {
    super(message);
    this.name = 'AccountError';
    this.refusal = refusal;
  }
}

const SEEN_EVERY_US = 60_000_000;

/** Who has an account and with which role. Every change is recorded, and told at once to whoever holds a stream open. */
export class AccountDesk {
  readonly #database: Database;
  readonly #tenant: string;
  readonly #clock: Clock;
  readonly #record: HubRecord;
  readonly #people: People;
  readonly #enrol: (email: string, name: string, password: string) => Promise<void>;
  readonly #heard = new Set<(accountId: string) => void>();
  readonly #seenUs = new Map<string, number>();

  constructor(options: {
    readonly database: Database;
    readonly tenant: string;
    readonly clock: Clock;
    readonly record: HubRecord;
    readonly people: People;
    /** Makes an account that can sign in, as a viewer. */
    readonly enrol: (email: string, name: string, password: string) => Promise<void>;
  }) {
    this.#database = options.database;
    this.#tenant = options.tenant;
    this.#clock = options.clock;
    this.#record = options.record;
    this.#people = options.people;
    this.#enrol = options.enrol;
  }

  /** Calls back with the id of an account whose role was changed, or which was removed. @returns how to end it */
  onChange(heard: (accountId: string) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Oldest first. */
  list(): Promise<readonly Account[]> {
    return this.#database.asTenant(this.#tenant, async (tx) =>
      (await tx.select().from(user).orderBy(asc(user.createdAt))).map(accountOf),
    );
  }

  /**
   * A new account with a password that nobody else knows and that is kept nowhere.
   * @throws AccountError email_taken; NotRecordedError, and then there is no account
   */
  async create(
    email: string,
    name: string,
    role: RoleName,
    by: string,
  ): Promise<{ readonly account: Account; readonly password: string }> {
    const taken = await this.#database.asTenant(this.#tenant, (tx) => byEmail(tx, email));
    if (taken !== undefined) throw new AccountError('email_taken', `${email} has an account already`);
    const password = randomBytes(15).toString('base64url');
    await this.#enrol(email, name, password);
    const account = await this.#database.asTenant(this.#tenant, async (tx) => {
      await tx.update(user).set({ role, emailVerified: true }).where(eq(user.email, email));
      return byEmail(tx, email);
    });
    if (account === undefined) throw new AccountError('no_such_account', `${email} was removed meanwhile`);
    try {
      await this.#recorded(account.id, null, account, by);
    } catch (error) {
      await this.#database.asTenant(this.#tenant, (tx) => tx.delete(user).where(eq(user.id, account.id)));
      throw error;
    }
    return { account, password };
  }

  /** The next call of this person is judged by the new role. @throws AccountError, NotRecordedError */
  async setRole(accountId: string, role: RoleName, by: string): Promise<Account> {
    const after = await this.#database.asTenant(this.#tenant, async (tx) => {
      const before = await this.#changeable(tx, accountId, role === 'administrator');
      const now = { ...before, role };
      await tx.update(user).set({ role }).where(eq(user.id, accountId));
      await this.#recorded(accountId, before, now, by);
      return now;
    });
    this.#tell(accountId);
    return after;
  }

  /** The account and its sessions are gone with this. @returns what it was. @throws AccountError, NotRecordedError */
  async remove(accountId: string, by: string): Promise<Account> {
    const before = await this.#database.asTenant(this.#tenant, async (tx) => {
      const account = await this.#changeable(tx, accountId, false);
      await tx.delete(user).where(eq(user.id, accountId));
      await this.#recorded(accountId, account, null, by);
      return account;
    });
    this.#tell(accountId);
    return before;
  }

  /** A call of this person was let in. */
  seen(accountId: string): void {
    const nowUs = this.#clock.nowUs();
    if (nowUs - (this.#seenUs.get(accountId) ?? 0) < SEEN_EVERY_US) return;
    this.#seenUs.set(accountId, nowUs);
    this.#database
      .asTenant(this.#tenant, (tx) => tx.update(user).set({ seenTimeUs: nowUs }).where(eq(user.id, accountId)))
      .catch(() => undefined);
  }

  /** Locks the administrators, so that two of them cannot remove each other at the same moment. */
  async #changeable(tx: Transaction, accountId: string, staysAdministrator: boolean): Promise<Account> {
    const administrators = await tx.select().from(user).where(eq(user.role, 'administrator')).for('update');
    const [found] = await tx
      .select()
      .from(user)
      .where(and(eq(user.id, accountId)));
    if (found === undefined)
      throw new AccountError('no_such_account', `there is no account '${accountId.slice(0, 63)}'`);
    const last = found.role === 'administrator' && administrators.length === 1;
    if (last && !staysAdministrator)
      throw new AccountError('last_administrator', `${found.email} is the last administrator: make another one first`);
    return accountOf(found);
  }

  /** Name under which the person with this address acts. */
  holderOf(email: string): string {
    return this.#people.holderOf(email);
  }

  /** An account is its owner's: what it was and is can be read as long as they are not erased. */
  async #recorded(accountId: string, before: Account | null, after: Account | null, by: string): Promise<void> {
    const changed = stateChanged(`account/${accountId}`, plain(before), plain(after), by);
    await this.#record.append(await this.#people.sealed(changed, (before ?? after)?.email ?? ''));
  }

  #tell(accountId: string): void {
    for (const heard of this.#heard) heard(accountId);
  }
}

export const isRoleName = (text: string): text is RoleName => (ROLE_NAMES as readonly string[]).includes(text);

const byEmail = async (tx: Transaction, email: string): Promise<Account | undefined> => {
  const [found] = await tx.select().from(user).where(eq(user.email, email));
  return found === undefined ? undefined : accountOf(found);
};

/** When somebody was last seen is no part of the record. */
const plain = (account: Account | null) => {
  if (account === null) return null;
  const { id, email, name, role, createdTimeUs } = account;
  return { id, email, name, role, createdTimeUs };
};

const accountOf = (row: typeof user.$inferSelect): Account => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  createdTimeUs: row.createdAt.getTime() * 1000,
  seenTimeUs: row.seenTimeUs,
});
