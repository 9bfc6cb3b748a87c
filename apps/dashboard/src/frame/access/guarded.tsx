import { cloneElement, type ReactElement } from 'react';
import { useMissionControl, useObservable, usePast } from '../mission-control.tsx';
import { type Role, roleReaches } from './me.ts';

/** Whether something may be done here and now, and if not, why: a reason that a person can act on. */
export interface May {
  readonly allowed: boolean;
  /** Empty when allowed. */
  readonly reason: string;
}

const YES: May = { allowed: true, reason: '' };

/**
 * May this person do what the role may, at the moment shown? In the past nothing is done, except what says so (`ever`:
 * a fork, a bookmark; and a stop, which always acts now).
 */
export function useMay(role: Role, when: 'now' | 'ever' = 'now'): May {
  const { me } = useMissionControl();
  const has = useObservable(me).role;
  const past = usePast();
  if (!roleReaches(has, role)) {
    return { allowed: false, reason: `Needs the role ${role}; yours is ${has === '' ? 'none' : has}` };
  }
  if (when === 'now' && past) {
    return { allowed: false, reason: 'This is the past. Press L to go back to live, then act' };
  }
  return YES;
}

interface GuardedProps {
  readonly role: Role;
  readonly when?: 'now' | 'ever';
  /** One control that takes `disabled`, and says what it is by itself. */
  readonly children: ReactElement<{ disabled?: boolean; title?: string; 'aria-description'?: string }>;
}

/** A control that is disabled, with the reason on it, where the person may not use it. */
export function Guarded({ role, when = 'now', children }: GuardedProps) {
  const may = useMay(role, when);
  if (may.allowed) return children;
  return (
    <span className="guarded" title={may.reason} data-guarded={role}>
      {cloneElement(children, { disabled: true, title: may.reason, 'aria-description': may.reason })}
    </span>
  );
}
