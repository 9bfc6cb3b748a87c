import type { ImportPlace } from '@sigma/proto';
import { createContext } from 'react';
import type { Observable } from '../../live/observable.ts';

/** Where an import says that things are, at the moment shown. */
export const Ghosts = createContext<Observable<readonly ImportPlace[]> | null>(null);

/** The frame that the floor of a site is given in; what hangs in another is drawn as if that were it. */
const FLOOR = 'site';
const MOST_NAMED = 6;

/** "Rings of the import: r01, r02". */
export function ghostWords(places: readonly ImportPlace[]): string {
  if (places.length === 0) return 'The import says of no place at this moment.';
  const names = [...new Set(places.map(({ name }) => name))];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const foreign = [...new Set(places.map(({ frame }) => frame))].filter((frame) => frame !== FLOOR);
  const taken = foreign.length === 0 ? '' : ` · frame ${foreign.join(', ')} taken for the floor of the site`;
  return `Rings of the import: ${names.slice(0, MOST_NAMED).join(', ')}${more}${taken}`;
}
