import { useMemo } from 'react';
import { localTime } from '../../words/quantities.ts';
import { MissionControlProvider, useMissionControl, useObservable, usePast, useTick } from '../mission-control.tsx';
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
        <SideWord name="past-word">PAST</SideWord>
        <PanelBox panel={site} />
      </section>
      <section aria-label="Live" data-side="live">
        <MissionControlProvider value={present}>
          <SideWord>LIVE</SideWord>
          <PanelBox panel={site} />
        </MissionControlProvider>
      </section>
      <Differences />
    </div>
  );
}

/** Twice a second: a clock that skips a second looks broken. */
const CLOCK_MS = 500;

/** Which of the two it is, and the moment that it shows. */
function SideWord({ name = '', children }: { readonly name?: string; readonly children: string }) {
  const { live } = useMissionControl();
  useTick(CLOCK_MS);
  return (
    <span className={`side-word ${name}`} data-testid="side-word">
      {children} <time className="mono">{live.timeUs === 0n ? '' : localTime(live.timeUs)}</time>
    </span>
  );
}
