import { Component, type ReactNode, Suspense, useEffect } from 'react';
import { firstPageStands } from '../first-picture.ts';
import { useMissionControl } from '../mission-control.tsx';
import type { Panel, PanelProps } from '../panel-port.ts';

const NO_PARAMS: PanelProps['params'] = {};

/** One panel in its box: a skeleton until it is here, and when it fails it fails alone. */
export function PanelBox({
  panel,
  params = NO_PARAMS,
}: {
  readonly panel: Panel;
  readonly params?: PanelProps['params'];
}) {
  const { component: Content, title } = panel;
  return (
    <PanelGuard key={panel.id} title={title}>
      <Suspense fallback={<PanelSkeleton title={title} />}>
        <Content params={params} />
        {panel.place === 'page' ? <PageStands /> : null}
      </Suspense>
    </PanelGuard>
  );
}

/** Says that the page beside it is on the screen. */
function PageStands() {
  useEffect(firstPageStands, []);
  return null;
}

/** The panels that this site shows. */
export function usePanels(): readonly Panel[] {
  const { terrains, simulated } = useMissionControl();
  return terrains.flatMap(({ panels }) => panels).filter(({ only }) => only === undefined || simulated);
}

function PanelSkeleton({ title }: { readonly title: string }) {
  return (
    <div className="panel-skeleton" aria-busy="true">
      <p role="status">Loading {title.toLowerCase()}…</p>
      {['a', 'b', 'c', 'd', 'e'].map((row) => (
        <div key={row} className="skeleton-row" />
      ))}
    </div>
  );
}

class PanelGuard extends Component<{ title: string; children: ReactNode }, { failure: string | null }> {
  override state = { failure: null as string | null };

  static getDerivedStateFromError(error: unknown) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    const { failure } = this.state;
    if (failure === null) return this.props.children;
    if (NOT_LOADED.test(failure)) return <NotLoaded title={this.props.title} />;
    return (
      <div className="panel-failed" role="alert">
        <h3>Failed: {this.props.title}</h3>
        <p>
          Everything else goes on, robots first of all. <span className="mono quiet">{failure}</span>
        </p>
        <button type="button" onClick={() => this.setState({ failure: null })}>
          Open it again
        </button>
      </div>
    );
  }
}

/** How browsers say that a part of the page could not be fetched. */
const NOT_LOADED = /dynamically imported module|importing a module script|unable to preload/i;

/** A part that is fetched when it is first opened was not there: asking again within this page would get the same answer. */
function NotLoaded({ title }: { readonly title: string }) {
  return (
    <div className="panel-failed" role="alert">
      <h3>Not loaded: {title}</h3>
      <p>
        The hub does not answer, or has another version of this page by now. Everything else goes on, robots first of
        all.
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </div>
  );
}
