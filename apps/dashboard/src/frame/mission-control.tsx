import type { Site } from '@sigma/fleet-model';
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { Acts } from '../live/acts.ts';
import type { Hub } from '../live/hub.ts';
import type { LiveSite } from '../live/live-site.ts';
import type { Observable } from '../live/observable.ts';
import type { Session } from '../live/session.ts';
import type { Connection, SiteStream } from '../live/site-stream.ts';
import type { Topic } from '../live/topics.ts';
import type { Draft } from '../site/draft.ts';

export type Theme = 'dark' | 'light';

/** What every panel may use. One selection, one draft, one live site, one list of acts. */
export interface MissionControl {
  readonly hub: Hub;
  readonly live: LiveSite;
  readonly stream: SiteStream;
  readonly acts: Acts;
  readonly site: Site;
  readonly simulated: boolean;
  readonly session: Session;
  readonly selected: Observable<string | null>;
  readonly draft: Observable<Draft | null>;
  readonly theme: Observable<Theme>;
  /** The name under which this operator holds leases, once the hub has told it. */
  readonly holder: Observable<string>;
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

/** Renders again when anything of the topic changed; at most as often as the live site publishes. */
export function useTopic(topic: Topic): number {
  const { live } = useMissionControl();
  return useSyncExternalStore(
    (listener) => live.subscribe(topic, listener),
    () => live.version(topic),
  );
}

export function useConnection(): Connection {
  const { stream } = useMissionControl();
  return useSyncExternalStore(
    (listener) => stream.subscribe(listener),
    () => stream.connection,
  );
}

/** Renders again every `everyMs`: for ages and clocks, which change without any message. */
export function useTick(everyMs: number): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
