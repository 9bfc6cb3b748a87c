import { useEffect } from 'react';
import { isTaken } from './keys.ts';

/** Lists of cards or lines; their children are the rows. A table that draws only what is seen walks by itself. */
const LIST = '.rows, [data-rows]';
const FOCUSABLE = 'button:not(:disabled), a[href], summary, [tabindex="0"], input:not(:disabled)';

/** Inside any list `j` `k` and arrows go from row to row, Home and End to its ends. Outside they are others' keys. */
export function useListKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.key, event.target)) return;
      const list = document.activeElement?.closest<HTMLElement>(LIST);
      const step = STEPS[event.key];
      if (list === null || list === undefined || step === undefined) return;
      if (walk(list, step)) event.preventDefault();
    };
    // Before the tables, which answer to j and k from anywhere.
    window.addEventListener('keydown', pressed, { capture: true });
    return () => window.removeEventListener('keydown', pressed, { capture: true });
  }, []);
}

const STEPS: Readonly<Record<string, number>> = {
  j: 1,
  ArrowDown: 1,
  k: -1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** Moves the focus to the first control of the row so many steps on. Returns whether there was one. */
function walk(list: HTMLElement, step: number): boolean {
  const rows = [...list.children];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const to = Math.min(rows.length - 1, Math.max(0, at + step));
  const row = rows[to];
  const target = row?.matches(FOCUSABLE) ? row : row?.querySelector(FOCUSABLE);
  if (!(target instanceof HTMLElement)) return false;
  target.focus();
  return true;
}
