import { type Alert, AlertLevel } from '@sigma/proto';
import type { Level, Shape } from './agent-state.ts';
import { fieldWords, words } from './quantities.ts';

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

export const levelOf = (level: AlertLevel): Level => LEVEL[level] ?? 'info';

/** Alerts with one cause and one level are one line with several robots: a flood collapses into its cause. */
export interface AlertGroup {
  readonly key: string;
  readonly level: Level;
  /** As the hub names it; where several are one to people (the keys of two edges), what they have in common. */
  readonly cause: string;
  /** Each that the hub tells apart. */
  readonly causes: readonly string[];
  readonly advice: string;
  /** Those of the cause itself, the newest first. */
  readonly alerts: readonly Alert[];
  /** Those that one of `alerts` explains: they follow from the cause and need no attention of their own. */
  readonly explained: readonly Alert[];
  readonly standing: number;
  /** Of the cause and of what it explains: acknowledging the cause acknowledges all. */
  readonly unacknowledged: number;
  readonly newestTimeUs: bigint;
  /** The earliest end of a silence over all of them; 0 when any of them speaks. */
  readonly silencedUntilUs: bigint;
}

const RANK: readonly Level[] = ['critical', 'warning', 'advisory', 'info', 'calm'];

const isHistory = (alert: Alert): boolean => alert.clearedTimeUs > 0n && alert.acknowledgedBy !== '';

/**
 * Standing or unacknowledged alerts in groups, the most urgent first; what is silenced comes after, what is over comes
 * last. What is both cleared and acknowledged is history. An alert that another explains stands under that one, however
 * long the line of explanations; where its explanation is not among them, it stands for itself.
 */
export function groupAlerts(alerts: readonly Alert[]): AlertGroup[] {
  const open = alerts.filter((alert) => !isHistory(alert));
  const byId = new Map(open.map((alert) => [alert.id, alert]));
  const groups = new Map<string, { readonly members: Alert[]; readonly explained: Alert[] }>();
  for (const alert of open) {
    const root = rootOf(alert, byId);
    const key = `${root.level}:${sharedCause(root.cause)}`;
    const group = groups.get(key) ?? { members: [], explained: [] };
    groups.set(key, group);
    (root === alert ? group.members : group.explained).push(alert);
  }
  return [...groups].map(([key, { members, explained }]) => summarise(key, members, explained)).sort(moreUrgent);
}

/** The alert at the end of the line of explanations; one whose line leads round in a ring stands for itself. */
function rootOf(alert: Alert, byId: ReadonlyMap<string, Alert>): Alert {
  let root = alert;
  for (let steps = 0; steps <= byId.size; steps++) {
    const above = root.rootId === '' ? undefined : byId.get(root.rootId);
    if (above === undefined) return root;
    root = above;
  }
  return alert;
}

function summarise(key: string, members: Alert[], explained: Alert[]): AlertGroup {
  const sorted = members.sort(newestFirst);
  const newest = sorted[0] as Alert;
  const all = [...sorted, ...explained];
  const causes = [...new Set(sorted.map(({ cause }) => cause))];
  const standing = sorted.filter((alert) => alert.clearedTimeUs === 0n);
  const silences = (standing.length > 0 ? standing : sorted).map((alert) => alert.silencedUntilTimeUs);
  return {
    key,
    level: levelOf(newest.level),
    cause: causes.length === 1 ? newest.cause : sharedCause(newest.cause),
    causes,
    advice: newest.advice,
    alerts: sorted,
    explained: explained.sort(newestFirst),
    standing: standing.length,
    unacknowledged: all.filter((alert) => alert.acknowledgedBy === '').length,
    newestTimeUs: newest.raisedTimeUs,
    silencedUntilUs: silences.sort((one, other) => (one < other ? -1 : 1))[0] ?? 0n,
  };
}

