import { lazy, Suspense } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { Selection } from '../../frame/place/selection.ts';

const RobotPanel = lazy(async () => ({ default: (await import('../robot/robot-panel.tsx')).RobotPanel }));
const DecisionView = lazy(async () => ({ default: (await import('../decisions/decision-view.tsx')).DecisionView }));
const MissionCard = lazy(async () => ({ default: (await import('../missions/mission-card.tsx')).MissionCard }));
const AlertCard = lazy(async () => ({ default: (await import('../alerts/alert-card.tsx')).AlertCard }));
const ZoneCard = lazy(async () => ({ default: (await import('./zone-card.tsx')).ZoneCard }));
const PersonCard = lazy(async () => ({ default: (await import('./person-card.tsx')).PersonCard }));

/** The right side explains whatever is selected, anywhere. */
export function SelectedPanel() {
  const selected = useObservable(useMissionControl().selection);
  return (
    <aside className="panel robot" aria-label="What is selected" data-testid="robot-panel">
      {selected === null ? (
        <p className="empty">
          Nothing selected.
          <br />
          Click a robot on the map or in the list; <kbd>j</kbd> <kbd>k</kbd> walk the list, <kbd>Enter</kbd> selects,{' '}
          <kbd>Esc</kbd> goes up.
        </p>
      ) : (
        <Suspense
          fallback={
            <div className="skeleton" role="status" aria-label="Loading">
              <span className="bone wide" />
              <span className="bone tall" />
            </div>
          }
        >
          <Explained selected={selected} />
        </Suspense>
      )}
    </aside>
  );
}

function Explained({ selected }: { readonly selected: Selection }) {
  switch (selected.kind) {
    case 'robot':
      return <RobotPanel id={selected.id} />;
    case 'decision':
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section className="scroll" tabIndex={0} aria-label="Decision">
          <DecisionView at={selected} />
        </section>
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
