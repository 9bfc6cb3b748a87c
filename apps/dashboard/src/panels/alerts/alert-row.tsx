import type { Alert } from '@sigma/proto';
import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { acknowledgeAlerts } from '../../frame/operations.ts';
import { ShapeMark } from '../../parts/shape.tsx';
import { type AlertGroup, byRobot, causeWords, LEVEL_SHAPE, levelOf, maySilence } from '../../words/alert-words.ts';
import { localTime, personWords, plainWords, plural, utcTime } from '../../words/quantities.ts';
import { decisionOfAlert, useOpenDecision } from '../decisions/open-decision.ts';
import { SilenceForm } from './silence-form.tsx';

const SHOWN = 6;

/** One cause with everybody who has it: how urgent, what to do, and what follows from it folded away. */
export function AlertRow({ group }: { readonly group: AlertGroup }) {
  const control = useMissionControl();
  const open = useOpenDecision();
  const [silencing, setSilencing] = useState(false);
  const [unfolded, setUnfolded] = useState(false);
  const all = [...group.alerts, ...group.explained];
  const waiting = all.filter((alert) => alert.acknowledgedBy === '').map((alert) => alert.id);
  const newest = group.alerts[0] as Alert;
  const cause = causeWords(group.cause);
  const over = group.standing === 0;
  const silenced = group.silencedUntilUs > 0n;
  const decision = group.alerts.map(decisionOfAlert).find((ref) => ref !== null) ?? null;
  const quiet = over || silenced;
  const each = isEachItsOwn(group);
  return (
    <li
      data-testid={`alert-${group.cause}`}
      data-level={group.level}
      className={`alert-row ${over ? 'over' : silenced ? 'silenced' : waiting.length > 0 ? `edge-${group.level}` : 'acknowledged'}`}
    >
      <div className="row-line">
        <span className={`state level-${quiet ? 'calm' : group.level}`}>
          <ShapeMark shape={over ? 'ring' : LEVEL_SHAPE[group.level]} level={quiet ? 'calm' : group.level} />{' '}
          {over ? `was ${group.level}` : group.level}
        </span>
        <button
          type="button"
          className="row-main"
          onClick={() => control.selection.set({ kind: 'alert', id: newest.id })}
          title={newest.text}
        >
          <bdi className="row-title">{group.alerts.length > 1 ? cause : plainWords(newest.text) || cause}</bdi>
        </button>
      </div>
      <span className="alert-acts">
        {decision === null ? null : (
          <button type="button" className="plain" onClick={() => open(decision)} data-testid={`why-${group.cause}`}>
            Why
          </button>
        )}
        {maySilence(group) && !silenced ? (
          <Guarded role="operator">
            <button
              type="button"
              className="plain"
              aria-expanded={silencing}
              onClick={() => setSilencing(!silencing)}
              data-testid={`silence-${group.cause}`}
            >
              Silence
            </button>
          </Guarded>
        ) : null}
        {waiting.length > 0 ? (
          <Guarded role="operator">
            <button
              type="button"
              onClick={() => void acknowledgeAlerts(control, cause, waiting)}
              data-testid={`acknowledge-${group.cause}`}
              title={
                waiting.length > 1
                  ? `Acknowledge all ${waiting.length}: the cause and what follows from it. What stands, stays`
                  : 'Acknowledge: you have seen it. What stands, stays'
              }
            >
              Ack{waiting.length > 1 ? ` ${waiting.length}` : ''}
            </button>
          </Guarded>
        ) : null}
      </span>
      <p className="row-detail">
        {group.advice === '' || over || each ? null : <span className="advice">{plainWords(group.advice)} </span>}
        <time className="mono quiet" title={`${utcTime(group.newestTimeUs)} UTC`}>
          {localTime(group.newestTimeUs)}
        </time>
        {silenced ? <span className="quiet"> · silenced until {localTime(group.silencedUntilUs)}</span> : null}
        {waiting.length > 0 ? null : (
          <span className="quiet">
            {' '}
            · acknowledged by <bdi>{personWords(newest.acknowledgedBy)}</bdi>
          </span>
        )}
        {each ? null : <Robots alerts={group.alerts} over={over} />}
        {group.explained.length === 0 ? null : (
          <button
            type="button"
            className="plain follows"
            aria-expanded={unfolded}
            onClick={() => setUnfolded(!unfolded)}
            data-testid={`follows-${group.cause}`}
          >
            {unfolded ? '▾' : '▸'} {plural(group.explained.length, 'alert follows', 'alerts follow')} from it
          </button>
        )}
      </p>
      {each ? <Each alerts={group.alerts} /> : null}
      {unfolded ? <Explained alerts={group.explained} /> : null}
      {silencing ? (
        <SilenceForm
          cause={group.cause}
          causes={group.causes}
          agentIds={[...new Set(group.alerts.map((alert) => alert.agentId).filter((id) => id !== ''))]}
          onDone={() => setSilencing(false)}
        />
      ) : null}
    </li>
  );
}

