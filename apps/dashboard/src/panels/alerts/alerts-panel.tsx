import { useGo, useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { groupAlerts } from '../../words/alert-words.ts';
import { plural } from '../../words/quantities.ts';
import { AlertRow } from './alert-row.tsx';
import { BellControls } from './bell-controls.tsx';
import { useAlertBell } from './browser-bell.ts';

/** One list, the most urgent first, grouped by cause. Acknowledged is not resolved: what stands stays. */
export function AlertsPanel() {
  const { live, time } = useMissionControl();
  const go = useGo();
  const past = useObservable(time).kind === 'past';
  const bell = useAlertBell();
  useTopic('alerts');
  const groups = groupAlerts(live.alerts());
  const open = groups.filter((group) => group.unacknowledged > 0).length;
  return (
    <section className="panel alerts" aria-labelledby="alerts-title" data-testid="alerts">
      <header className="panel-head">
        <h2 id="alerts-title">Alerts</h2>
        <span className="quiet" title={`${plural(open, 'cause')} to acknowledge, ${groups.length} in all`}>
          {groups.length === 0 ? 'none' : open === 0 ? `${groups.length} seen` : `${open} new of ${groups.length}`}
        </span>
        <span className="spring" />
        <BellControls bell={bell} />
        <button type="button" className="plain" onClick={() => go('/alerts')} data-testid="alerts-page">
          Rates
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll" tabIndex={0}>
        {groups.length === 0 ? (
          <p className="empty">{past ? 'No alert stood at this moment.' : 'Nothing needs you.'}</p>
        ) : null}
        <ul className="rows">
          {groups.map((group) => (
            <AlertRow key={group.key} group={group} />
          ))}
        </ul>
      </div>
    </section>
  );
}
