import { type Account, AccountService } from '@sigma/proto';
import { type Command, Option } from 'commander';
import { type HubAccess, type HubFlags, openHub } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { group, hubCommand, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

interface Flags extends HubFlags {
  readonly json?: boolean;
}

const ROLES = ['viewer', 'operator', 'engineer', 'administrator'];

/** `sigma account list|create|role|remove`. */
export function accountCommand(shell: Shell): Command {
  const account = group('account', 'Who may sign in to the hub, and what each may do', [
    'sigma account create ann@example.org --role operator',
  ]);
  for (const build of [listAccounts, createAccount, setRole, removeAccount]) account.addCommand(build(shell));
  return account;
}

const accountJson = ({ id, email, name, role, createdTimeUs, seenTimeUs }: Account) => ({
  id,
  email,
  name,
  role,
  createdTimeUs: Number(createdTimeUs),
  seenTimeUs: Number(seenTimeUs),
});

const dayOf = (timeUs: bigint): string => (timeUs === 0n ? 'never' : new Date(Number(timeUs / 1000n)).toISOString());

function listAccounts(shell: Shell): Command {
  return hubCommand('list', 'Every account, oldest first', ['sigma account list --json']).action(
    async (flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const { accounts } = await hub.attempt(() => hub.client(AccountService).listAccounts({}));
      const rows = accounts.map(({ email, role, name, seenTimeUs }) => [email, role, name, dayOf(seenTimeUs)]);
      terminal.result({ accounts: accounts.map(accountJson) }, columns([['e-mail', 'role', 'name', 'seen'], ...rows]));
    },
  );
}

function createAccount(shell: Shell): Command {
  return hubCommand('create', 'Make an account; its password is printed once and kept nowhere', [
    'sigma account create ann@example.org --role operator',
    'sigma account create bob@example.org --role viewer --name "Bob on nights"',
  ])
    .argument('<email>', 'with what the person signs in')
    .addOption(new Option('--role <role>', 'what the person may do').choices(ROLES).default('viewer'))
    .option('--name <text>', 'what people call the person', '')
    .action(async (email: string, flags: Flags & { readonly role: string; readonly name: string }) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const { account, password } = await hub.attempt(() =>
        hub.client(AccountService).createAccount({ email, role: flags.role, name: flags.name }),
      );
      if (account === undefined) throw new CommandError(EXIT.refused, 'the hub made no account', '');
      terminal.result(
        { ...accountJson(account), password },
        `${account.email} is ${account.role}; password ${password} (shown this once)`,
        accountJson(account),
      );
    });
}

function setRole(shell: Shell): Command {
  return hubCommand('role', 'Give or take a role; it counts from the next call on', [
    'sigma account role ann@example.org engineer',
    'sigma account role ann@example.org viewer',
  ])
    .argument('<email>', 'whose')
    .argument('<role>', ROLES.join(', '))
    .action(async (email: string, role: string, flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const accountId = await idOf(hub, email);
      const { account } = await hub.attempt(() => hub.client(AccountService).setAccountRole({ accountId, role }));
      if (account === undefined) throw new CommandError(EXIT.refused, `${email} is no more`, '');
      terminal.result(accountJson(account), `${account.email} is ${account.role} from now on`);
    });
}

function removeAccount(shell: Shell): Command {
  return hubCommand('remove', 'Remove an account; its sessions end at once', ['sigma account remove ann@example.org'])
    .argument('<email>', 'whose')
    .action(async (email: string, flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const accountId = await idOf(hub, email);
      await hub.attempt(() => hub.client(AccountService).removeAccount({ accountId }));
      terminal.result({ id: accountId, email, removed: true }, `${email} is removed`);
    });
}

/** People are named by their address here. @throws CommandError when nobody has it */
async function idOf(hub: HubAccess, email: string): Promise<string> {
  const { accounts } = await hub.attempt(() => hub.client(AccountService).listAccounts({}));
  const found = accounts.find((account) => account.email === email.toLowerCase());
  if (found !== undefined) return found.id;
  throw new CommandError(EXIT.refused, `nobody has the account ${email}`, '`sigma account list` shows all');
}
