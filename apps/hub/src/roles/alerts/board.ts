/** Alerts as a pure fold: grouped by (agent, cause), an uncertain cause raised after a hold-off, cleared after a longer quiet. */

/** Something wrong was seen, or is no longer. */
export type Sighting =
  | {
      readonly seen: true;
      readonly agentId: string;
      readonly cause: string;
      /** 1 info, 2 advisory, 3 warning, 4 critical. */
      readonly level: number;
      readonly text: string;
      readonly advice: string;
      /** Stands until it is seen to be gone: a failsafe, which has its own hysteresis. Raised at the first sighting. */
      readonly certain: boolean;
      /** Decision that answered it, where there is one. */
      readonly decision?: { readonly epoch: number; readonly sequence: number };
    }
  | { readonly seen: false; readonly agentId: string; readonly cause: string };

export interface Alert {
  readonly id: string;
  readonly level: number;
  readonly agentId: string;
  readonly cause: string;
  readonly text: string;
  readonly advice: string;
  readonly raisedTimeUs: number;
  /** 0 while it stands. */
  readonly clearedTimeUs: number;
  readonly acknowledgedBy: string;
  readonly acknowledgedTimeUs: number;
  readonly count: number;
  readonly decisionSequence: number;
  readonly decisionEpoch: number;
  /** The alert that explains this one, or empty. */
  readonly rootId: string;
}

type Seen = Extract<Sighting, { seen: true }>;

interface Group {
  readonly firstUs: number;
  readonly lastUs: number;
  readonly sightings: number;
  readonly certain: boolean;
  /** Cleared ones stay for a while, so that what comes back is known again. */
  readonly alert: Alert | null;
  /** How often it came back since it was raised. */
  readonly returns: number;
  /** Seen to be gone then, and watched whether it stays away; null: it is there. */
  readonly goneUs: number | null;
}

export interface Board {
  readonly groups: ReadonlyMap<string, Group>;
}

export const emptyBoard: Board = { groups: new Map() };

/** Sightings further apart than this do not add up: a single outlier raises nothing. */
const AGAIN_WITHIN_US = 5_000_000;
/** Sightings before an uncertain cause is raised; a critical one is raised at once. */
const RAISE_AFTER = 3;
/** An uncertain cause is cleared when nothing was seen of it for this long. */
const CLEAR_AFTER_US = 10_000_000;
/** What comes back so soon is the same alert, counted up. */
const SAME_WITHIN_US = 30_000_000;
/** After so many returns a certain one clears only when it stayed away for `CLEAR_AFTER_US`: it comes and goes. */
const COMES_AND_GOES = 2;

const CRITICAL = 4;
const keyOf = (agentId: string, cause: string): string => `${agentId} ${cause}`;
type Standing = Alert & { readonly clearedTimeUs: 0 };
const stands = (alert: Alert | null): alert is Standing => alert !== null && alert.clearedTimeUs === 0;

/** Folds sightings and the passing of time. @returns the new board and every alert that changed. */
export function stepBoard(
  board: Board,
  sightings: readonly Sighting[],
  nowUs: number,
  newId: () => string,
): { readonly board: Board; readonly changed: readonly Alert[] } {
  const groups = new Map(board.groups);
  const changed: Alert[] = [];
  const put = (key: string, before: Group | undefined, group: Group | null): void => {
    if (group === null) groups.delete(key);
    else groups.set(key, group);
    if (group?.alert != null && group.alert !== before?.alert) changed.push(group.alert);
  };
  for (const sighting of sightings) {
    const key = keyOf(sighting.agentId, sighting.cause);
    const before = groups.get(key);
    if (sighting.seen) put(key, before, seen(before, sighting, nowUs, newId));
    else if (before !== undefined) put(key, before, gone(before, nowUs));
  }
  for (const [key, group] of groups) {
    const after = passed(group, nowUs);
    if (after !== group) put(key, group, after);
  }
  return { board: { groups }, changed };
}

