import { Suspense, useEffect } from 'react';
import { StatusBar } from './bars/status-bar.tsx';
import { TopBar } from './bars/top-bar.tsx';
import { useConnection, useMissionControl, useObservable } from './mission-control.tsx';
import { type Panel, type PanelPlace, type PanelProps, pageAt } from './panel-port.ts';
import { levelUp } from './place/selection.ts';

const NO_PARAMS: PanelProps['params'] = {};

/** The places of the page. What stands in them are panels; the stop control and the connection belong to the frame. */
export function Frame() {
  const { selection, draft, path, terrains, simulated } = useMissionControl();
  const connection = useConnection();
  const panels = terrains.flatMap((terrain) => terrain.panels).filter((panel) => panel.only === undefined || simulated);
  const page = pageAt(panels, useObservable(path));

  useEffect(() => {
    const up = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || draft.get() !== null) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea'))
        return event.target.blur();
      const chosen = selection.get();
      if (chosen !== null) selection.set(levelUp(chosen));
    };
    window.addEventListener('keydown', up);
    return () => window.removeEventListener('keydown', up);
  }, [selection, draft]);

  return (
    <div className="frame" data-connection={connection.state}>
      <TopBar />
      <Placed panels={panels} place="left" />
      <main className="centre">
        {page === null ? <Placed panels={panels} place="centre" /> : <Shown {...page} />}
        <div className="dock">
          <Placed panels={panels} place="bottom" />
        </div>
      </main>
      <Placed panels={panels} place="right" />
      <StatusBar />
    </div>
  );
}

function Placed({ panels, place }: { readonly panels: readonly Panel[]; readonly place: PanelPlace }) {
  return panels
    .filter((panel) => panel.place === place)
    .sort((a, b) => a.order - b.order)
    .map((panel) => <Shown key={panel.id} panel={panel} params={NO_PARAMS} />);
}

function Shown({ panel, params }: { readonly panel: Panel; readonly params: PanelProps['params'] }) {
  const { component: Component, title } = panel;
  return (
    <Suspense fallback={<p className="empty">Loading {title}…</p>}>
      <Component params={params} />
    </Suspense>
  );
}
