import { useMissionControl } from '../../frame/mission-control.tsx';
import { canClose, canRedo, type Draft, draftStep, isOutline } from '../../site/draft.ts';

/**
 * Undo, redo and close of what is being drawn; the same by keys, wherever the focus is. An open outline has nothing to
 * send yet: leaving it stands here too.
 */
export function DrawingRow({ draft, onCancel }: { readonly draft: Draft; readonly onCancel?: () => void }) {
  const { draft: drawn } = useMissionControl();
  return (
    <div className="sender-row">
      <button
        type="button"
        disabled={draft.points.length === 0}
        onClick={() => drawn.set(draftStep(draft, { type: 'undo' }))}
        title="Ctrl-Z or Backspace"
        data-testid="draw-undo"
      >
        Undo
      </button>
      <button
        type="button"
        disabled={!canRedo(draft)}
        onClick={() => drawn.set(draftStep(draft, { type: 'redo' }))}
        title="Ctrl-Y"
        data-testid="draw-redo"
      >
        Redo
      </button>
      {isOutline(draft) && !draft.closed ? (
        <button
          type="button"
          disabled={!canClose(draft)}
          onClick={() => drawn.set(draftStep(draft, { type: 'close' }))}
          title="Enter, on the map"
          data-testid="close-zone"
        >
          Close
        </button>
      ) : null}
      {draft.closed || onCancel === undefined ? null : (
        <button type="button" className="plain" onClick={onCancel} title="Esc" data-testid="compose-cancel">
          Cancel
        </button>
      )}
    </div>
  );
}
