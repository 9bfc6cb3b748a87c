import { type Site, siteFromJson } from '@sigma/fleet-model';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { explain, isForbidden, isSignedOut } from '../../live/hub.ts';
import type { Session } from '../../live/session.ts';
import { Frame } from '../frame.tsx';
import { MissionControlProvider } from '../mission-control.tsx';
import type { AppProps } from './app.tsx';
import { openControl } from './open-control.ts';
import { Waiting } from './waiting.tsx';

interface SiteLoaderProps extends AppProps {
  readonly session: Session;
  readonly onLeft: (notice: string) => void;
}

type Loaded =
  | { readonly site: Site; readonly simulated: boolean }
  | { readonly error: string; readonly forbidden: boolean }
  | null;

const SESSION_OVER = 'The session is over. Sign in again; robots keep doing what they do.';

/** Fetches the map, and says what to do when it cannot be had. */
export function SiteLoader({ hub, session, onLeft, ...rest }: SiteLoaderProps) {
  const [loaded, setLoaded] = useState<Loaded>(null);
  const load = useCallback(async () => {
    setLoaded(null);
    try {
      const answer = await hub.site.getSite({});
      setLoaded({ site: siteFromJson(JSON.parse(answer.siteJson)), simulated: answer.simulated });
    } catch (error) {
      if (isSignedOut(error)) onLeft(SESSION_OVER);
      else setLoaded({ error: explain(error), forbidden: isForbidden(error) });
    }
  }, [hub, onLeft]);
  useEffect(() => void load(), [load]);

  if (loaded === null) return <Waiting>Loading the site…</Waiting>;
  if ('error' in loaded) {
    return (
      <main className="waiting">
        <div role="alert">
          <h1>{loaded.forbidden ? 'This account may not see the site' : 'The site could not be loaded'}</h1>
          <p>{loaded.error}</p>
        </div>
        {loaded.forbidden ? (
          <p className="quiet">
            {session.email} has no role here. An administrator gives one on the page Accounts of Mission Control.
          </p>
        ) : null}
        <div className="waiting-acts">
          <button type="button" className="primary" onClick={() => void load()}>
            Try again
          </button>
          <button type="button" onClick={() => onLeft('')}>
            Sign in as somebody else
          </button>
        </div>
      </main>
    );
  }
  return <LiveFrame {...rest} hub={hub} session={session} onLeft={onLeft} {...loaded} />;
}

function LiveFrame({
  hub,
  theme,
  terrains,
  session,
  onLeft,
  site,
  simulated,
}: SiteLoaderProps & { site: Site; simulated: boolean }) {
  const opened = useMemo(
    () => openControl({ hub, theme, terrains, session, site, simulated, onLeft, sessionOver: SESSION_OVER }),
    [hub, theme, terrains, session, onLeft, site, simulated],
  );
  useEffect(() => opened.run(), [opened]);
  return (
    <MissionControlProvider value={opened.control}>
      <Frame />
    </MissionControlProvider>
  );
}
