import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { AlertSchema, type AlertService } from '@sigma/proto';
import type { Alert } from '../roles/alerts/board.ts';
import { callerOf, type Roles } from './context.ts';

const DEFAULT_LIMIT = 100;
const MOST_LIMIT = 1_000;

export const alertOf = (alert: Alert) =>
  create(AlertSchema, {
    ...alert,
    raisedTimeUs: BigInt(alert.raisedTimeUs),
    clearedTimeUs: BigInt(alert.clearedTimeUs),
    acknowledgedTimeUs: BigInt(alert.acknowledgedTimeUs),
    decisionSequence: BigInt(alert.decisionSequence),
  });

/** Standing before cleared, critical before the rest, unacknowledged before acknowledged, newest first. */
const byUrgency = (a: Alert, b: Alert): number =>
  Number(a.clearedTimeUs > 0) - Number(b.clearedTimeUs > 0) ||
  b.level - a.level ||
  Number(a.acknowledgedBy !== '') - Number(b.acknowledgedBy !== '') ||
  b.raisedTimeUs - a.raisedTimeUs;

export function alertQueries(roles: Roles): ServiceImpl<typeof AlertService> {
  return {
    listAlerts: ({ includeCleared, limit }) => {
      if (limit > MOST_LIMIT) throw new ConnectError(`limit is 1 to ${MOST_LIMIT}`, Code.InvalidArgument);
      const shown = [...roles.alerts.known.values()].filter((alert) => includeCleared || alert.clearedTimeUs === 0);
      return {
        alerts: shown
          .sort(byUrgency)
          .slice(0, limit || DEFAULT_LIMIT)
          .map(alertOf),
      };
    },
    acknowledgeAlert: async ({ alertId }, context) => {
      const alert = await roles.alerts.acknowledge(alertId, callerOf(context));
      if (alert === null) throw new ConnectError(`there is no alert '${alertId.slice(0, 63)}'`, Code.NotFound);
      return { alert: alertOf(alert) };
    },
  };
}
