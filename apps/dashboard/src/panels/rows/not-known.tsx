import type { ReactNode } from 'react';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import type { Asked } from './use-asked.ts';

interface NotKnownProps {
  readonly asked: Exclude<Asked<unknown>, { kind: 'known' }>;
  readonly what: string;
  readonly again: () => void;
  /** Where to go when nothing of that name is there. */
  readonly instead?: ReactNode;
}

/** What stands in place of a list that is not known: still asked for, not for this role, or failed with the way out. */
export function NotKnown({ asked, what, again, instead }: NotKnownProps) {
  if (asked.kind === 'loading') {
    return (
      <div className="panel-skeleton" role="status" aria-label={`Asking for ${what}`}>
        <span className="skeleton-row" />
        <span className="skeleton-row" />
        <span className="skeleton-row" />
      </div>
    );
  }
  if (asked.kind === 'forbidden') {
    return (
      <p className="empty" data-testid="forbidden">
        {asked.reason} Ask an administrator for the role.
      </p>
    );
  }
  if (asked.kind === 'missing') {
    const [first = '', ...rest] = asked.reason.split('; ');
    return (
      <EmptyState icon={EMPTY_ICON.search} title={sentence(first)} testId="missing">
        {rest.length === 0 ? null : <p>{sentence(rest.join('; '))}</p>}
        {instead}
      </EmptyState>
    );
  }
  return (
    <p className="empty level-warning" role="alert">
      {asked.reason}{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}

/** The hub's reasons begin small, so that they fit behind a colon. */
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
