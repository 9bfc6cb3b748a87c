/** Alerts as a pure fold: grouped by (agent, cause), raised after a hold-off, cleared after a longer quiet. */

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
      /** Raised at the first sighting, and stands until it is seen to be gone: a failsafe, which has its own hysteresis. */
      readonly certain: boolean;
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
}

interface Group {
  readonly firstUs: number;
  readonly lastUs: number;
  readonly sightings: number;
  readonly certain: boolean;
  readonly alert: Alert | null;
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
/** A certain one that comes back so soon is the same alert, counted up. */
const SAME_WITHIN_US = 3_000_000;

const CRITICAL = 4;
const keyOf = (agentId: string, cause: string): string => `${agentId} ${cause}`;

/** Folds sightings and the passing of time. @returns the new board and every alert that changed. */
export function stepBoard(
  board: Board,
  sightings: readonly Sighting[],
  nowUs: number,
  newId: () => string,
): { readonly board: Board; readonly changed: readonly Alert[] } {
  const groups = new Map(board.groups);
  const changed: Alert[] = [];
  for (const sighting of sightings) {
    const key = keyOf(sighting.agentId, sighting.cause);
    const before = groups.get(key);
    if (!sighting.seen) {
      if (before?.alert?.clearedTimeUs === 0) {
        const alert = { ...before.alert, clearedTimeUs: nowUs };
        groups.set(key, { ...before, lastUs: nowUs, alert });
        changed.push(alert);
      }
      continue;
    }
    const group = sightingAdded(before, sighting, nowUs, newId);
    groups.set(key, group);
    if (group.alert !== null && group.alert !== before?.alert) changed.push(group.alert);
  }
  for (const [key, group] of groups) {
    const { alert } = group;
    const quietUs = nowUs - group.lastUs;
    if (alert !== null && alert.clearedTimeUs === 0 && !group.certain && quietUs >= CLEAR_AFTER_US) {
      const cleared = { ...alert, clearedTimeUs: nowUs };
      groups.set(key, { ...group, alert: cleared });
      changed.push(cleared);
    } else if ((alert === null || alert.clearedTimeUs > 0) && quietUs >= CLEAR_AFTER_US) {
      groups.delete(key);
    }
  }
  return { board: { groups }, changed };
}

function sightingAdded(
  before: Group | undefined,
  sighting: Extract<Sighting, { seen: true }>,
  nowUs: number,
  newId: () => string,
): Group {
  const follows = before !== undefined && nowUs - before.lastUs < AGAIN_WITHIN_US;
  const sightings = follows ? before.sightings + 1 : 1;
  const firstUs = follows ? before.firstUs : nowUs;
  const certain = sighting.certain;
  const old = before?.alert ?? null;
  const same = old !== null && (old.clearedTimeUs === 0 || nowUs - old.clearedTimeUs < SAME_WITHIN_US);
  if (same) {
    const alert = {
      ...old,
      level: Math.max(old.level, sighting.level),
      text: sighting.text,
      advice: sighting.advice,
      count: old.count + 1,
      clearedTimeUs: 0,
    };
    return { firstUs, lastUs: nowUs, sightings, certain, alert };
  }
  if (!certain && sighting.level < CRITICAL && sightings < RAISE_AFTER)
    return { firstUs, lastUs: nowUs, sightings, certain, alert: null };
  const alert: Alert = {
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
    count: sightings,
    decisionSequence: 0,
  };
  return { firstUs, lastUs: nowUs, sightings, certain, alert };
}

/** The board with one alert put in place of its older self, or taken up from a board of before. */
export function withAlert(
  board: Board,
  alert: Alert,
  taken: { readonly lastUs: number; readonly certain: boolean } = { lastUs: alert.raisedTimeUs, certain: false },
): Board {
  const groups = new Map(board.groups);
  const key = keyOf(alert.agentId, alert.cause);
  const group = groups.get(key) ?? { firstUs: alert.raisedTimeUs, sightings: alert.count, ...taken, alert };
  groups.set(key, { ...group, alert });
  return { groups };
}
