import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { causeWords, groupAlerts } from '../../words/alert-words.ts';
import { localTime, personWords, plainWords, span, utcTime } from '../../words/quantities.ts';
import { decisionOfAlert, useOpenDecision } from '../decisions/open-decision.ts';
import { AlertRow } from './alert-row.tsx';

/** The selected alert: its cause with everybody who has it, and the story of this one. */
export function AlertCard({ id }: { readonly id: string }) {
  const { live, selected } = useMissionControl();
  const open = useOpenDecision();
  useTopic('alerts');
  const alerts = live.alerts();
  const alert = alerts.find((one) => one.id === id);
  if (alert === undefined) return <p className="empty">This alert is not among those known at the moment shown.</p>;
  const group = groupAlerts(alerts).find((one) => [...one.alerts, ...one.explained].some((member) => member.id === id));
  const root = alert.rootId === '' ? undefined : alerts.find((one) => one.id === alert.rootId);
  const stoodUs = (alert.clearedTimeUs > 0n ? alert.clearedTimeUs : live.timeUs) - alert.raisedTimeUs;
  const decision = decisionOfAlert(alert);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className="scroll" tabIndex={0} data-testid="alert-card">
      {group === undefined ? (
        <header className="card-head">
          <h2>
            <bdi>{plainWords(alert.text)}</bdi>
          </h2>
          <p className="quiet">Over and acknowledged.</p>
        </header>
      ) : (
        <ul className="rows">
          <AlertRow group={group} />
        </ul>
      )}
      <dl className="facts">
        {group !== undefined && group.alerts.length === 1 && group.alerts[0] === alert ? null : (
          <div>
            <dt>Says</dt>
            <dd>
              <bdi>{plainWords(alert.text)}</bdi>
            </dd>
          </div>
        )}
        {group !== undefined && group.advice === alert.advice && alert.advice !== '' ? null : (
          <div>
            <dt>Do</dt>
            <dd>{plainWords(alert.advice) || 'nothing is asked of you'}</dd>
          </div>
        )}
        <div>
          <dt>Raised</dt>
          <dd title={`${utcTime(alert.raisedTimeUs)} UTC`}>
            {localTime(alert.raisedTimeUs)}, {alert.clearedTimeUs > 0n ? 'stood for' : 'standing for'}{' '}
            {span(Number(stoodUs) / 1_000)}
            {alert.count > 1 ? `, ${alert.count} times` : ''}
          </dd>
        </div>
        <div>
          <dt>Seen by</dt>
          <dd>
            {alert.acknowledgedBy === '' ? (
              'nobody yet'
            ) : (
              <>
                <bdi>{personWords(alert.acknowledgedBy)}</bdi> at {localTime(alert.acknowledgedTimeUs)}
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Cause</dt>
          <dd>
            {causeWords(alert.cause)} <span className="mono quiet">{alert.cause}</span>
          </dd>
        </div>
        {root === undefined ? null : (
          <div>
            <dt>Follows</dt>
            <dd>
              from <bdi>{plainWords(root.text)}</bdi>
            </dd>
          </div>
        )}
      </dl>
      <p className="card-foot">
        {live.row(alert.agentId) < 0 ? null : (
          <button type="button" onClick={() => selected.set(alert.agentId)}>
            Go to <bdi>{alert.agentId}</bdi>
          </button>
        )}
        {decision === null ? null : (
          <button type="button" onClick={() => open(decision)}>
            Why: the decision
          </button>
        )}
      </p>
    </div>
  );
}
