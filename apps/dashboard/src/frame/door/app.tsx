import { useCallback, useEffect, useState } from 'react';
import type { Hub } from '../../live/hub.ts';
import type { Observable } from '../../live/observable.ts';
import { readSession, type Session } from '../../live/session.ts';
import type { Theme } from '../mission-control.tsx';
import type { TerrainPart } from '../panel-port.ts';
import { SignInForm } from './sign-in.tsx';
import { SiteLoader } from './site-loader.tsx';
import { Waiting } from './waiting.tsx';

export interface AppProps {
  readonly hub: Hub;
  readonly theme: Observable<Theme>;
  readonly terrains: readonly TerrainPart[];
}

type Door =
  | { readonly state: 'asking' }
  | { readonly state: 'closed'; readonly notice: string }
  | { readonly state: 'open'; readonly session: Session };

/** From the door to the site: session, then the site's map, then the live frame. */
export function App(props: AppProps) {
  const [door, setDoor] = useState<Door>({ state: 'asking' });

  const ask = useCallback(async () => {
    const session = await readSession((path, init) => fetch(path, init));
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
  return <SiteLoader {...props} session={door.session} onLeft={leave} />;
}
