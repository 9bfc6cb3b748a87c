import type { KeyboardEvent, PointerEvent } from 'react';
import { shiftText, shiftWords } from './import-time.ts';

const STEP_US = 100_000;

interface ShiftStripProps {
  readonly offsetUs: number;
  readonly usPerPx: number;
  readonly onShift: (offsetUs: number) => void;
}

/** Between this site's record and an import: dragged, the import moves under the record. */
export function ShiftStrip({ offsetUs, usPerPx, onShift }: ShiftStripProps) {
  const key = (event: KeyboardEvent) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -100, PageUp: 100 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onShift(offsetUs + steps * STEP_US * (event.shiftKey ? 10 : 1));
  };
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId) && event.movementX !== 0)
      onShift(offsetUs + event.movementX * usPerPx);
  };
  return (
    <div className="lane-row shift-row">
      <span className="lane-name lane-group">Import</span>
      <div
        className="lane-strip shift-strip"
        role="slider"
        tabIndex={0}
        aria-label="Shift of the import against this site's record"
        aria-valuenow={offsetUs / 1e6}
        aria-valuetext={shiftWords(offsetUs)}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={key}
        data-testid="shift-strip"
      >
        ⇄ drag to shift the import against the record{' '}
        {Math.abs(offsetUs) < 500 ? '' : `· now by ${shiftText(offsetUs)} s`}
      </div>
      <span className="lane-value" />
    </div>
  );
}
