import type { Account } from '@sigma/proto';
import { type FormEvent, useCallback, useState } from 'react';
import { Guarded, useMay } from '../../frame/access/guarded.tsx';
import { ROLES, type Role } from '../../frame/access/me.ts';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { localDay, localTime } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { createAccount, giveRole, removeAccount } from './account-acts.ts';

const ROLE_WORDS: Readonly<Record<string, string>> = {
  viewer: 'sees everything, does nothing',
  operator: 'commands robots, sends missions, acknowledges',
  engineer: 'also changes rules and breaks the simulation',
  administrator: 'also says who may do what',
};

const ASK_EVERY_MS = 10_000;

/** Who may do what: `/accounts`, for administrators. */
export default function AccountsPage() {
  const control = useMissionControl();
  const { hub } = control;
  const may = useMay('administrator', 'ever');
  const me = useObservable(control.me);
  const ask = useCallback(
    async (signal: AbortSignal) => (await hub.account.listAccounts({}, { signal })).accounts,
    [hub],
  );
  const { asked, again } = useAsked(ask, ASK_EVERY_MS);
  return (
    <section className="panel accounts-page" aria-labelledby="accounts-title" data-testid="accounts">
      <header className="panel-head">
        <h2 id="accounts-title">Accounts</h2>
        <span className="quiet">
          you are <bdi>{me.email}</bdi>, {me.role || 'without a role'}
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll accounts-columns" tabIndex={0}>
        <div className="accounts-who">
          {may.allowed ? <NewAccount onMade={again} /> : null}
          {asked.kind === 'known' ? null : <NotKnown asked={asked} what="accounts" again={again} />}
          {asked.kind === 'known' ? (
            <table className="accounts-list">
              <thead>
                <tr>
                  <th scope="col">Account</th>
                  <th scope="col">Role</th>
                  <th scope="col">Since</th>
                  <th scope="col">Last here</th>
                  <th scope="col">
                    <span className="for-ears">Remove</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {asked.value.map((account) => (
                  <AccountRow key={account.id} account={account} mine={account.email === me.email} again={again} />
                ))}
              </tbody>
            </table>
          ) : null}
        </div>
        <Roles mine={me.role} />
      </div>
    </section>
  );
}

interface AccountRowProps {
  readonly account: Account;
  readonly mine: boolean;
  readonly again: () => void;
}

function AccountRow({ account, mine, again }: AccountRowProps) {
  const control = useMissionControl();
  const change = async (role: string) => {
    await giveRole(control, account, role);
    again();
  };
  const remove = async () => {
    await removeAccount(control, account);
    again();
  };
  return (
    <tr data-testid={`account-${account.email}`}>
      <th scope="row">
        <bdi>{account.name || account.email}</bdi>{' '}
        {account.name === '' ? null : <bdi className="quiet">{account.email}</bdi>}
        {mine ? <span className="quiet"> · you</span> : null}
      </th>
      <td>
        <Guarded role="administrator">
          <select
            aria-label={`Role of ${account.email}`}
            value={account.role}
            disabled={mine}
            title={mine ? 'Another administrator changes your role' : ROLE_WORDS[account.role]}
            onChange={(event) => void change(event.target.value)}
            data-testid={`role-${account.email}`}
          >
            {ROLES.some((role) => role === account.role) ? null : (
              <option value={account.role}>{account.role || 'none'}</option>
            )}
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
          </select>
        </Guarded>
      </td>
      <td className="mono quiet">{localDay(account.createdTimeUs)}</td>
      <td className="mono quiet">
        {account.seenTimeUs === 0n ? 'never' : `${localDay(account.seenTimeUs)} ${localTime(account.seenTimeUs)}`}
      </td>
      <td className="right">
        {mine ? null : (
          <Guarded role="administrator">
            <HoldButton
              onHeld={() => void remove()}
              consequence={`${account.email} is signed out everywhere and cannot come back. What was done stays on record.`}
              testId={`remove-${account.email}`}
            >
              Remove · hold
            </HoldButton>
          </Guarded>
        )}
      </td>
    </tr>
  );
}

interface Told {
  readonly email: string;
  readonly password: string;
}

function NewAccount({ onMade }: { readonly onMade: () => void }) {
  const control = useMissionControl();
  const [told, setTold] = useState<Told | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const [email, name, role] = ['email', 'name', 'role'].map((field) => String(data.get(field) ?? '').trim()) as [
      string,
      string,
      string,
    ];
    setBusy(true);
    const made = await createAccount(control, email, name, role);
    setBusy(false);
    if (made === undefined) return;
    setTold({ email: made.account?.email ?? email, password: made.password });
    form.reset();
    onMade();
  };
  return (
    <>
      <form className="new-account" onSubmit={submit} data-testid="new-account">
        <input name="email" type="email" required placeholder="E-mail" aria-label="E-mail" autoComplete="off" />
        <input name="name" placeholder="Name" aria-label="Name" autoComplete="off" maxLength={100} />
        <select name="role" aria-label="Role" defaultValue="viewer">
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {role}
            </option>
          ))}
        </select>
        <button type="submit" className="primary" disabled={busy} data-testid="create-account">
          Create
        </button>
      </form>
      {told === null ? null : <OnePassword told={told} onGone={() => setTold(null)} />}
    </>
  );
}

/** Told once, kept nowhere: the hub has only its hash. */
function OnePassword({ told, onGone }: { readonly told: Told; readonly onGone: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="one-password" role="status" data-testid="one-password">
      <p>
        The password of <bdi>{told.email}</bdi>, told this once. Nobody can show it again; hand it over now.
      </p>
      <p className="row-line">
        <code className="mono" data-testid="password">
          {told.password}
        </code>
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(told.password).then(() => setCopied(true))}
        >
          {copied ? 'Copied' : 'Copy'}
        </button>
        <button type="button" className="plain" onClick={onGone} data-testid="password-done">
          I have it
        </button>
      </p>
    </div>
  );
}

/** What the hub asks a role for, and the least role that may; each role may all that those before it may. */
const POWERS: readonly (readonly [power: string, from: Role])[] = [
  ['See the site, its past and its recording', 'viewer'],
  ['Stop robots, acknowledge and reset', 'operator'],
  ['Take control of a robot, set its mode', 'operator'],
  ['Send, move and cancel missions', 'operator'],
  ['Draw fences', 'operator'],
  ['Acknowledge and silence alerts', 'operator'],
  ['Break the simulation, set its speed', 'engineer'],
  ['Try rules, fork the past', 'engineer'],
  ['Make and remove accounts, give roles', 'administrator'],
];

function Roles({ mine }: { readonly mine: string }) {
  return (
    <section className="roles" aria-label="What each role may do">
      <h3 className="part-title">What each role may do</h3>
      <table>
        <thead>
          <tr>
            <td />
            {ROLES.map((role) => (
              <th key={role} scope="col" title={ROLE_WORDS[role]} aria-current={role === mine ? 'true' : undefined}>
                {role}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {POWERS.map(([power, from]) => (
            <tr key={power}>
              <th scope="row">{power}</th>
              {ROLES.map((role, at) => {
                const may = at >= ROLES.indexOf(from);
                return (
                  <td key={role} className={may ? undefined : 'quiet'}>
                    <span aria-hidden="true">{may ? '✓' : '–'}</span>
                    <span className="for-ears">{may ? 'yes' : 'no'}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
