import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { Draft, DraftChange } from '../../site/draft.ts';
import { DraftHead, OPEN_HINT } from './draft-head.tsx';
import { fenceName } from './fences.ts';

interface ReviseHintProps {
  readonly draft: Draft;
  readonly change: DraftChange;
  readonly onCancel: () => void;
}

/**
 * On the map itself, in nobody's way: what a click does now, and its undo. While something else is selected it says
 * whose change is open, and leads back to it.
 */
export function ReviseHint({ draft, change, onCancel }: ReviseHintProps) {
  const { selection } = useMissionControl();
  const selected = useObservable(selection);
  const { seen, lifted } = change;
  const elsewhere = selected?.kind !== 'zone' || selected.id !== seen.id;
  const hint = draft.closed
    ? 'Click a corner to move it.'
    : lifted
      ? 'Click where the corner goes. Alt: off the grid.'
      : OPEN_HINT;
  return (
    <div className="composer-form" data-drawing="" data-testid="revise-hint">
      {elsewhere ? (
        <p>
          You are changing <bdi>{fenceName(seen)}</bdi>; nothing of it is lost.{' '}
          <button
            type="button"
            className="link"
            onClick={() => selection.set({ kind: 'zone', id: seen.id })}
            data-testid="back-to-change"
          >
            Go on with it
          </button>
        </p>
      ) : null}
      <DraftHead draft={draft} hint={hint} onCancel={onCancel} />
    </div>
  );
}
