import type { Look } from '../../site/solid/lens.ts';
import type { DrawnWord } from '../../site/solid/site-words.ts';

/** What the panel's buttons, and tests, may ask of whichever view is shown. */
export interface ShownSiteMap {
  zoom(steps: number): void;
  fit(): void;
  /** Where a point of the site stands, in pixels from the view's top left corner. */
  locate(xM: number, yM: number): { readonly xPx: number; readonly yPx: number };
  /** Turns the view so that north is up; the flat map has nothing else. */
  north?(): void;
  readonly look?: Look;
  /** Every word on the picture, in pixels from the view's top left corner; the flat map tells none. */
  readonly words?: readonly DrawnWord[];
  /** What pictures cost in ms, at which share of the resolution, and how many were handed over and are done. */
  readonly effort?: {
    readonly costMs: number;
    readonly share: number;
    readonly quick: boolean;
    readonly painted: number;
    readonly done: number;
  };
}

/** The element of the map, with the map behind it, so that a test can ask where a robot stands on the screen. */
export interface MapElement extends HTMLElement {
  sigmaMap?: ShownSiteMap;
}

/** Why the site is drawn flat. */
export type FlatReason = 'loading' | 'missing' | 'lost' | 'failed';

/** Whether this browser can draw in three dimensions at all: a context is made and given back. */
export function hasWebgl(): boolean {
  try {
    const gl = document.createElement('canvas').getContext('webgl2');
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return gl !== null;
  } catch {
    return false;
  }
}