/** `over`: all of them are, and the row says so once. */
function Robots({ alerts, over }: { readonly alerts: readonly Alert[]; readonly over: boolean }) {
  const [all, setAll] = useState(false);
  const robots = byRobot(alerts);
  const shown = all ? robots : robots.slice(0, SHOWN);
  return (
    <>
      {shown.map((alert) => (
        <AgentLink key={alert.id} alert={alert} said={over} />
      ))}
      {robots.length > SHOWN ? (
        <button type="button" className="plain" onClick={() => setAll(!all)}>
          {all ? 'fewer' : `and ${robots.length - SHOWN} more`}
        </button>
      ) : null}
    </>
  );
}

const EXPLAINED_SHOWN = 50;

/** One cause to people, but each of its alerts says something else to be done: another key, another recording. */
const isEachItsOwn = ({ alerts, causes }: AlertGroup): boolean => alerts.length > 1 && causes.length > 1;

function Each({ alerts }: { readonly alerts: readonly Alert[] }) {
  return (
    <ul className="explained">
      {alerts.slice(0, EXPLAINED_SHOWN).map((alert) => (
        <li key={alert.id} data-testid={`each-${alert.id}`}>
          <bdi>{plainWords(alert.text)}</bdi>
          <AgentLink alert={alert} />
          <p className="advice">{plainWords(alert.advice)}</p>
        </li>
      ))}
      {alerts.length > EXPLAINED_SHOWN ? <li className="quiet">and {alerts.length - EXPLAINED_SHOWN} more</li> : null}
    </ul>
  );
}

function Explained({ alerts }: { readonly alerts: readonly Alert[] }) {
  return (
    <ul className="explained">
      {alerts.slice(0, EXPLAINED_SHOWN).map((alert) => (
        <li key={alert.id} data-testid={`explained-${alert.id}`}>
          <ShapeMark shape={LEVEL_SHAPE[levelOf(alert.level)]} level="calm" /> <bdi>{plainWords(alert.text)}</bdi>
          <AgentLink alert={alert} />
        </li>
      ))}
      {alerts.length > EXPLAINED_SHOWN ? <li className="quiet">and {alerts.length - EXPLAINED_SHOWN} more</li> : null}
    </ul>
  );
}

interface AgentLinkProps {
  readonly alert: Alert;
  /** That it is over is said already. */
  readonly said?: boolean;
}

function AgentLink({ alert, said = false }: AgentLinkProps) {
  const { selected, live } = useMissionControl();
  if (alert.agentId === '') return null;
  const cleared = alert.clearedTimeUs > 0n && !said ? ' over' : '';
  const times = alert.count > 1 ? ` ${alert.count} times` : '';
  if (live.row(alert.agentId) < 0) return <bdi className="quiet"> {alert.agentId}</bdi>;
  return (
    <span className="of-robot">
      <button type="button" className="link mono" onClick={() => selected.set(alert.agentId)} title={alert.text}>
        <bdi>{alert.agentId}</bdi>
      </button>
      <span className="quiet">
        {times}
        {cleared}
      </span>
    </span>
  );
}
