import { useMemo } from 'react';
import { MissionControlProvider, useMissionControl, useObservable, usePast } from '../mission-control.tsx';
import { panelsOf } from './default-model.ts';
import { Differences } from './differences.tsx';
import { PanelBox, usePanels } from './panel-box.tsx';

/** Whether a person compares the past with the present. */
export function useSideBySide(): boolean {
  const { split } = useMissionControl();
  const wanted = useObservable(split);
  return usePast() && wanted;
}

/** The site twice, as it was at the moment shown and as it is; below, what differs. */
export function SideBySide() {
  const control = useMissionControl();
  const site = panelsOf(usePanels(), 'centre')[0];
  const present = useMemo(() => ({ ...control, live: control.now }), [control]);
  if (site === undefined) return null;
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
      <Differences />
    </div>
  );
}
