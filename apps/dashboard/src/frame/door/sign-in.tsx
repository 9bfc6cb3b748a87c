import { type FormEvent, useEffect, useState } from 'react';
import { type Session, signIn } from '../../live/session.ts';

const WRONG =
  'Wrong e-mail or password. The first account and its password are printed once by the hub at its first start.';

/** The door. Every way in which it can stay shut says what to do. */
export function SignInForm({
  notice,
  onSignedIn,
}: {
  readonly notice: string;
  readonly onSignedIn: (session: Session) => void;
}) {
  const [message, setMessage] = useState(notice);
  const [busy, setBusy] = useState(false);
  const [lockedFor, setLockedFor] = useState(0);

  useEffect(() => {
    if (lockedFor <= 0) return;
    const timer = setTimeout(() => setLockedFor(lockedFor - 1), 1_000);
    return () => clearTimeout(timer);
  }, [lockedFor]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setMessage('');
    const outcome = await signIn(
      (path, init) => fetch(path, init),
      String(form.get('email')),
      String(form.get('password')),
    );
    setBusy(false);
    if (outcome.kind === 'signed_in') return onSignedIn(outcome.session);
    if (outcome.kind === 'wrong_password') return setMessage(WRONG);
    if (outcome.kind === 'unreachable') {
      return setMessage(
        `The hub cannot be reached (${outcome.detail}). Robots keep themselves safe. Check that it runs: npx sigma doctor`,
      );
    }
    setLockedFor(Math.max(1, outcome.seconds));
    setMessage('Too many tries from here.');
  };

  return (
    <main className="sign-in">
      <form onSubmit={submit} data-testid="sign-in">
        <h1>SigmaPrompt</h1>
        <p className="quiet">Sign in to see and command this site.</p>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required spellCheck={false} />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p className="sign-in-message" role="alert" data-testid="sign-in-message">
          {message}
          {lockedFor > 0 ? ` Try again in ${lockedFor} s.` : ''}
        </p>
        <button type="submit" className="primary" disabled={busy || lockedFor > 0}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