/** Standing alerts of the board. */
export const standingOn = (board: Board): readonly Alert[] =>
  [...board.groups.values()].flatMap(({ alert }) => (stands(alert) ? [alert] : []));

function seen(before: Group | undefined, sighting: Seen, nowUs: number, newId: () => string): Group {
  const follows = before !== undefined && nowUs - before.lastUs < AGAIN_WITHIN_US;
  const { certain, level } = sighting;
  const group: Group = {
    firstUs: follows ? before.firstUs : nowUs,
    lastUs: nowUs,
    sightings: follows ? before.sightings + 1 : 1,
    certain,
    alert: before?.alert ?? null,
    returns: before?.returns ?? 0,
    goneUs: null,
  };
  const back = before?.goneUs != null ? 1 : 0;
  if (stands(group.alert)) return { ...group, returns: group.returns + back, alert: again(group.alert, sighting) };
  if (!certain && level < CRITICAL && group.sightings < RAISE_AFTER) return group;
  const old = group.alert;
  if (old !== null && nowUs - old.clearedTimeUs < SAME_WITHIN_US)
    return { ...group, returns: group.returns + 1, alert: again(old, sighting) };
  return { ...group, returns: 0, alert: raised(sighting, certain ? 1 : group.sightings, nowUs, newId) };
}

function gone(before: Group, nowUs: number): Group {
  if (!stands(before.alert) || before.goneUs !== null) return before;
  if (before.returns >= COMES_AND_GOES) return { ...before, goneUs: nowUs };
  return { ...before, lastUs: nowUs, alert: { ...before.alert, clearedTimeUs: nowUs } };
}

function passed(group: Group, nowUs: number): Group | null {
  const { alert, goneUs } = group;
  const quietUs = nowUs - (goneUs ?? group.lastUs);
  if (stands(alert)) {
    if ((group.certain && goneUs === null) || quietUs < CLEAR_AFTER_US) return group;
    return { ...group, lastUs: nowUs, goneUs: null, alert: { ...alert, clearedTimeUs: nowUs } };
  }
  if (alert !== null) return nowUs - alert.clearedTimeUs >= SAME_WITHIN_US ? null : group;
  return quietUs >= CLEAR_AFTER_US ? null : group;
}

const again = (alert: Alert, { level, text, advice }: Seen): Alert => ({
  ...alert,
  level: Math.max(alert.level, level),
  text,
  advice,
  count: alert.count + 1,
  clearedTimeUs: 0,
});

const raised = (sighting: Seen, count: number, nowUs: number, newId: () => string): Alert => ({
  id: `a-${newId()}`,
  level: sighting.level,
  agentId: sighting.agentId,
  cause: sighting.cause,
  text: sighting.text,
  advice: sighting.advice,
  raisedTimeUs: nowUs,
  clearedTimeUs: 0,
  acknowledgedBy: '',
  acknowledgedTimeUs: 0,
  count,
  decisionSequence: sighting.decision?.sequence ?? 0,
  decisionEpoch: sighting.decision?.epoch ?? 0,
  rootId: '',
});

/** The board with alerts put in place of their older selves. */
export function withAlerts(board: Board, alerts: readonly Alert[]): Board {
  if (alerts.length === 0) return board;
  const groups = new Map(board.groups);
  for (const alert of alerts) {
    const key = keyOf(alert.agentId, alert.cause);
    const group = groups.get(key);
    if (group !== undefined) groups.set(key, { ...group, alert });
  }
  return { groups };
}

/** The board with one alert put in place of its older self, or taken up from a board of before. */
export function withAlert(
  board: Board,
  alert: Alert,
  taken: { readonly lastUs: number; readonly certain: boolean } = { lastUs: alert.raisedTimeUs, certain: false },
): Board {
  const groups = new Map(board.groups);
  const key = keyOf(alert.agentId, alert.cause);
  const group = groups.get(key) ?? {
    firstUs: alert.raisedTimeUs,
    sightings: alert.count,
    ...taken,
    returns: 0,
    goneUs: null,
  };
  groups.set(key, { ...group, alert });
  return { groups };
}
