import { Observable } from '../live/observable.ts';

/** What can be laid over the site, and taken away again. */
export const LAYERS = [
  { id: 'names', title: 'Names', detail: 'Robots, zones and places' },
  { id: 'zones', title: 'Zones', detail: 'Zones of the site and fences that people drew' },
  { id: 'trails', title: 'Trails', detail: 'Where each robot was in the last 40 s' },
  { id: 'heat', title: 'Heat', detail: 'Where robots spend their time; half fades in 5 min' },
  { id: 'traffic', title: 'Traffic', detail: 'Which way they go, and how much' },
] as const;
export type ViewMode = 'map' | 'perspective';

/** How this person looks at sites; kept for the next visit. */
export interface SiteChoices {
  readonly mode: ViewMode;
  /** Ids of layers that are shown, of the site's own and of those that terrains bring. */
  readonly layers: readonly string[];
  /** Layers that this person has seen: a new one begins as its terrain says. */
  readonly known: readonly string[];
}

const KEY = 'sigma.site';
const USUAL: SiteChoices = { mode: 'perspective', layers: ['names', 'zones'], known: LAYERS.map(({ id }) => id) };

/** Storage may be barred or hold something else; then the usual choices hold. */
export function rememberedChoices(storage: Pick<Storage, 'getItem' | 'setItem'> | null): Observable<SiteChoices> {
  const choices = new Observable<SiteChoices>(read(storage) ?? USUAL);
  choices.subscribe(() => {
    try {
      storage?.setItem(KEY, JSON.stringify(choices.get()));
    } catch {
      return;
    }
  });
  return choices;
}

function read(storage: Pick<Storage, 'getItem'> | null): SiteChoices | null {
  try {
    const found = JSON.parse(storage?.getItem(KEY) ?? 'null') as Partial<SiteChoices> | null;
    if (found === null || !Array.isArray(found.layers) || !Array.isArray(found.known)) return null;
    return {
      mode: found.mode === 'map' ? 'map' : 'perspective',
      layers: texts(found.layers),
      known: texts(found.known),
    };
  } catch {
    return null;
  }
}

const texts = (all: readonly unknown[]): string[] => all.filter((one) => typeof one === 'string');

/** Adds layers that this person has not met yet, shown or not as they ask. */
export function meetLayers(choices: SiteChoices, brought: readonly { id: string; shown: boolean }[]): SiteChoices {
  const fresh = brought.filter(({ id }) => !choices.known.includes(id));
  if (fresh.length === 0) return choices;
  return {
    ...choices,
    known: [...choices.known, ...fresh.map(({ id }) => id)],
    layers: [...choices.layers, ...fresh.filter(({ shown }) => shown).map(({ id }) => id)],
  };
}

export const toggleLayer = (choices: SiteChoices, id: string): SiteChoices => ({
  ...choices,
  layers: choices.layers.includes(id) ? choices.layers.filter((one) => one !== id) : [...choices.layers, id],
});
