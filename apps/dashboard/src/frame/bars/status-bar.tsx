import { useSyncExternalStore } from 'react';
import { OutcomeLine } from '../../parts/outcome-line.tsx';
import { localTime, span, utcTime } from '../../words/quantities.ts';
import { useConnection, useMissionControl, useTick } from '../mission-control.tsx';

/** The foot of the frame: how live the page is, the moment shown, and the last act with what came of it. */
export function StatusBar() {
  const { live, acts, nowMs } = useMissionControl();
  useTick(1_000);
  const connection = useConnection();
  const all = useSyncExternalStore(acts.subscribe, () => acts.all);
  const last = all[0];
  const silence = live.silenceMs(nowMs());
  const age = Number.isFinite(silence) ? `last heard ${span(silence)} ago` : 'nothing heard yet';
  const words =
    connection.state === 'live'
      ? 'LIVE'
      : connection.state === 'reconnecting'
        ? `RECONNECTING · ${age} · ${connection.reason}`
        : connection.state === 'connecting'
          ? 'CONNECTING'
          : 'SIGNED OUT';
  return (
    <footer className="status-bar" data-connection={connection.state}>
      <span className="connection" data-testid="connection" role="status">
        {words}
      </span>
      <span className="time" data-testid="site-time">
        {localTime(live.timeUs)} <span className="quiet">here</span> · {utcTime(live.timeUs)}{' '}
        <span className="quiet">UTC</span>
      </span>
      <span className="spring" />
      <span className="last-act" aria-live="polite">
        {last === undefined ? (
          <span className="quiet">No act yet in this session</span>
        ) : (
          <OutcomeLine act={last} testId="last-act" />
        )}
      </span>
    </footer>
  );
}
