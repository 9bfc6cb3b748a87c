import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { AlertSchema, type AlertService } from '@sigma/proto';
import type { Alert } from '../roles/alerts/board.ts';
import type { Silence } from '../roles/alerts/silences.ts';
import { agentNamed, callerOf, limitOf, type Roles } from './context.ts';

const DEFAULT_LIMIT = 100;
const MOST_LIMIT = 1_000;
const CRITICAL = 4;
const [LEAST_SECONDS, MOST_SECONDS] = [60, 86_400];
const MOST_CAUSE = 500;

/** An alert is hidden by a silence of its own cause, or with what explains it; never when it is critical. */
export function alertOf(roles: Pick<Roles, 'alerts' | 'silences'>, alert: Alert) {
  const root = alert.rootId === '' ? undefined : roles.alerts.known.get(alert.rootId);
  const ofRoot = root === undefined || alert.level >= CRITICAL ? 0 : roles.silences.untilUs(root);
  return create(AlertSchema, {
    ...alert,
    raisedTimeUs: BigInt(alert.raisedTimeUs),
    clearedTimeUs: BigInt(alert.clearedTimeUs),
    acknowledgedTimeUs: BigInt(alert.acknowledgedTimeUs),
    decisionSequence: BigInt(alert.decisionSequence),
    silencedUntilTimeUs: BigInt(Math.max(roles.silences.untilUs(alert), ofRoot)),
  });
}

/** Standing before cleared, critical before the rest, what explains before what it explains, then what is new. */
const byUrgency = (a: Alert, b: Alert): number =>
  Number(a.clearedTimeUs > 0) - Number(b.clearedTimeUs > 0) ||
  b.level - a.level ||
  Number(a.rootId !== '') - Number(b.rootId !== '') ||
  Number(a.acknowledgedBy !== '') - Number(b.acknowledgedBy !== '') ||
  b.raisedTimeUs - a.raisedTimeUs;

export function alertQueries(roles: Roles): ServiceImpl<typeof AlertService> {
  return {
    listAlerts: ({ includeCleared, limit }) => {
      const most = limitOf(limit, DEFAULT_LIMIT, MOST_LIMIT);
      const shown = [...roles.alerts.known.values()].filter((alert) => includeCleared || alert.clearedTimeUs === 0);
      return {
        alerts: shown
          .sort(byUrgency)
          .slice(0, most)
          .map((alert) => alertOf(roles, alert)),
      };
    },
    acknowledgeAlert: async ({ alertId }, context) => {
      const alert = await roles.alerts.acknowledge(alertId, callerOf(context));
      if (alert === null) throw new ConnectError(`there is no alert '${alertId.slice(0, 63)}'`, Code.NotFound);
      return { alert: alertOf(roles, alert) };
    },
    listSilences: () => ({ silences: roles.silences.list().map(silenceOf) }),
    silenceAlerts: async ({ cause, agentId, seconds, reason }, context) => {
      if (cause === '' || cause.length > MOST_CAUSE)
        throw new ConnectError(`name a cause; it has at most ${MOST_CAUSE} characters`, Code.InvalidArgument);
      if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS)
        throw new ConnectError(`a silence lasts ${LEAST_SECONDS} to ${MOST_SECONDS} seconds`, Code.InvalidArgument);
      if (agentId !== '') agentNamed(roles, agentId);
      for (const alert of roles.alerts.known.values()) {
        const meant = alert.cause === cause && (agentId === '' || alert.agentId === agentId);
        if (meant && alert.clearedTimeUs === 0 && alert.level >= CRITICAL)
          throw new ConnectError(`'${cause}' is critical now and cannot be silenced`, Code.FailedPrecondition);
      }
      return { silence: silenceOf(await roles.silences.begin(cause, agentId, seconds, reason, callerOf(context))) };
    },
    endSilence: async ({ silenceId }, context) => {
      const ended = await roles.silences.end(silenceId, callerOf(context));
      if (ended === null) throw new ConnectError(`there is no silence '${silenceId.slice(0, 63)}'`, Code.NotFound);
      return {};
    },
    listAlertRates: async () => ({
      rates: (await roles.alerts.rates()).map((rate) => ({ ...rate, agentIds: [...rate.agentIds] })),
    }),
  };
}

const silenceOf = (silence: Silence) => ({
  ...silence,
  untilTimeUs: BigInt(silence.untilTimeUs),
  createdTimeUs: BigInt(silence.createdTimeUs),
});
