import type { ComponentType, LazyExoticComponent } from 'react';
import type { Selection } from './place/selection.ts';

/** Where a panel stands until a person moves it. A page takes the whole middle while its path is open. */
export type PanelPlace = 'left' | 'centre' | 'right' | 'bottom' | 'page';

/** What the frame hands to a panel. */
export interface PanelProps {
  /** Parts of the page's path that its pattern names: `/fleet/:id` opened at `/fleet/r17` gives `{ id: 'r17' }`. */
  readonly params: Readonly<Record<string, string>>;
}

type PanelComponent = ComponentType<PanelProps>;

/**
 * A panel: one value in a terrain's list (`src/terrains/*.tsx`), and the frame shows it. To add one:
 *
 * 1. Write a component in `src/panels/<name>/`. It reads with `useMissionControl()` (`live` is the site at the moment
 *    shown, past or present; `now` takes what an answer of the hub changed) and renders again on `useTopic(...)`. It
 *    fills its box (`className="panel"`, what scrolls inside has `className="scroll"`), draws its own head, and
 *    designs its own empty, loading and failing states.
 * 2. What it selects goes to `selection`; what it does goes through `frame/operations.ts` and stands inside
 *    `<Guarded role="…">`; what it shows of another page is a link made with `useGo()`.
 * 3. Put a value of this type into the terrain's list. Give `lazy(...)` as component for whatever the first picture
 *    can do without; the frame shows a skeleton meanwhile, and a panel that fails is shown failed, alone.
 * 4. Lists of cards take the class `rows`: `j`, `k` and arrows walk them. Numbers that move are read in a frame loop
 *    from `live.sample(nowMs())`, never put into state.
 *
 * The frame decides size, tab, order, moving, collapsing and remembering; a panel must work from 280 px up.
 */
export interface Panel {
  /** Unique over all terrains, kebab-case: names it in remembered layouts and in the palette. */
  readonly id: string;
  /** One to three words; the tab and the palette say it. */
  readonly title: string;
  readonly place: PanelPlace;
  /** The path of a `page`, from `/`; segments that begin with `:` are handed over as params. */
  readonly path?: string;
  /** Shape of a 16 × 16 icon: the `d` of one path, stroked with the text's colour. */
  readonly icon: string;
  readonly component: PanelComponent | LazyExoticComponent<PanelComponent>;
  /** Within its place, ascending. */
  readonly order: number;
  /** Stands beside those before it rather than as a tab over them, where the place is wide enough. */
  readonly beside?: boolean;
  /** Shown only where this holds: `simulation` for panels that break things on purpose. */
  readonly only?: 'simulation';
  /** What of a selection a `page` explains itself. Anything else is explained beside it. */
  readonly explains?: readonly Selection['kind'][] | 'all';
}

/**
 * A layer of the site view: what a terrain draws over the floor. `component` is rendered inside the scene and reads
 * `useMissionControl().live` in the frame loop.
 */
export interface MapLayer {
  readonly id: string;
  /** One or two words, for the list of layers. */
  readonly title: string;
  /** Whether it is shown until a person chooses. */
  readonly shown: boolean;
  readonly component: ComponentType | LazyExoticComponent<ComponentType>;
  /** The same for a flat map: it draws through `useFlatPainter`. Without one the layer is not on flat maps. */
  readonly flat?: ComponentType;
}

/** What a terrain brings to the page. The frame knows terrains only by this list. */
export interface TerrainPart {
  readonly terrain: string;
  readonly panels: readonly Panel[];
  readonly layers: readonly MapLayer[];
  /** Runs as long as the page is open, whatever is shown, and draws nothing. */
  readonly standing?: ComponentType | LazyExoticComponent<ComponentType>;
}

export interface OpenedPage {
  readonly panel: Panel;
  /** What the pattern of its path names. */
  readonly params: PanelProps['params'];
}

/** The page that a path opens; null where no panel claims it. */
export function pageAt(panels: readonly Panel[], path: string): OpenedPage | null {
  for (const panel of panels) {
    if (panel.place !== 'page' || panel.path === undefined) continue;
    const params = matchPath(panel.path, path);
    if (params !== null) return { panel, params };
  }
  return null;
}

/** Segment by segment, `:name` takes any one segment; null where they differ. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split('/').filter((part) => part !== '');
  const given = path.split('/').filter((part) => part !== '');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [k, part] of wanted.entries()) {
    const value = given[k] as string;
    if (!part.startsWith(':')) {
      if (part !== value) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return params;
}
