import { lazy, Suspense } from 'react';
import { ShapeMark } from '../../parts/shape.tsx';
import { agentState, type Level } from '../../words/agent-state.ts';
import { groupAlerts, LEVEL_SHAPE } from '../../words/alert-words.ts';
import { plural } from '../../words/quantities.ts';
import { afterFirstPicture } from '../first-picture.ts';
import { useFrame } from '../frame-ui.ts';
import { useMissionControl, useTopic } from '../mission-control.tsx';
import { untilFetched } from '../until-fetched.ts';
import { MenuName } from './menu-name.tsx';
import { SiteStop } from './site-stop.tsx';
import { Who } from './who.tsx';

/** Menus come after the first picture; their names stand before. */
const Menus = lazy(async () => {
  await afterFirstPicture();
  return { default: (await untilFetched(() => import('./menus.tsx'))).Menus };
});

/** Where one is, how the fleet stands in one line, and the site-wide stop, which never moves. */
export function TopBar() {
  const control = useMissionControl();
  const { palette } = useFrame();
  return (
    <header className="top-bar">
      <h1 className="product">SigmaPrompt</h1>
      <span className="site-name" data-testid="site-name">
        {control.site.name}
      </span>
      {control.simulated ? (
        <span className="simulation-tag" data-testid="simulation-tag">
          Simulation
        </span>
      ) : null}
      <FleetSummary />
      <span className="spring" />
      <button
        type="button"
        className="find"
        onClick={() => palette.set(true)}
        data-testid="palette-open"
        data-tour="palette"
      >
        <span>Find</span> <kbd>Ctrl K</kbd>
      </button>
      <Suspense
        fallback={
          <>
            <MenuName>View</MenuName>
            <MenuName>
              <Who />
            </MenuName>
          </>
        }
      >
        <Menus />
      </Suspense>
      <SiteStop />
    </header>
  );
}

function FleetSummary() {
  const { live } = useMissionControl();
  useTopic('agents');
  useTopic('alerts');
  useTopic('roster');
  const counts = new Map<Level, number>();
  for (const agent of live.agents()) {
    const age = live.newest.ageMs[live.row(agent.id)] ?? Number.POSITIVE_INFINITY;
    const { level } = agentState(agent.status, age);
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  const open = groupAlerts(live.alerts()).filter((group) => group.unacknowledged > 0 && group.standing > 0);
  const worst = open[0];
  return (
    <p className="fleet-summary" data-testid="fleet-summary" data-tour="summary">
      <span title="Robots of this site that the hub knows at the moment shown">{plural(live.ids.length, 'robot')}</span>
      {(['critical', 'warning', 'advisory'] as const).map((level) => {
        const count = counts.get(level) ?? 0;
        return count === 0 ? null : (
          <span
            key={level}
            className={`count level-${level}`}
            title={`Robots of which the gravest true thing is ${level}; they stand first in the list`}
          >
            <ShapeMark shape={LEVEL_SHAPE[level]} level={level} /> {count} {level}
          </span>
        );
      })}
      <span
        className={worst === undefined ? 'quiet' : `level-${worst.level}`}
        title="Causes that stand and that nobody has acknowledged; what follows from a cause counts with it"
      >
        {worst === undefined ? 'no open alert' : plural(open.length, 'open alert')}
      </span>
    </p>
  );
}
