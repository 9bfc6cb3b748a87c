import { lazy, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Rail } from './bars/rail.tsx';
import { SiteSummary } from './bars/site-summary.tsx';
import { StandingNotice } from './bars/standing-notice.tsx';
import { TopBar } from './bars/top-bar.tsx';
import { type FrameUi, FrameUiProvider, frameUi } from './frame-ui.ts';
import { COMMANDS } from './keys/commands.ts';
import { useCommandKeys } from './keys/use-command-keys.ts';
import { useListKeys } from './keys/use-list-keys.ts';
import { DockedPanels } from './layout/docked-panels.tsx';
import { useWholeMiddle } from './layout/open-page.tsx';
import { StackedPanels } from './layout/stacked-panels.tsx';
import { useNarrow } from './layout/window-width.ts';
import { useConnection, useMissionControl, useObservable, usePast } from './mission-control.tsx';
import { recall, TOUR_KEY } from './remembered.ts';
import { TimeBar } from './time/time-bar.tsx';
import { untilFetched } from './until-fetched.ts';

const fetchPalette = () => untilFetched(() => import('./keys/palette.tsx'));
const fetchKeySheet = () => untilFetched(() => import('../help/key-sheet.tsx'));
const Palette = lazy(async () => ({ default: (await fetchPalette()).Palette }));
const KeySheet = lazy(async () => ({ default: (await fetchKeySheet()).KeySheet }));
const Tour = lazy(async () => ({ default: (await untilFetched(() => import('../help/tour.tsx'))).Tour }));

const DIALOGS_AFTER_MS = 2_500;

/**
 * The frame of every page: where one is, the stop control, the panels, the time. What stands in the panels belongs to
 * terrains; the frame knows none of them.
 */
export function Frame() {
  const control = useMissionControl();
  const frame = useMemo(() => frameUi(control.session.email, location), [control]);
  const context = useMemo(() => ({ control, frame }), [control, frame]);
  const connection = useConnection();
  const past = usePast();
  const density = useObservable(frame.density);
  const narrow = useNarrow();
  const whole = useWholeMiddle();
  const palette = useObservable(frame.palette);
  const keySheet = useObservable(frame.keySheet);
  const tour = useObservable(frame.tour);
  useCommandKeys(COMMANDS, context);
  useListKeys();
  useFirstRun(frame, connection.state === 'live');

  useEffect(() => {
    // After the first picture, so that no key is lost between Ctrl K and the palette, and both open without a hub.
    const timer = setTimeout(() => void Promise.all([fetchPalette(), fetchKeySheet()]), DIALOGS_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);

  const styled = useRootStyle(density, frame.wall);

  return (
    <FrameUiProvider value={frame}>
      <div className="frame" data-connection={connection.state} data-time={past ? 'past' : 'live'}>
        <TopBar />
        <Rail />
        <main className="middle" aria-label="Panels">
          <StandingNotice />
          {styled ? (whole ?? (narrow ? <StackedPanels /> : <DockedPanels />)) : null}
        </main>
        <TimeBar />
        <SiteSummary />
      </div>
      <Suspense fallback={null}>
        {palette ? <Palette /> : null}
        {keySheet ? <KeySheet /> : null}
        {tour === null ? null : <Tour />}
      </Suspense>
      {control.terrains.map(({ terrain, standing: Standing }) =>
        Standing === undefined ? null : (
          <Suspense key={terrain} fallback={null}>
            <Standing />
          </Suspense>
        ),
      )}
    </FrameUiProvider>
  );
}

/** Says to the styles how dense the page is and whether it hangs on a wall. True once panels can measure their type. */
function useRootStyle(density: string, wall: boolean): boolean {
  const [styled, setStyled] = useState(false);
  useLayoutEffect(() => {
    const root = document.documentElement;
    root.dataset['density'] = density;
    if (wall) root.dataset['wall'] = '';
    setStyled(true);
    return () => {
      delete root.dataset['density'];
      delete root.dataset['wall'];
    };
  }, [density, wall]);
  return styled;
}

/** Shows a newcomer around, once the site is on the screen; a wall has nobody to show around. */
function useFirstRun(frame: FrameUi, live: boolean): void {
  const seen = useRef(recall(TOUR_KEY) === true || frame.wall);
  useEffect(() => {
    if (!live || seen.current) return;
    seen.current = true;
    frame.tour.set(0);
  }, [frame, live]);
}
