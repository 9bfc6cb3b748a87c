import { personWords } from '../../words/quantities.ts';
import { useMissionControl, useObservable } from '../mission-control.tsx';

/** Who is signed in, as what. */
export function Who() {
  const { me, session } = useMissionControl();
  const { email, role } = useObservable(me);
  return (
    <>
      <span className="who">{session.name || personWords(email)}</span>
      <span className="role" data-testid="role">
        {role === '' ? 'no role' : role}
      </span>
    </>
  );
}
