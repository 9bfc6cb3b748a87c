import { lazy, Suspense, useState } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { Selection } from '../../frame/place/selection.ts';

const RobotPanel = lazy(async () => ({ default: (await import('../robot/robot-panel.tsx')).RobotPanel }));
const DecisionView = lazy(async () => ({ default: (await import('../decisions/decision-view.tsx')).DecisionView }));
const MissionCard = lazy(async () => ({ default: (await import('../missions/mission-card.tsx')).MissionCard }));
const AlertCard = lazy(async () => ({ default: (await import('../alerts/alert-card.tsx')).AlertCard }));
const ZoneCard = lazy(async () => ({ default: (await import('./zone-card.tsx')).ZoneCard }));
const SiteCard = lazy(async () => ({ default: (await import('./site-card.tsx')).SiteCard }));
const PersonCard = lazy(async () => ({ default: (await import('./person-card.tsx')).PersonCard }));

/** The right side explains whatever is selected, anywhere. */
export function SelectedPanel() {
  const { selection } = useMissionControl();
  const selected = useObservable(selection);
  const [opened, setOpened] = useState<string | null>(null);
  if (selected?.kind === 'robot' && selected.id !== opened) setOpened(selected.id);
  // A decision stands over its robot: one level up, the robot is as it was left, with its tab and its place in the log.
  const beneath =
    selected?.kind === 'robot' || (selected?.kind === 'decision' && selected.agentId === opened) ? opened : null;
  return (
    <aside className="panel robot" aria-label="What is selected" data-testid="robot-panel">
      <Suspense fallback={<Loading />}>
        {selected === null ? <SiteCard /> : null}
        {beneath === null ? null : (
          <div className="beneath" hidden={selected?.kind !== 'robot'}>
            <RobotPanel key={beneath} id={beneath} />
          </div>
        )}
        {selected === null || selected.kind === 'robot' ? null : <Explained selected={selected} />}
      </Suspense>
    </aside>
  );
}

function Loading() {
  return (
    <div className="panel-skeleton" role="status" aria-label="Loading">
      <span className="skeleton-row" />
      <span className="skeleton-row" />
    </div>
  );
}

function Explained({ selected }: { readonly selected: Exclude<Selection, { kind: 'robot' }> }) {
  switch (selected.kind) {
    case 'decision':
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <div className="scroll" tabIndex={0}>
          <DecisionView at={selected} />
        </div>
      );
    case 'mission':
      return <MissionCard id={selected.id} />;
    case 'alert':
      return <AlertCard id={selected.id} />;
    case 'zone':
      return <ZoneCard id={selected.id} />;
    case 'person':
      return <PersonCard xM={selected.xM} yM={selected.yM} />;
  }
}
