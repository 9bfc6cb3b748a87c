import type { Alert } from '@sigma/proto';
import { useState } from 'react';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { acknowledgeAlerts } from '../../frame/operations.ts';
import { ShapeMark } from '../../parts/shape.tsx';
import { type AlertGroup, groupAlerts, LEVEL_SHAPE } from '../../words/alert-words.ts';
import { localTime, personWords, plainWords, plural, words } from '../../words/quantities.ts';

/** One list, the most urgent first, grouped by cause. Acknowledged is not resolved: what stands stays. */
export function AlertsPanel() {
  const { live } = useMissionControl();
  useTopic('alerts');
  const groups = groupAlerts(live.alerts());
  const open = groups.filter((group) => group.unacknowledged > 0).length;
  return (
    <section className="panel alerts" aria-labelledby="alerts-title" data-testid="alerts">
      <header className="panel-head">
        <h2 id="alerts-title">Alerts</h2>
        <span className="quiet">
          {groups.length === 0 ? 'none' : `${open} to acknowledge, ${plural(groups.length, 'cause')}`}
        </span>
      </header>
      <div className="scroll">
        {groups.length === 0 ? <p className="empty">Nothing needs you.</p> : null}
        <ul className="rows">
          {groups.map((group) => (
            <GroupRow key={group.key} group={group} />
          ))}
        </ul>
      </div>
    </section>
  );
}

const SHOWN = 6;

function GroupRow({ group }: { readonly group: AlertGroup }) {
  const control = useMissionControl();
  const [all, setAll] = useState(false);
  const shown = all ? group.alerts : group.alerts.slice(0, SHOWN);
  const waiting = group.alerts.filter((alert) => alert.acknowledgedBy === '').map((alert) => alert.id);
  const newest = group.alerts[0] as Alert;
  const cause = words(group.cause);
  const over = group.standing === 0;
  return (
    <li
      data-testid={`alert-${group.cause}`}
      data-level={group.level}
      className={over ? 'over' : waiting.length > 0 ? `edge-${group.level}` : 'acknowledged'}
    >
      <div className="row-line">
        <span className={`state level-${over ? 'calm' : group.level}`}>
          <ShapeMark shape={over ? 'ring' : LEVEL_SHAPE[group.level]} level={over ? 'calm' : group.level} />{' '}
          {over ? `was ${group.level}` : group.level}
        </span>
        <span className="row-title" title={newest.text}>
          {plainWords(newest.text) || cause}
        </span>
        {waiting.length > 0 ? (
          <button
            type="button"
            onClick={() => void acknowledgeAlerts(control, cause, waiting)}
            data-testid={`acknowledge-${group.cause}`}
            title={waiting.length > 1 ? `Acknowledge all ${waiting.length}` : 'Acknowledge'}
          >
            Ack{waiting.length > 1 ? ` ${waiting.length}` : ''}
          </button>
        ) : null}
      </div>
      <p className="row-detail">
        {group.advice === '' || over ? null : <span className="advice">{plainWords(group.advice)} </span>}
        <span className="mono quiet">{localTime(group.newestTimeUs)}</span>
        {waiting.length > 0 ? null : (
          <span className="quiet"> · acknowledged by {personWords(newest.acknowledgedBy)}</span>
        )}
        {shown.map((alert) => (
          <AgentLink key={alert.id} alert={alert} />
        ))}
        {group.alerts.length > SHOWN ? (
          <button type="button" className="plain" onClick={() => setAll(!all)}>
            {all ? 'fewer' : `and ${group.alerts.length - SHOWN} more`}
          </button>
        ) : null}
      </p>
    </li>
  );
}

function AgentLink({ alert }: { readonly alert: Alert }) {
  const { selected } = useMissionControl();
  if (alert.agentId === '') return null;
  const cleared = alert.clearedTimeUs > 0n ? ' over' : '';
  const times = alert.count > 1 ? ` ×${alert.count}` : '';
  return (
    <button type="button" className="link mono" onClick={() => selected.set(alert.agentId)} title={alert.text}>
      {alert.agentId}
      {times}
      {cleared}
    </button>
  );
}
