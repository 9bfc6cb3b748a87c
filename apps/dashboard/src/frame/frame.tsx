import { lazy, Suspense, useEffect, useState } from 'react';
import { AlertsPanel } from '../panels/alerts/alerts-panel.tsx';
import { FleetPanel } from '../panels/fleet/fleet-panel.tsx';
import { MissionsPanel } from '../panels/missions/missions-panel.tsx';
import { RobotPanel } from '../panels/robot/robot-panel.tsx';
import { SitePanel } from '../panels/site/site-panel.tsx';
import { useConnection, useMissionControl } from './mission-control.tsx';
import { StatusBar } from './status-bar.tsx';
import { TopBar } from './top-bar.tsx';

const VerifyPanel = lazy(async () => ({ default: (await import('../panels/verify/verify-panel.tsx')).VerifyPanel }));

const VERIFY_PATH = '/verify';

/** The places of the page. What stands in them are panels; the stop control and the connection belong to the frame. */
export function Frame() {
  const { selected, draft } = useMissionControl();
  const connection = useConnection();
  const [path, go] = usePath();

  useEffect(() => {
    const up = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || draft.get() !== null) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea'))
        return event.target.blur();
      selected.set(null);
    };
    window.addEventListener('keydown', up);
    return () => window.removeEventListener('keydown', up);
  }, [selected, draft]);

  return (
    <div className="frame" data-connection={connection.state}>
      <TopBar onVerify={() => go(VERIFY_PATH)} />
      <FleetPanel />
      <main className="centre">
        {path === VERIFY_PATH ? (
          <Suspense fallback={<p className="empty">Loading the verifier…</p>}>
            <VerifyPanel onClose={() => go('/')} />
          </Suspense>
        ) : (
          <SitePanel />
        )}
        <div className="dock">
          <AlertsPanel />
          <MissionsPanel />
        </div>
      </main>
      <RobotPanel />
      <StatusBar />
    </div>
  );
}

function usePath(): readonly [string, (path: string) => void] {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    window.addEventListener('popstate', moved);
    return () => window.removeEventListener('popstate', moved);
  }, []);
  const go = (to: string) => {
    history.pushState(null, '', to);
    setPath(to);
  };
  return [path, go];
}
