import type { ImportPlace } from '@sigma/proto';
import { createContext, lazy } from 'react';
import type { TerrainPart } from '../../frame/panel-port.ts';
import type { Observable } from '../../live/observable.ts';

/** Where an import says that things are, at the moment shown. */
export const Ghosts = createContext<Observable<readonly ImportPlace[]> | null>(null);

const GhostLayer = lazy(async () => ({ default: (await import('./ghost-layer.tsx')).GhostLayer }));

/** Laid over the map of the page of an import. */
export const GHOSTS: TerrainPart = {
  terrain: 'import',
  panels: [],
  layers: [{ id: 'import-ghosts', title: 'Import', shown: true, component: GhostLayer }],
};

/** The frame that the floor of a site is given in; what hangs in another is drawn as if that were it. */
const FLOOR = 'site';
const MOST_NAMED = 6;

/** "Rings of the import: r01, r02". @param drawn whether the map draws them: a flat one cannot */
export function ghostWords(places: readonly ImportPlace[], drawn: boolean): string {
  if (places.length === 0) return 'The import says of no place at this moment.';
  const names = [...new Set(places.map(({ name }) => name))];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const foreign = [...new Set(places.map(({ frame }) => frame))].filter((frame) => frame !== FLOOR);
  const taken = foreign.length === 0 ? '' : ` · frame ${foreign.join(', ')} taken for the floor of the site`;
  const what = drawn ? 'Rings of the import' : 'Places in the import, not drawn on a flat map';
  return `${what}: ${names.slice(0, MOST_NAMED).join(', ')}${more}${taken}`;
}
