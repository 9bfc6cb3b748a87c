import { useEffect, useRef } from 'react';
import { HOLD_MS, HoldButton } from '../../parts/hold-button.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { agentState, type Level } from '../../words/agent-state.ts';
import { groupAlerts, LEVEL_SHAPE } from '../../words/alert-words.ts';
import { plural } from '../../words/quantities.ts';
import { useGo, useMissionControl, useObservable, useTopic } from '../mission-control.tsx';
import { stopAgents } from '../operations.ts';

/** Where one is, how the fleet stands in one line, and the site-wide stop, which never moves. */
export function TopBar() {
  const go = useGo();
  const control = useMissionControl();
  const theme = useObservable(control.theme);
  const next = theme === 'dark' ? 'light' : 'dark';
  return (
    <header className="top-bar">
      <strong className="product">SigmaPrompt</strong>
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
      <button type="button" className="plain" onClick={() => go('/verify')} data-testid="verify-open">
        Verify recording
      </button>
      <button type="button" className="plain" onClick={() => control.theme.set(next)} data-testid="theme">
        {next === 'light' ? 'Light' : 'Dark'}
      </button>
      <span
        className="who"
        title={
          control.session.role === '' ? control.session.email : `${control.session.email}, ${control.session.role}`
        }
      >
        {control.session.name}
      </span>
      <button type="button" className="plain" onClick={control.signOut} data-testid="sign-out">
        Sign out
      </button>
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
    <p className="fleet-summary" data-testid="fleet-summary" role="status">
      <span>{plural(live.ids.length, 'robot')}</span>
      {(['critical', 'warning', 'advisory'] as const).map((level) => {
        const count = counts.get(level) ?? 0;
        return count === 0 ? null : (
          <span key={level} className={`count level-${level}`}>
            <ShapeMark shape={LEVEL_SHAPE[level]} level={level} /> {count} {level}
          </span>
        );
      })}
      <span className={worst === undefined ? 'quiet' : `level-${worst.level}`}>
        {worst === undefined ? 'no open alert' : plural(open.length, 'open alert')}
      </span>
    </p>
  );
}

/** Also under Shift and S, held: a stop must be in reach without a pointer. */
function SiteStop() {
  const control = useMissionControl();
  useTopic('roster');
  const count = control.live.ids.length;
  const stop = useRef(() => {});
  stop.current = () => void stopAgents(control, [], 'emergency');

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const release = () => {
      clearTimeout(timer);
      timer = undefined;
      document.documentElement.removeAttribute('data-stopping');
    };
    const down = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
      if (typing || event.repeat || !event.shiftKey || event.code !== 'KeyS' || timer !== undefined) return;
      document.documentElement.setAttribute('data-stopping', '');
      timer = setTimeout(() => {
        release();
        stop.current();
      }, HOLD_MS);
    };
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', release);
    window.addEventListener('blur', release);
    return () => {
      release();
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', release);
      window.removeEventListener('blur', release);
    };
  }, []);

  const consequence = `Emergency stop of all ${plural(count, 'robot')}. Each must be acknowledged and reset before it moves again. Keys: Shift and S.`;
  return (
    <HoldButton className="site-stop" onHeld={() => stop.current()} consequence={consequence} testId="site-stop">
      <span className="site-stop-word">STOP SITE</span>
      <span className="site-stop-whom">hold · all {plural(count, 'robot')}</span>
    </HoldButton>
  );
}
