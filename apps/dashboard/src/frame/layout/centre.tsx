import { useMemo } from 'react';
import { MissionControlProvider, useMissionControl, useObservable, usePast } from '../mission-control.tsx';
import { pageAt } from '../panel-port.ts';
import { panelsOf } from './default-model.ts';
import { PanelBox, usePanels } from './panel-box.tsx';

/** The middle: the page that is open, or the site; past and present side by side when a person wants that. */
export function Centre() {
  const control = useMissionControl();
  const panels = usePanels();
  const path = useObservable(control.path);
  const split = useObservable(control.split);
  const past = usePast();
  const page = pageAt(panels, path);
  const present = useMemo(() => ({ ...control, live: control.now }), [control]);
  if (page !== null) return <PanelBox panel={page.panel} params={page.params} />;
  if (path !== '/') return <NoSuchPage path={path} />;
  const site = panelsOf(panels, 'centre')[0];
  if (site === undefined) return null;
  if (!split || !past) return <PanelBox panel={site} />;
  return (
    <div className="side-by-side" data-testid="side-by-side">
      <section aria-label="The past" data-side="past">
        <span className="side-word past-word">PAST</span>
        <PanelBox panel={site} />
      </section>
      <section aria-label="Live" data-side="live">
        <span className="side-word">LIVE</span>
        <MissionControlProvider value={present}>
          <PanelBox panel={site} />
        </MissionControlProvider>
      </section>
    </div>
  );
}

function NoSuchPage({ path }: { readonly path: string }) {
  const { path: open } = useMissionControl();
  return (
    <section className="panel-failed" data-testid="no-such-page">
      <h1>There is no page here</h1>
      <p>
        Nothing of this site stands under <span className="mono">{path}</span>. The link may be of another version, or
        of a terrain that this hub does not run.
      </p>
      <button type="button" className="primary" onClick={() => open.set('/')}>
        Back to the site
      </button>
    </section>
  );
}
