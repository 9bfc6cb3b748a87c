import type { Asked } from './use-asked.ts';

interface NotKnownProps {
  readonly asked: Exclude<Asked<unknown>, { kind: 'known' }>;
  readonly what: string;
  readonly again: () => void;
}

/** What stands in place of a list that is not known: still asked for, not for this role, or failed with the way out. */
export function NotKnown({ asked, what, again }: NotKnownProps) {
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
  return (
    <p className="empty level-warning" role="alert">
      {asked.reason}{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}
