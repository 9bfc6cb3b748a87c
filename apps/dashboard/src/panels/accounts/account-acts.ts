import type { Account, CreateAccountResponse } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';

/** Creates an account. The answer carries its password, which is told this once. */
export function createAccount(
  { hub, acts }: MissionControl,
  email: string,
  name: string,
  role: string,
): Promise<CreateAccountResponse | undefined> {
  return acts.run(
    `Create the account ${email}`,
    [],
    () => hub.account.createAccount({ email, name, role }),
    (): Outcome => ({ kind: 'done', detail: `${role}; its password is shown once` }),
  );
}

export async function giveRole({ hub, acts }: MissionControl, account: Account, role: string): Promise<boolean> {
  const answer = await acts.run(
    `Make ${account.email} ${role}`,
    [],
    () => hub.account.setAccountRole({ accountId: account.id, role }),
    ({ account: now }): Outcome => ({
      kind: 'done',
      detail: `${now?.email ?? account.email} is ${now?.role ?? role}, at once`,
    }),
  );
  return answer !== undefined;
}

export async function removeAccount({ hub, acts }: MissionControl, account: Account): Promise<boolean> {
  const answer = await acts.run(
    `Remove the account ${account.email}`,
    [],
    () => hub.account.removeAccount({ accountId: account.id }),
    (): Outcome => ({ kind: 'done', detail: 'removed; its sessions have ended' }),
  );
  return answer !== undefined;
}
