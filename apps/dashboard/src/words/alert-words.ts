import { type Alert, AlertLevel } from '@sigma/proto';
import type { Level, Shape } from './agent-state.ts';

const LEVEL: Readonly<Record<AlertLevel, Level>> = {
  [AlertLevel.UNSPECIFIED]: 'info',
  [AlertLevel.INFO]: 'info',
  [AlertLevel.ADVISORY]: 'advisory',
  [AlertLevel.WARNING]: 'warning',
  [AlertLevel.CRITICAL]: 'critical',
};

export const LEVEL_SHAPE: Readonly<Record<Level, Shape>> = {
  calm: 'ring',
  info: 'dot',
  advisory: 'diamond',
  warning: 'triangle',
  critical: 'octagon',
};

const alertLevel = (alert: Alert): Level => LEVEL[alert.level];

/** Alerts with one cause and one level are one line with several robots: a flood collapses into its cause. */
export interface AlertGroup {
  readonly key: string;
  readonly level: Level;
  readonly cause: string;
  readonly advice: string;
  readonly alerts: readonly Alert[];
  readonly standing: number;
  readonly unacknowledged: number;
  readonly newestTimeUs: bigint;
}

const RANK: readonly Level[] = ['critical', 'warning', 'advisory', 'info', 'calm'];

/** Standing or unacknowledged alerts in groups, the most urgent first; what is over comes last. What is both cleared and acknowledged is history. */
export function groupAlerts(alerts: readonly Alert[]): AlertGroup[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (alert.clearedTimeUs > 0n && alert.acknowledgedBy !== '') continue;
    const key = `${alert.level}:${alert.cause}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [alert]);
    else group.push(alert);
  }
  return [...groups].map(([key, members]) => summarise(key, members)).sort(moreUrgent);
}

function summarise(key: string, members: Alert[]): AlertGroup {
  const sorted = members.sort((a, b) =>
    a.raisedTimeUs < b.raisedTimeUs ? 1 : a.raisedTimeUs > b.raisedTimeUs ? -1 : 0,
  );
  const newest = sorted[0] as Alert;
  return {
    key,
    level: alertLevel(newest),
    cause: newest.cause,
    advice: newest.advice,
    alerts: sorted,
    standing: sorted.filter((alert) => alert.clearedTimeUs === 0n).length,
    unacknowledged: sorted.filter((alert) => alert.acknowledgedBy === '').length,
    newestTimeUs: newest.raisedTimeUs,
  };
}

function moreUrgent(a: AlertGroup, b: AlertGroup): number {
  const over = Number(a.standing === 0) - Number(b.standing === 0);
  if (over !== 0) return over;
  const acknowledged = Number(a.unacknowledged === 0) - Number(b.unacknowledged === 0);
  if (acknowledged !== 0) return acknowledged;
  const level = RANK.indexOf(a.level) - RANK.indexOf(b.level);
  if (level !== 0) return level;
  return a.newestTimeUs < b.newestTimeUs ? 1 : a.newestTimeUs > b.newestTimeUs ? -1 : 0;
}
