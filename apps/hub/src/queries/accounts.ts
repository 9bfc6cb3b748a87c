import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type AccountService, Role } from '@sigma/proto';
import { type Account, AccountError, type AccountRefusal, isRoleName } from '../identity/accounts.ts';
import { issuerOf, PRINCIPAL, ROLE_NAMES, type RoleName, roleNamed } from '../identity/principal.ts';
import { EVERY_ROBOT } from '../roles/chronicle/act-words.ts';
import { callerOf, limitOf, momentOf, type Roles } from './context.ts';

const DEFAULT_ACTS = 100;
const MOST_ACTS = 1_000;
const MOST_NAME = 200;
/** An address as people write it: something, an at sign, something with a dot. Whether it exists nobody asks. */
const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@.]{1,63}$/;

export function accountQueries(roles: Roles): ServiceImpl<typeof AccountService> {
  return {
    whoAmI: (_, context) => {
      const principal = context.values.get(PRINCIPAL);
      if (principal.kind !== 'person') throw new ConnectError('only people have accounts', Code.PermissionDenied);
      const role = (Role[principal.role] ?? '').toLowerCase();
      return { accountId: principal.id, email: principal.email, role, holder: issuerOf(principal) };
    },
    listAccounts: async () => ({ accounts: (await roles.accounts.list()).map(accountOf) }),
    createAccount: async ({ email, name, role }, context) => {
      const address = email.trim().toLowerCase();
      if (!EMAIL.test(address)) throw new ConnectError('an account needs an e-mail address', Code.InvalidArgument);
      if (name.length > MOST_NAME)
        throw new ConnectError(`a name has at most ${MOST_NAME} characters`, Code.InvalidArgument);
      const made = await told(roles.accounts.create(address, name || address, wordOf(role), callerOf(context)));
      return { account: accountOf(made.account), password: made.password };
    },
    setAccountRole: async ({ accountId, role }, context) => {
      const by = callerOf(context);
      const account = await told(roles.accounts.setRole(accountId, wordOf(role), by));
      if (roleNamed(account.role) < Role.OPERATOR)
        await roles.leases.takeFrom(roles.accounts.holderOf(account.email), by);
      return { account: accountOf(account) };
    },
    removeAccount: async ({ accountId }, context) => {
      const by = callerOf(context);
      const account = await told(roles.accounts.remove(accountId, by));
      await roles.leases.takeFrom(roles.accounts.holderOf(account.email), by);
      return {};
    },
    listActs: async ({ actor, target, beforeTimeUs, limit }) => {
      const targets =
        target === '' ? [] : roles.fleet.agents.has(target) ? [target, EVERY_ROBOT] : [roles.people.unnamed(target)];
      const filter = {
        actor: roles.people.unnamed(actor),
        targets,
        beforeTimeUs: momentOf(beforeTimeUs, 'before_time_us'),
      };
      const acts = await roles.acts.page(filter, limitOf(limit, DEFAULT_ACTS, MOST_ACTS));
      return { acts: acts.map((act) => ({ ...act, targets: [...act.targets], timeUs: BigInt(act.timeUs) })) };
    },
  };
}

const accountOf = ({ id, email, name, role, createdTimeUs, seenTimeUs }: Account) => ({
  id,
  email,
  name,
  role,
  createdTimeUs: BigInt(createdTimeUs),
  seenTimeUs: BigInt(seenTimeUs),
});

function wordOf(role: string): RoleName {
  if (isRoleName(role)) return role;
  throw new ConnectError(`a role is one of ${ROLE_NAMES.join(', ')}`, Code.InvalidArgument);
}

const CODE: Readonly<Record<AccountRefusal, Code>> = {
  no_such_account: Code.NotFound,
  last_administrator: Code.FailedPrecondition,
  email_taken: Code.AlreadyExists,
};

async function told<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    throw error instanceof AccountError ? new ConnectError(error.message, CODE[error.refusal]) : error;
  }
}
