import type { ReactNode } from 'react';

interface EmptyStateProps {
  /** What is so, in a few words. */
  readonly title: ReactNode;
  /** What it means and what fills it; code, links and buttons may stand in it. */
  readonly children?: ReactNode;
  /** A path on a grid of 16 by 16, the icon of what would stand here. */
  readonly icon: string;
  readonly testId?: string;
}

/** A page, or a wide table, in which there is nothing yet: what would stand here and the one step that fills it. */
export function EmptyState({ title, children, icon, testId }: EmptyStateProps) {
  return (
    <div className="empty-state" data-testid={testId}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path
          d={icon}
          fill="none"
          stroke="currentColor"
          strokeWidth="0.7"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      <p className="empty-title">{title}</p>
      {children === undefined ? null : <div className="empty-words">{children}</div>}
    </div>
  );
}

/** Icons of what is missing, as the rail and the tabs draw it. */
export const EMPTY_ICON = {
  robots: 'M3 6h10v7H3zM8 6V3M6 9.5h.01M10 9.5h.01',
  missions: 'M4 14V2.5h8L10 5.5l2 3H4',
  calm: 'M2.5 8.5l3.5 3.5 7.5-8',
  people: 'M8 3a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5zM3 13.5c.8-3 9.2-3 10 0',
  decisions: 'M8 2.5v4M8 6.5L3.5 13M8 6.5L12.5 13',
  trouble: 'M8 2.5L14 13H2zM8 6.5v3M8 11.3h.01',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3L14 14',
} as const;