function newestFirst(a: Alert, b: Alert): number {
  if (a.raisedTimeUs !== b.raisedTimeUs) return a.raisedTimeUs < b.raisedTimeUs ? 1 : -1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** One alert a robot, the newest, with how often all of them came; it stands while one of them does. Newest first. */
export function byRobot(alerts: readonly Alert[]): readonly Alert[] {
  const robots = new Map<string, Alert>();
  for (const alert of alerts) {
    const known = robots.get(alert.agentId);
    if (known === undefined) robots.set(alert.agentId, alert);
    else {
      const clearedTimeUs = alert.clearedTimeUs === 0n ? 0n : known.clearedTimeUs;
      robots.set(alert.agentId, { ...known, count: known.count + alert.count, clearedTimeUs });
    }
  }
  return [...robots.values()];
}

/** What the analyzer found wrong with a reading, by the kind of its check. */
const CHECKED: Readonly<Record<string, string>> = {
  band: 'out of its band',
  rate: 'changes too fast',
  frozen: 'does not change',
  cross: 'contradicts another',
};

/** What a witness found wrong: with the key of an edge or of the hub, or with a recording. */
const WITNESSED = /^witness:(?:(key|hub_key):(.+)|(epoch)\/(\d+)|(.+)\/(\d+))$/;

/** What came home from an edge, or did not: of which edge, or of which life of the robot that the alert names. */
const CAME_HOME = /^(sync:(?:forgot|tenant|stranger)):(.+)$|^(sync|report):[^:]+\/\d+$/;

/** What several causes are to people: edges, lives and recordings are told apart, what is to be done is the same. */
function sharedCause(cause: string): string {
  const [found, ofKey] = WITNESSED.exec(cause) ?? [];
  if (found !== undefined) return `witness:${ofKey ?? 'recording'}`;
  const [home, ofEdge, , ofLife] = CAME_HOME.exec(cause) ?? [];
  return home === undefined ? cause : (ofEdge ?? `${ofLife}:life`);
}

/** What is wrong with what came home, of whom where the cause names an edge. */
function homeWords(cause: string): string | null {
  const [, ofEdge, edge] = CAME_HOME.exec(cause) ?? [];
  switch (sharedCause(ofEdge ?? cause)) {
    case 'sync:forgot':
      return `the hub holds less than it acknowledged${edge === undefined ? '' : ` to ${edge}`}`;
    case 'sync:tenant':
    case 'sync:stranger':
      return `${edge ?? 'an edge'} sends what is not its own`;
    case 'sync:life':
      return 'blocks of a record are refused';
    case 'report:life':
      return 'it reported otherwise than it recorded';
    default:
      return null;
  }
}

/** What a witness found, of whom where the cause names one. */
function witnessWords(cause: string): string | null {
  if (cause === 'witness:key') return 'an edge shows another key';
  if (cause === 'witness:hub_key') return 'the hub is known by another key';
  if (cause === 'witness:recording') return 'a recording contradicts what was seen of it';
  const [found, ofKey, edge, , , source] = WITNESSED.exec(cause) ?? [];
  if (found === undefined) return null;
  if (ofKey === 'key') return `${edge} shows another key`;
  if (ofKey === 'hub_key') return `${edge} knows the hub by another key`;
  const whose = source === undefined ? 'a recording' : `the recording of ${source === 'hub' ? 'the hub' : source}`;
  return `${whose} contradicts what was seen of it`;
}

/** "failsafe:motor_hot" as people say it: "motor hot"; "band:state.motorLeftC": "motor left out of its band". */
export function causeWords(cause: string): string {
  const [, kind = '', field = ''] = /^(band|rate|frozen|cross):(?:\w+\.)?(\w+)$/.exec(cause) ?? [];
  if (field !== '') return `${fieldWords(field)} ${CHECKED[kind]}`;
  const witnessed = witnessWords(cause);
  if (witnessed !== null) return witnessed;
  const home = homeWords(cause);
  if (home !== null) return home;
  if (cause.startsWith('conflict:')) return 'two people wrote the same lines';
  const [, task] = /^upkeep:(.+)$/.exec(cause) ?? [];
  if (task !== undefined) return `the daily ${task} failed`;
  return words(cause.replace(/^(failsafe|rule):/, '').replace(':', ' '));
}

/** A critical alert is never silenced; nor is what is over. */
export const maySilence = (group: Pick<AlertGroup, 'level' | 'standing'>): boolean =>
  group.level !== 'critical' && group.standing > 0;

function moreUrgent(a: AlertGroup, b: AlertGroup): number {
  const over = Number(a.standing === 0) - Number(b.standing === 0);
  if (over !== 0) return over;
  const silenced = Number(a.silencedUntilUs > 0n) - Number(b.silencedUntilUs > 0n);
  if (silenced !== 0) return silenced;
  const acknowledged = Number(a.unacknowledged === 0) - Number(b.unacknowledged === 0);
  if (acknowledged !== 0) return acknowledged;
  const level = RANK.indexOf(a.level) - RANK.indexOf(b.level);
  if (level !== 0) return level;
  return a.newestTimeUs < b.newestTimeUs ? 1 : a.newestTimeUs > b.newestTimeUs ? -1 : 0;
}
