import { lazy, Suspense, useEffect, useMemo } from 'react';
import { Rail } from './bars/rail.tsx';
import { SiteSummary } from './bars/site-summary.tsx';
import { StandingNotice } from './bars/standing-notice.tsx';
import { TopBar } from './bars/top-bar.tsx';
import { FrameUiProvider, frameUi } from './frame-ui.ts';
import { COMMANDS } from './keys/commands.ts';
import { useCommandKeys } from './keys/use-command-keys.ts';
import { DockedPanels } from './layout/docked-panels.tsx';
import { StackedPanels, useNarrow } from './layout/stacked-panels.tsx';
import { useConnection, useMissionControl, useObservable } from './mission-control.tsx';
import { TimeBar } from './time/time-bar.tsx';

const Palette = lazy(async () => ({ default: (await import('./keys/palette.tsx')).Palette }));
const KeySheet = lazy(async () => ({ default: (await import('../help/key-sheet.tsx')).KeySheet }));
const Tour = lazy(async () => ({ default: (await import('../help/tour.tsx')).Tour }));

/**
 * The frame of every page: where one is, the stop control, the panels, the time. What stands in the panels belongs to
 * terrains; the frame knows none of them.
 */
export function Frame() {
  const control = useMissionControl();
  const frame = useMemo(() => frameUi(control.session.email, location), [control]);
  const context = useMemo(() => ({ control, frame }), [control, frame]);
  const connection = useConnection();
  const past = useObservable(control.time).kind === 'past';
  const density = useObservable(frame.density);
  const narrow = useNarrow();
  const palette = useObservable(frame.palette);
  const keySheet = useObservable(frame.keySheet);
  const tour = useObservable(frame.tour);
  useCommandKeys(COMMANDS, context);

  useEffect(() => {
    const root = document.documentElement;
    root.dataset['density'] = density;
    if (frame.wall) root.dataset['wall'] = '';
    return () => {
      delete root.dataset['density'];
      delete root.dataset['wall'];
    };
  }, [density, frame]);

  return (
    <FrameUiProvider value={frame}>
      <div className="frame" data-connection={connection.state} data-time={past ? 'past' : 'live'}>
        <TopBar />
        <Rail />
        <main className="middle" aria-label="Panels">
          <StandingNotice />
          {narrow ? <StackedPanels /> : <DockedPanels />}
        </main>
        <TimeBar />
        <SiteSummary />
      </div>
      <Suspense fallback={null}>
        {palette ? <Palette /> : null}
        {keySheet ? <KeySheet /> : null}
        {tour === null ? null : <Tour />}
      </Suspense>
    </FrameUiProvider>
  );
}
