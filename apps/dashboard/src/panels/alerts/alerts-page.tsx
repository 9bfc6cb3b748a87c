import type { AlertRate, Silence } from '@sigma/proto';
import { useCallback } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { causeWords, groupAlerts, LEVEL_SHAPE, levelOf } from '../../words/alert-words.ts';
import { localTime, personWords, span } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { endSilence, extendSilence } from './alert-acts.ts';
import { AlertRow } from './alert-row.tsx';

/** Everything about alerts: what stands, what is silenced, and how often each fires: `/alerts`. */
export default function AlertsPage() {
  const { live, time } = useMissionControl();
  const past = useObservable(time).kind === 'past';
  useTopic('alerts');
  const groups = groupAlerts(live.alerts());
  return (
    <section className="panel alerts-page" aria-label="Alerts" data-testid="alerts-all">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll alerts-columns" tabIndex={0}>
        <div>
          <h2 className="part-title">Standing</h2>
          {groups.length === 0 ? (
            <EmptyState icon={EMPTY_ICON.calm} title={past ? 'No alert stood at this moment.' : 'Nothing needs you.'}>
              {past ? undefined : 'No alert stands and none waits to be acknowledged.'}
            </EmptyState>
          ) : null}
          <ul className="rows">
            {groups.map((group) => (
              <AlertRow key={group.key} group={group} />
            ))}
          </ul>
        </div>
        <div>
          <Silences />
          <Rates />
        </div>
      </div>
    </section>
  );
}

const ASK_EVERY_MS = 10_000;

const EXTEND_S = 3_600;

function Silences() {
  const control = useMissionControl();
  const { hub } = control;
  const ask = useCallback(
    async (signal: AbortSignal) => (await hub.alerts.listSilences({}, { signal })).silences,
    [hub],
  );
  const { asked, again } = useAsked(ask, ASK_EVERY_MS);
  const end = async (silence: Silence) => {
    await endSilence(control, silence);
    again();
  };
  const extend = async (silence: Silence) => {
    await extendSilence(control, silence, EXTEND_S, control.now.timeUs);
    again();
  };
  return (
    <section aria-label="Silences" data-testid="silences">
      <h2 className="part-title">Silenced</h2>
      {asked.kind === 'known' ? null : <NotKnown asked={asked} what="silences" again={again} />}
      {asked.kind === 'known' && asked.value.length === 0 ? (
        <p className="empty">Nothing is silenced: every alert calls.</p>
      ) : null}
      <ul className="rows">
        {(asked.kind === 'known' ? asked.value : []).map((silence) => (
          <li key={silence.id} data-testid={`silence-of-${silence.cause}`}>
            <div className="row-line">
              <span className="row-title">
                {causeWords(silence.cause)} of <bdi>{silence.agentId === '' ? 'all robots' : silence.agentId}</bdi>
              </span>
              <span className="mono">until {localTime(silence.untilTimeUs)}</span>
              <Guarded role="operator">
                <button
                  type="button"
                  className="plain"
                  onClick={() => void extend(silence)}
                  title="One hour longer, at most a day from now"
                  data-testid={`extend-silence-${silence.cause}`}
                >
                  + 1 h
                </button>
              </Guarded>
              <Guarded role="operator">
                <button type="button" onClick={() => void end(silence)} data-testid={`end-silence-${silence.cause}`}>
                  End
                </button>
              </Guarded>
            </div>
            <p className="row-detail">
              by <bdi>{personWords(silence.by)}</bdi> at {localTime(silence.createdTimeUs)}: <bdi>{silence.reason}</bdi>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** More in an hour than this, and an operator cannot attend to it (EEMUA 191: about six an hour over all alerts). */
const TOO_OFTEN_AN_HOUR = 6;

function Rates() {
  const { hub } = useMissionControl();
  const ask = useCallback(
    async (signal: AbortSignal) => (await hub.alerts.listAlertRates({}, { signal })).rates,
    [hub],
  );
  const { asked, again } = useAsked(ask, ASK_EVERY_MS);
  const rates = asked.kind === 'known' ? [...asked.value].sort((a, b) => b.lastDay - a.lastDay) : [];
  const most = Math.max(1, ...rates.map((rate) => rate.lastDay));
  const hour = rates.reduce((sum, rate) => sum + rate.lastHour, 0);
  return (
    <section aria-label="How often each alert fires" data-testid="alert-rates">
      <h2 className="part-title">How often each fires</h2>
      {asked.kind === 'known' ? (
        <p className={`rates-sum ${hour > TOO_OFTEN_AN_HOUR ? 'level-advisory' : 'quiet'}`}>
          {hour} in the last hour over all alerts.{' '}
          {hour > TOO_OFTEN_AN_HOUR
            ? `More than ${TOO_OFTEN_AN_HOUR} an hour is more than one person attends to: mend the first of the list.`
            : `Up to ${TOO_OFTEN_AN_HOUR} an hour is what one person attends to.`}
        </p>
      ) : (
        <NotKnown asked={asked} what="rates" again={again} />
      )}
      {asked.kind === 'known' && rates.length === 0 ? (
        <p className="empty">No alert has fired in the last week.</p>
      ) : null}
      {rates.length === 0 ? null : (
        <table className="rates">
          <thead>
            <tr>
              <th scope="col">Alert</th>
              <th scope="col" className="right" title="Raised in the last hour">
                Hour
              </th>
              <th scope="col" className="right" title="Raised in the last day">
                Day
              </th>
              <th scope="col">
                <span className="for-ears">Share of the most frequent</span>
              </th>
              <th scope="col" className="right" title="Raised in the last week">
                Week
              </th>
              <th scope="col" className="right" title="Median time that one stood until it was over">
                Stood
              </th>
              <th scope="col">Mostly</th>
            </tr>
          </thead>
          <tbody>
            {rates.map((rate) => (
              <RateRow key={`${rate.level}${rate.cause}`} rate={rate} most={most} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const MOSTLY = 3;

function RateRow({ rate, most }: { readonly rate: AlertRate; readonly most: number }) {
  const { selected, live } = useMissionControl();
  const level = levelOf(rate.level);
  return (
    <tr data-testid={`rate-${rate.cause}`}>
      <th scope="row" title={rate.cause}>
        <ShapeMark shape={LEVEL_SHAPE[level]} level="calm" /> {causeWords(rate.cause)}{' '}
        <span className="quiet">{level}</span>
      </th>
      <td className="mono right">{rate.lastHour}</td>
      <td className="mono right">{rate.lastDay}</td>
      <td>
        <span className="rate-bar" style={{ inlineSize: `${(rate.lastDay / most) * 100}%` }} aria-hidden="true" />
      </td>
      <td className="mono right">{rate.lastWeek}</td>
      <td className="mono right">{rate.stoodS === 0 ? '–' : span(rate.stoodS * 1_000)}</td>
      <td>
        {[...new Set(rate.agentIds)].slice(0, MOSTLY).map((id) =>
          live.row(id) < 0 ? (
            <bdi key={id} className="mono quiet">
              {id}{' '}
            </bdi>
          ) : (
            <button key={id} type="button" className="link mono" onClick={() => selected.set(id)}>
              <bdi>{id}</bdi>
            </button>
          ),
        )}
      </td>
    </tr>
  );
}
