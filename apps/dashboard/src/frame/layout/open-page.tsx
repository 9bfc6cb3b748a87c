import type { ReactNode } from 'react';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { useFrame } from '../frame-ui.ts';
import { MissionControlProvider, useMissionControl, useObservable } from '../mission-control.tsx';
import { type OpenedPage, type Panel, pageAt } from '../panel-port.ts';
import { panelsOf } from './default-model.ts';
import { PanelIcon } from './docked-panels.tsx';
import { PanelBox, usePanels } from './panel-box.tsx';
import { SideBySide, useSideBySide } from './side-by-side.tsx';
import { useWide } from './window-width.ts';

/**
 * What takes the whole middle: the page that is open, or past and present side by side. Null while the panels around
 * the site are to be seen.
 */
export function useWholeMiddle(): ReactNode {
  const { path } = useMissionControl();
  const open = useObservable(path);
  const panels = usePanels();
  const sideBySide = useSideBySide();
  const page = pageAt(panels, open);
  if (page !== null) return <OpenPage page={page} panels={panels} />;
  if (open !== '/') return <NoSuchPage path={open} />;
  if (!sideBySide) return null;
  return (
    <Explained panels={panels} without={[]} standing={false}>
      <SideBySide />
    </Explained>
  );
}

/**
 * A page has the middle to itself; what is selected on it is explained beside it, where it does not do so itself. A
 * wide window keeps that place, and nothing moves when something is selected.
 */
function OpenPage({ page, panels }: { readonly page: OpenedPage; readonly panels: readonly Panel[] }) {
  const { path } = useMissionControl();
  const wide = useWide();
  const { panel, params } = page;
  return (
    <Explained panels={panels} without={panel.explains ?? []} standing={wide && panel.explains === undefined}>
      <header className="page-head">
        <PanelIcon d={panel.icon} />
        <h2>{panel.title}</h2>
        <span className="spring" />
        <button type="button" className="plain" onClick={() => path.set('/')} data-testid="page-close">
          Back to the site <kbd>Esc</kbd>
        </button>
      </header>
      <div className="page-content" data-panel={panel.id}>
        <PanelBox panel={panel} params={params} />
      </div>
    </Explained>
  );
}

interface ExplainedProps {
  readonly panels: readonly Panel[];
  /** What is not explained beside it. */
  readonly without: NonNullable<Panel['explains']>;
  /** Beside it also while nothing is selected. */
  readonly standing: boolean;
  readonly children: ReactNode;
}

function Explained({ panels, without, standing, children }: ExplainedProps) {
  const control = useMissionControl();
  const { selection } = control;
  const earlier = useObservable(useFrame().earlier);
  const chosen = useObservable(selection);
  const right = panelsOf(panels, 'right')[0];
  const wanted = standing || (chosen !== null && without !== 'all' && !without.includes(chosen.kind));
  const beside = right !== undefined && wanted;
  return (
    <div className={beside ? 'page with-beside' : 'page'}>
      {children}
      {beside ? (
        <div className="page-beside" data-panel={right.id}>
          <MissionControlProvider value={earlier ?? control}>
            <PanelBox panel={right} />
          </MissionControlProvider>
        </div>
      ) : null}
    </div>
  );
}

function NoSuchPage({ path }: { readonly path: string }) {
  const { path: open } = useMissionControl();
  return (
    <section className="page-missing" aria-label="No such page">
      <EmptyState icon={EMPTY_ICON.search} title="There is no page here" testId="no-such-page">
        <p>
          Nothing of this site stands under <span className="mono">{path}</span>. The link may be of another version, or
          of a terrain that this hub does not run.
        </p>
        <button type="button" className="primary" onClick={() => open.set('/')}>
          Back to the site
        </button>
      </EmptyState>
    </section>
  );
}
