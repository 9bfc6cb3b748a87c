import { type RefObject, useEffect } from 'react';
import { isTaken } from './keys.ts';

interface ListKeys {
  /** The rows, in order, as they stand on the page. */
  readonly rows: RefObject<HTMLElement | null>;
  /** Selector of one row inside `rows`; each can have the focus. */
  readonly row: string;
  /** The field that `/` goes to, where the list has one. */
  readonly filter?: RefObject<HTMLInputElement | null>;
}

/**
 * `j` `k` and arrows walk the rows of a list, Home and End go to its ends, `/` goes to its filter. The list that has the
 * focus answers; when none has, the first on the page does.
 */
export function useListKeys({ rows, row, filter }: ListKeys): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const list = rows.current;
      if (list === null || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const inside = list.contains(event.target as Node | null);
      const elsewhere = document.activeElement?.closest('[data-list-keys]');
      if (elsewhere !== null && elsewhere !== undefined && elsewhere !== list) return;
      if (!inside && isTaken(event.key, event.target)) return;
      if (event.key === '/' && filter?.current !== undefined && filter.current !== null) filter.current.focus();
      else if (event.key === 'j' || (inside && event.key === 'ArrowDown')) walk(list, row, 1);
      else if (event.key === 'k' || (inside && event.key === 'ArrowUp')) walk(list, row, -1);
      else if (inside && event.key === 'Home') walk(list, row, Number.NEGATIVE_INFINITY);
      else if (inside && event.key === 'End') walk(list, row, Number.POSITIVE_INFINITY);
      else return;
      event.preventDefault();
    };
    const list = rows.current;
    list?.setAttribute('data-list-keys', '');
    window.addEventListener('keydown', pressed);
    return () => {
      list?.removeAttribute('data-list-keys');
      window.removeEventListener('keydown', pressed);
    };
  }, [rows, row, filter]);
}

/** Moves the focus along the rows; from outside the list to its selected row, or the first. */
function walk(list: HTMLElement, selector: string, step: number): void {
  const rows = [...list.querySelectorAll<HTMLElement>(selector)];
  const at = rows.findIndex((one) => one.contains(document.activeElement));
  const chosen = rows.findIndex((one) => one.getAttribute('aria-selected') === 'true');
  const to = at >= 0 ? at + step : chosen;
  rows[Math.min(rows.length - 1, Math.max(0, to))]?.focus();
}
