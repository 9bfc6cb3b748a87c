import { useState } from 'react';
import { LOOKS } from './fleet-columns.ts';

/** Which columns are shown: TanStack's own form, so that what is not named is shown. */
type Shown = Readonly<Record<string, boolean>>;

/** The choice of columns, remembered for the narrow list and the wide page apart; storage may be barred, then it lasts as long as the page. */
export function useColumns(wide: boolean): readonly [shown: Shown, choose: (shown: Shown) => void] {
  const key = `sigma.fleet.columns.${wide ? 'wide' : 'narrow'}`;
  const [shown, setShown] = useState<Shown>(() => remembered(key) ?? first(wide));
  const choose = (next: Shown) => {
    setShown(next);
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      return;
    }
  };
  return [shown, choose];
}

const first = (wide: boolean): Shown =>
  Object.fromEntries(Object.entries(LOOKS).map(([id, { narrow }]) => [id, wide || narrow]));

function remembered(key: string): Shown | null {
  try {
    const text = localStorage.getItem(key);
    const read: unknown = text === null ? null : JSON.parse(text);
    if (typeof read !== 'object' || read === null) return null;
    const known = Object.keys(LOOKS).map((id) => [id, (read as Record<string, unknown>)[id] === true] as const);
    return known.some(([, on]) => on) ? Object.fromEntries(known) : null;
  } catch {
    return null;
  }
}
