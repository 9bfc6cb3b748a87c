import { createContext, type RefObject, useContext } from 'react';
import type { WorkspaceImperativeHandle } from 'react-resizable-panels';
import { Observable } from '../live/observable.ts';
import type { MissionControl } from './mission-control.tsx';
import { keep, recall, storageHere } from './remembered.ts';
import { Bookmarks } from './time/bookmarks.ts';

export type Density = 'compact' | 'comfortable';

/** What belongs to the frame itself and to this person's browser: what is open over it, how dense it is, its layout. */
export interface FrameUi {
  readonly palette: Observable<boolean>;
  readonly keySheet: Observable<boolean>;
  /** Step of the first run, or null when it is not shown. */
  readonly tour: Observable<number | null>;
  readonly density: Observable<Density>;
  /** One line for those who come near: "Link copied". Cleared by itself. */
  readonly notice: Observable<string>;
  /** An earlier life that the open page shows in the place of the site's own; what is selected is explained of it. */
  readonly earlier: Observable<MissionControl | null>;
  readonly bookmarks: Bookmarks;
  /** Names a new bookmark while a person types. */
  readonly naming: Observable<boolean>;
  readonly workspace: RefObject<WorkspaceImperativeHandle<null, null> | null>;
  /** Grows when the layout is to be built anew from the panels' own places. */
  readonly resets: Observable<number>;
  /** To be read from three metres: `?wall`. */
  readonly wall: boolean;
  readonly person: string;
}

const NOTICE_MS = 4_000;

export function frameUi(person: string, location: Location): FrameUi {
  const notice = new Observable('');
  let timer: ReturnType<typeof setTimeout> | undefined;
  notice.subscribe(() => {
    clearTimeout(timer);
    if (notice.get() !== '') timer = setTimeout(() => notice.set(''), NOTICE_MS);
  });
  const densityKey = `sigma.density.${person}`;
  const density = new Observable<Density>(recall(densityKey) === 'comfortable' ? 'comfortable' : 'compact');
  density.subscribe(() => keep(densityKey, density.get()));
  return {
    palette: new Observable(false),
    keySheet: new Observable(false),
    tour: new Observable<number | null>(null),
    density,
    notice,
    earlier: new Observable<MissionControl | null>(null),
    bookmarks: new Bookmarks(storageHere(), person),
    naming: new Observable(false),
    workspace: { current: null },
    resets: new Observable(0),
    wall: new URLSearchParams(location.search).has('wall'),
    person,
  };
}

const Context = createContext<FrameUi | null>(null);
export const FrameUiProvider = Context.Provider;

export function useFrame(): FrameUi {
  const frame = useContext(Context);
  if (frame === null) throw new Error('this stands outside the frame');
  return frame;
}
