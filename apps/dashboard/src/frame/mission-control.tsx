import type { Site } from '@sigma/fleet-model';
import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { Acts } from '../live/acts.ts';
import type { Hub } from '../live/hub.ts';
import type { LiveSite } from '../live/live-site.ts';
import type { Observable } from '../live/observable.ts';
import type { Session } from '../live/session.ts';
import type { Connection, SiteStream } from '../live/site-stream.ts';
import type { SiteView } from '../live/site-view.ts';
import type { Topic } from '../live/topics.ts';
import type { PastEngine } from '../past/past-engine.ts';
import type { TimeMachine } from '../past/time-machine.ts';
import type { Draft } from '../site/draft.ts';
import type { SiteChoices } from '../site/site-layers.ts';
import type { Me } from './access/me.ts';
import type { TerrainPart } from './panel-port.ts';
import type { Selection } from './place/selection.ts';
import type { ShownTime } from './place/shown-time.ts';

export type Theme = 'dark' | 'light';

/** What every panel may use. One selection, one moment, one draft, one list of acts. */
export interface MissionControl {
  readonly hub: Hub;
  /** The site at the moment that the page shows, past or present. The same object for ever; `useTopic` tells of changes. */
  readonly live: SiteView;
  /** The site as it is now, whatever is shown: where answers of the hub are put (`now.putMission(...)`). */
  readonly now: LiveSite;
  readonly stream: SiteStream;
  readonly acts: Acts;
  readonly site: Site;
  readonly simulated: boolean;
  readonly session: Session;
  readonly terrains: readonly TerrainPart[];
  readonly me: Observable<Me>;
  /** Live, or which past moment. */
  readonly time: Observable<ShownTime>;
  /** Moves that moment: live, seek, play, step. */
  readonly clock: TimeMachine;
  /** The past as computed so far: progress, and what cannot be computed. */
  readonly engine: PastEngine;
  /** A moment with a name: a bookmark, or one that came with a link. */
  readonly named: Observable<{ readonly name: string; readonly atUs: number } | null>;
  /** Past and present side by side, while the past is shown. */
  readonly split: Observable<boolean>;
  readonly selection: Observable<Selection | null>;
  /** The robot that the selection is or belongs to; setting it selects a robot. */
  readonly selected: Observable<string | null>;
  /** The open page's path; `/` is the site. */
  readonly path: Observable<string>;
  /** How this person looks at sites, and what is laid over them; kept for the next visit. */
  readonly choices: Observable<SiteChoices>;
  /** Whether the site view can lay anything over the floor: drawn flat it cannot. */
  readonly layered: Observable<boolean>;
  /** Where the site view looks, in its own words; travels in links. Empty: the whole site. */
  readonly viewpoint: Observable<string>;
  readonly draft: Observable<Draft | null>;
  /** What was being drawn when something else was begun; null where nothing waits. */
  readonly aside: Observable<Draft | null>;
  readonly theme: Observable<Theme>;
  /** A clock that never runs backwards, milliseconds. */
  readonly nowMs: () => number;
  readonly signOut: () => void;
}

const Context = createContext<MissionControl | null>(null);
export const MissionControlProvider = Context.Provider;

export function useMissionControl(): MissionControl {
  const control = useContext(Context);
  if (control === null) throw new Error('a panel stands outside the frame');
  return control;
}

export const useObservable = <T,>(observable: Observable<T>): T =>
  useSyncExternalStore(observable.subscribe, observable.get);

/** Whether the page shows the past. Renders again when that changes, not with every moment that passes. */
export function usePast(): boolean {
  const { time } = useMissionControl();
  return useSyncExternalStore(time.subscribe, () => time.get().kind === 'past');
}

/** Renders again when anything of the topic changed; at most as often as the site publishes. */
export function useTopic(topic: Topic): number {
  const { live } = useMissionControl();
  return useSyncExternalStore(
    useCallback((listener: () => void) => live.subscribe(topic, listener), [live, topic]),
    () => live.version(topic),
  );
}

export function useConnection(): Connection {
  const { stream } = useMissionControl();
  return useSyncExternalStore(
    useCallback((listener: () => void) => stream.subscribe(listener), [stream]),
    () => stream.connection,
  );
}

/** Opens a page by its path. */
export function useGo(): (path: string) => void {
  return useMissionControl().path.set;
}

/** Renders again every `everyMs`: for ages and clocks, which change without any message. */
export function useTick(everyMs: number): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
