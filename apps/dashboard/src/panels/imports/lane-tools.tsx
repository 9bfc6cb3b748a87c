import type { Import } from '@sigma/proto';
import { type FormEvent, useEffect, useState } from 'react';
import { parseShift, type Stretch, shiftText, shiftWords, zoomed } from './import-time.ts';
import { timesWords } from './import-words.ts';

interface LaneToolsProps {
  readonly one: Import;
  readonly offsetUs: number;
  /** No moment of the import is on record here. */
  readonly apart: boolean;
  /** When this site's record begins; null where that is not known. */
  readonly recordFromUs: number | null;
  readonly cursorUs: number;
  readonly window: Stretch;
  /** All of the import. */
  readonly fit: Stretch;
  readonly onShift: (offsetUs: number) => void;
  /** Puts the first event of the import at that moment. */
  readonly onAlign: (atUs: number) => void;
  readonly onWindow: (window: Stretch) => void;
  readonly failure: string;
}

/** Which times stand for the events of an import, by how much they are shifted, and the way to shift and to zoom. */
export function LaneTools(props: LaneToolsProps) {
  const { one, offsetUs, apart, recordFromUs, cursorUs, window, fit, onShift, onAlign, onWindow, failure } = props;
  const middle = (window.fromUs + window.toUs) / 2;
  return (
    <div className="lane-tools">
      <fieldset aria-label="Times of the import">
        <ShiftField offsetUs={offsetUs} onShift={onShift} />
        <button
          type="button"
          disabled={offsetUs === 0}
          onClick={() => onAlign(Number(one.fromTimeUs))}
          title="Events stand where the file says that they happened"
          data-testid="align-clock"
        >
          Wall clock
        </button>
        <button
          type="button"
          disabled={recordFromUs === null}
          onClick={() => recordFromUs !== null && onAlign(recordFromUs)}
          title="The first event of the import stands at the first of this site's record"
          data-testid="align-first"
        >
          Align first events
        </button>
        <button
          type="button"
          onClick={() => onAlign(cursorUs)}
          title="The first event of the import stands at the moment shown"
          data-testid="align-cursor"
        >
          Begin at the cursor
        </button>
      </fieldset>
      <p className="lane-times" data-testid="times-used">
        Times used: {timesWords(one)}, <strong>{shiftWords(offsetUs)}</strong>
        {apart ? <span className="level-advisory"> · nothing is on record here at these times: align it</span> : null}
        {failure === '' ? null : <span className="level-warning"> · {failure}</span>}
      </p>
      <span className="spring" />
      <fieldset aria-label="Stretch of time">
        <button
          type="button"
          onClick={() => onWindow(zoomed(window, middle, 0.5))}
          title="Half the time"
          data-testid="zoom-in"
        >
          +<span className="for-ears"> Zoom in</span>
        </button>
        <button
          type="button"
          onClick={() => onWindow(zoomed(window, middle, 2))}
          title="Twice the time"
          data-testid="zoom-out"
        >
          −<span className="for-ears"> Zoom out</span>
        </button>
        <button type="button" onClick={() => onWindow(fit)} title="All of the import" data-testid="zoom-fit">
          Fit
        </button>
      </fieldset>
    </div>
  );
}

interface ShiftFieldProps {
  readonly offsetUs: number;
  readonly onShift: (offsetUs: number) => void;
}

function ShiftField({ offsetUs, onShift }: ShiftFieldProps) {
  const [text, setText] = useState(shiftText(offsetUs));
  useEffect(() => setText(shiftText(offsetUs)), [offsetUs]);
  const wanted = parseShift(text);
  const take = () => {
    if (wanted === null) setText(shiftText(offsetUs));
    else if (wanted !== offsetUs && text !== shiftText(offsetUs)) onShift(wanted);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    take();
  };
  return (
    <form onSubmit={submit} className="shift-field">
      <label>
        Shift{' '}
        <input
          value={text}
          size={12}
          onChange={(event) => setText(event.target.value)}
          onBlur={take}
          aria-invalid={wanted === null}
          title="Seconds, or hours:minutes:seconds; with a minus the import is shifted to an earlier time"
          data-testid="shift"
        />{' '}
        s
      </label>
    </form>
  );
}
