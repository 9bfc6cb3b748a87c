import { type Site, siteFromJson } from '@sigma/fleet-model';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Acts } from '../live/acts.ts';
import { explain, type Hub, isSignedOut, shortReason } from '../live/hub.ts';
import { LiveSite } from '../live/live-site.ts';
import { Observable } from '../live/observable.ts';
import { readSession, type Session, signOut } from '../live/session.ts';
import { ShownSite } from '../live/shown-site.ts';
import { SiteStream } from '../live/site-stream.ts';
import type { Draft } from '../site/draft.ts';
import { Identity } from './access/me.ts';
import { Frame } from './frame.tsx';
import { type MissionControl, MissionControlProvider, type Theme } from './mission-control.tsx';
import type { TerrainPart } from './panel-port.ts';
import { pagePath } from './place/page-path.ts';
import { robotSelection, type Selection } from './place/selection.ts';
import type { ShownTime } from './place/shown-time.ts';
import { SignInForm } from './sign-in.tsx';

type Door =
  | { readonly state: 'asking' }
  | { readonly state: 'closed'; readonly notice: string }
  | { readonly state: 'open'; readonly session: Session };

const browserFetch = (path: string, init?: RequestInit) => fetch(path, init);

interface AppProps {
  readonly hub: Hub;
  readonly theme: Observable<Theme>;
  readonly terrains: readonly TerrainPart[];
}

/** From the door to the site: session, then the site's map, then the live frame. */
export function App({ hub, theme, terrains }: AppProps) {
  const [door, setDoor] = useState<Door>({ state: 'asking' });

  const ask = useCallback(async () => {
    const session = await readSession(browserFetch);
    if (session === 'unreachable') {
      setDoor({
        state: 'closed',
        notice: 'The hub cannot be reached. Robots keep themselves safe. Check that it runs: npx sigma doctor',
      });
    } else {
      setDoor(session === null ? { state: 'closed', notice: '' } : { state: 'open', session });
    }
  }, []);
  useEffect(() => void ask(), [ask]);

  const leave = useCallback((notice: string) => setDoor({ state: 'closed', notice }), []);
  if (door.state === 'asking') return <Waiting>Asking the hub who is signed in…</Waiting>;
  if (door.state === 'closed') {
    return (
      <SignInForm
        key={door.notice}
        notice={door.notice}
        onSignedIn={(session) => setDoor({ state: 'open', session })}
      />
    );
  }
  return <SiteLoader hub={hub} theme={theme} terrains={terrains} session={door.session} onLeft={leave} />;
}

interface SiteLoaderProps extends AppProps {
  readonly session: Session;
  readonly onLeft: (notice: string) => void;
}

type Loaded = { readonly site: Site; readonly simulated: boolean } | { readonly error: string } | null;

const SESSION_OVER = 'The session is over. Sign in again; robots keep doing what they do.';

function SiteLoader({ hub, theme, terrains, session, onLeft }: SiteLoaderProps) {
  const [loaded, setLoaded] = useState<Loaded>(null);
  const load = useCallback(async () => {
    setLoaded(null);
    try {
      const answer = await hub.site.getSite({});
      setLoaded({ site: siteFromJson(JSON.parse(answer.siteJson)), simulated: answer.simulated });
    } catch (error) {
      if (isSignedOut(error)) onLeft(SESSION_OVER);
      else setLoaded({ error: explain(error) });
    }
  }, [hub, onLeft]);
  useEffect(() => void load(), [load]);

  if (loaded === null) return <Waiting>Loading the site…</Waiting>;
  if ('error' in loaded) {
    return (
      <main className="waiting" role="alert">
        <h1>The site could not be loaded</h1>
        <p>{loaded.error}</p>
        <button type="button" className="primary" onClick={() => void load()}>
          Try again
        </button>
      </main>
    );
  }
  return (
    <LiveFrame
      hub={hub}
      theme={theme}
      terrains={terrains}
      session={session}
      onLeft={onLeft}
      site={loaded.site}
      simulated={loaded.simulated}
    />
  );
}

/** Changes reach the components at most this often; positions do not go this way at all. */
const PUBLISH_MS = 200;

function LiveFrame({
  hub,
  theme,
  terrains,
  session,
  onLeft,
  site,
  simulated,
}: SiteLoaderProps & { site: Site; simulated: boolean }) {
  const { control, identity } = useMemo(() => {
    const nowMs = () => performance.now();
    const now = new LiveSite((run) => setTimeout(run, PUBLISH_MS));
    const stream = new SiteStream(now, {
      watch: (follow, signal) => hub.site.watchSite({ rate: 10, follow: [...follow], allDecisions: true }, { signal }),
      nowMs,
      wait: waitFor,
      chance: Math.random,
      reason: shortReason,
      refused: isSignedOut,
    });
    const identity = new Identity(hub, session);
    const selection = new Observable<Selection | null>(null);
    const control: MissionControl = {
      hub,
      live: new ShownSite(now),
      now,
      stream,
      acts: new Acts(explain),
      site,
      simulated,
      session,
      terrains,
      me: identity.me,
      time: new Observable<ShownTime>({ kind: 'live' }),
      selection,
      selected: robotSelection(selection),
      path: pagePath(window),
      draft: new Observable<Draft | null>(null),
      theme,
      nowMs,
      signOut: () => void signOut(browserFetch).finally(() => onLeft('')),
    };
    return { control, identity };
  }, [hub, theme, terrains, session, onLeft, site, simulated]);

  useEffect(() => identity.start(), [identity]);
  useEffect(() => {
    const { stream, selected } = control;
    const stopFollowing = selected.subscribe(() => {
      const id = selected.get();
      stream.follow(id === null ? [] : [id]);
    });
    const stopWatching = stream.subscribe(() => {
      if (stream.connection.state === 'signed_out') onLeft(SESSION_OVER);
    });
    void stream.run();
    void loadHistory(control);
    return () => {
      stopFollowing();
      stopWatching();
      stream.stop();
    };
  }, [control, onLeft]);

  return (
    <MissionControlProvider value={control}>
      <Frame />
    </MissionControlProvider>
  );
}

/** Missions and alerts from before this page was opened; what happens from now on comes with the stream. */
async function loadHistory({ hub, now, acts }: MissionControl): Promise<void> {
  try {
    const [missions, alerts] = await Promise.all([
      hub.missions.listMissions({ limit: 100 }),
      hub.alerts.listAlerts({ limit: 200 }),
    ]);
    for (const mission of missions.missions) if (now.mission(mission.id) === undefined) now.putMission(mission);
    const known = new Set(now.alerts().map((alert) => alert.id));
    for (const alert of alerts.alerts) if (!known.has(alert.id)) now.putAlert(alert);
  } catch (error) {
    await acts.run(
      'Load missions and alerts',
      [],
      () => Promise.reject(error),
      () => ({ kind: 'done', detail: '' }),
    );
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function Waiting({ children }: { readonly children: string }) {
  return (
    <main className="waiting" aria-busy="true">
      <p>{children}</p>
    </main>
  );
}
