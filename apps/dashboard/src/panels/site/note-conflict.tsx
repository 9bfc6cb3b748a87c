import type { Fence } from '@sigma/proto';
import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { type LineConflict, settledNote } from './settled-note.ts';

interface NoteConflictProps {
  readonly seenNote: string;
  /** As the hub holds it: its note is the one that stands. */
  readonly fence: Fence;
  readonly mine: string;
  readonly conflicts: readonly LineConflict[];
  readonly onSettle: (note: string) => void;
  readonly onLeave: () => void;
}

/** Both versions of the lines that two people changed in one note, and the choice between them. */
export function NoteConflictForm({ seenNote, fence, mine, conflicts, onSettle, onLeave }: NoteConflictProps) {
  const sided = (side: 'ours' | 'theirs') => settledNote(seenNote, fence.note, mine, conflicts, side);
  const [side, setSide] = useState<'ours' | 'theirs' | ''>('');
  const [note, setNote] = useState('');
  const choose = (next: 'ours' | 'theirs') => {
    setSide(next);
    setNote(sided(next));
  };
  return (
    <section className="conflict" aria-label="Two versions of the note" data-testid="note-conflict">
      <p className="level-warning" role="alert">
        The rest of your change is in force. The note stays as it stands: both of you changed the same lines.
      </p>
      {conflicts.map((conflict) => (
        <div className="versions" key={JSON.stringify(conflict)}>
          <dl>
            <Version name="It was" lines={conflict.base} />
            <Version name="It stands" lines={conflict.ours} />
            <Version name="Yours" lines={conflict.theirs} />
          </dl>
        </div>
      ))}
      <fieldset className="sender-row" aria-label="Which version holds">
        {(['ours', 'theirs'] as const).map((one) => (
          <label className="inline" key={one}>
            <input
              type="radio"
              name="note-side"
              checked={side === one}
              onChange={() => choose(one)}
              data-testid={one === 'ours' ? 'note-stands' : 'note-mine'}
            />
            {one === 'ours' ? 'Keep what stands' : 'Take mine'}
          </label>
        ))}
      </fieldset>
      {side === '' ? null : (
        <label className="fence-note">
          The note that all will read
          <textarea
            value={note}
            maxLength={4_000}
            rows={Math.min(6, Math.max(2, note.split('\n').length))}
            onChange={(event) => setNote(event.target.value)}
            data-testid="settled-note"
          />
        </label>
      )}
      <div className="sender-row">
        <span className="spring" />
        <button type="button" onClick={onLeave} title="An alert tells everybody until the note is settled">
          Leave it open
        </button>
        <Guarded role="operator">
          <button
            type="button"
            className="primary"
            disabled={side === ''}
            title={side === '' ? 'Choose a version first' : undefined}
            onClick={() => onSettle(note)}
            data-testid="settle-note"
          >
            Settle the note
          </button>
        </Guarded>
      </div>
    </section>
  );
}

function Version({ name, lines }: { readonly name: string; readonly lines: readonly string[] }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {lines.length === 0 ? <span className="quiet">nothing</span> : <bdi className="lines">{lines.join('\n')}</bdi>}
      </dd>
    </div>
  );
}
