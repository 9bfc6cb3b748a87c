import { useCallback, useEffect, useMemo } from 'react';
import {
  Separator,
  type TabNode,
  type TabRenderProps,
  TabsetCollapseButton,
  TabsetMaximizeButton,
  Workspace,
  type WorkspaceModel,
} from 'react-resizable-panels';
import { useFrame } from '../frame-ui.ts';
import { useObservable } from '../mission-control.tsx';
import { keep, recall } from '../remembered.ts';
import { CENTRE, defaultModel, panelsOf, rememberedModel } from './default-model.ts';
import { PanelBox, usePanels } from './panel-box.tsx';

const CLASSES = {
  tabset: 'tabset',
  header: 'tabset-head',
  tabList: 'tab-list',
  tab: 'dock-tab',
  toolbar: 'tabset-tools',
  tabPanels: 'tab-panels',
  tabContent: 'tab-content',
  dropIndicator: 'drop-here',
  dragPreview: 'drag-preview',
} as const;

/** Panels in tabs that a person drags, resizes, collapses and finds again as he left them. */
export function DockedPanels() {
  const frame = useFrame();
  const panels = usePanels();
  const resets = useObservable(frame.resets);
  const key = `sigma.layout.${frame.person}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a workspace reads its first model once; the key below makes a new one after a reset.
  const model = useMemo(
    () =>
      (resets === 0 ? rememberedModel(recall(key), panels) : null) ??
      defaultModel(panels, window.innerWidth / typeScale()),
    [resets, key],
  );
  useEffect(() => {
    if (resets > 0) keep(key, null);
  }, [resets, key]);
  const changed = useCallback((next: WorkspaceModel<null, null>) => keep(key, next), [key]);
  return (
    <Workspace<null, null>
      key={resets}
      id="panels"
      className="workspace"
      classNames={CLASSES}
      defaultModel={model}
      onModelChanged={changed}
      workspaceRef={frame.workspace}
      hiddenTabBehavior="unmount"
      lazyTabContent
      tabsetMinWidth="240px"
      tabsetMinHeight="100px"
      renderTab={renderTab}
      renderTabContent={renderContent}
      renderTabsetToolbar={renderTools}
      renderSeparator={renderSeparator}
    />
  );
}

/** The size of type, in pixels, for which the widths of panels are given. */
const STANDARD_TYPE_PX = 13;

/** How much larger type is now: on a wall lists need more room for the same words. */
const typeScale = (): number => Number.parseFloat(getComputedStyle(document.body).fontSize) / STANDARD_TYPE_PX;

const renderContent = (tab: TabNode<null>) => (tab.id === CENTRE ? <TheSite /> : <Docked id={tab.id} />);

const renderSeparator = (orientation: 'horizontal' | 'vertical') => (
  <Separator
    className="dock-separator"
    aria-label={orientation === 'horizontal' ? 'Width of the panels beside' : 'Height of the panels above and below'}
  />
);

function renderTab(tab: TabNode<null>, props: TabRenderProps) {
  return (
    <div {...props}>
      <TabLabel id={tab.id} />
    </div>
  );
}

function TabLabel({ id }: { readonly id: string }) {
  const panels = usePanels();
  const shown = panels.find((panel) => (id === CENTRE ? panel.place === 'centre' : panel.id === id));
  if (shown === undefined) return null;
  return (
    <>
      <PanelIcon d={shown.icon} />
      {shown.title}
    </>
  );
}

export function PanelIcon({ d }: { readonly d: string }) {
  return (
    <svg className="panel-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={d} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

const renderTools = (tabset: { readonly collapsible?: boolean | undefined }) => (
  <>
    {tabset.collapsible === true ? (
      <TabsetCollapseButton className="tool" aria-label="Collapse or open these panels" title="Collapse">
        <PanelIcon d="M4 8h8" />
      </TabsetCollapseButton>
    ) : null}
    <TabsetMaximizeButton
      className="tool"
      aria-label="Fill the window with these panels, or put them back"
      title="Fill"
    >
      <PanelIcon d="M4 4h8v8H4z" />
    </TabsetMaximizeButton>
  </>
);

/** The panel of the middle. */
export function TheSite() {
  const site = panelsOf(usePanels(), 'centre')[0];
  return site === undefined ? null : <PanelBox panel={site} />;
}

function Docked({ id }: { readonly id: string }) {
  const panel = usePanels().find((one) => one.id === id);
  if (panel === undefined) return null;
  return (
    <div className="docked" data-panel={id}>
      <PanelBox panel={panel} />
    </div>
  );
}
