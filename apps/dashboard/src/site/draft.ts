import type { Fence, NoteConflict } from '@sigma/proto';

/** What is being drawn on the map: a zone to cover, a fence, the points of a patrol, or where a simulated person shall stand. Points in metres, snapped. */
export interface Draft {
  readonly kind: 'zone' | 'fence' | 'patrol' | 'person';
  readonly points: readonly DraftPoint[];
  /** Points that undo took away, newest last. */
  readonly undone: readonly DraftPoint[];
  /** A closed outline can be sent; an open one can grow. A patrol is always open. */
  readonly closed: boolean;
  /** Where the next point would go, snapped; null while the pointer is elsewhere. */
  readonly pointer: DraftPoint | null;
  /** What that point holds to. */
  readonly hold: Hold | null;
  /** What a fence is to ask, and what is said of it, as far as somebody has written it. */
  readonly terms?: FenceTerms;
  /** Only where a fence that stands is changed. */
  readonly change?: DraftChange;
}

/** What holds inside a fence, for how long, and under which name. */
export interface FenceTerms {
  readonly kind: 'restricted' | 'slow';
  /** Only of a slow one. */
  readonly speedMps: number;
  readonly name: string;
  /** 0: until somebody takes it away. */
  readonly seconds: number;
  /** For other people; robots do not read it. */
  readonly note: string;
}

/** A fence that is changed. All that is written of it stays here, whatever else is looked at meanwhile. */
export interface DraftChange {
  /** As it was when it was opened: what is sent says what was made of it. */
  readonly seen: Fence;
  /** It was sent, but for these lines of its note, which others had changed too. */
  readonly unsettled: { readonly fence: Fence; readonly conflicts: readonly NoteConflict[] } | null;
  /** One corner is off the outline: the next point puts it down and closes the outline again. */
  readonly lifted: boolean;
  /** Outlines before each corner that was moved, and those that undo took back; newest last. */
  readonly before: readonly (readonly DraftPoint[])[];
  readonly after: readonly (readonly DraftPoint[])[];
}

export type DraftPoint = readonly [xM: number, yM: number];

export type DraftAct =
  | { readonly type: 'begin'; readonly kind: Draft['kind'] }
  | { readonly type: 'change'; readonly fence: Fence }
  | { readonly type: 'lift'; readonly corner: number }
  | { readonly type: 'point'; readonly at: DraftPoint }
  | { readonly type: 'move'; readonly at: DraftPoint | null; readonly hold?: Hold | null }
  | { readonly type: 'close' }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' }
  | { readonly type: 'terms'; readonly terms: FenceTerms }
  | { readonly type: 'cancel' };

/** Why a point stands where it does: shown while drawing, so that nobody wonders where it jumped to. */
export interface Hold {
  readonly kind: 'grid' | 'corner' | 'axis' | 'free';
  /** The points that it lines up with or stands on; guides are drawn to them. */
  readonly to: readonly DraftPoint[];
}

const LEAST_ZONE_POINTS = 3;
/** As many as the site accepts in an outline. */
const MOST_POINTS = 1_000;

/**
 * The drawing tool as a pure step. A click on the first point, or `close`, closes an outline of three points or more;
 * undo first opens a closed outline, then takes points away, and with none left ends the tool. Of a fence that is changed
 * a corner is lifted and put down elsewhere; undo first takes such moves back.
 */
export function draftStep(draft: Draft | null, act: DraftAct): Draft | null {
  if (act.type === 'begin') {
    return { kind: act.kind, points: [], undone: [], closed: false, pointer: null, hold: null };
  }
  if (act.type === 'change') {
    const { polygon, kind, speedMps, name, note } = act.fence;
    const change = { seen: act.fence, unsettled: null, lifted: false, before: [], after: [] };
    const points = (polygon?.points ?? []).map(({ xM, yM }): DraftPoint => [xM, yM]);
    const terms: FenceTerms = { kind: kind === 'slow' ? 'slow' : 'restricted', speedMps, name, note, seconds: 0 };
    return { kind: 'fence', points, undone: [], closed: true, pointer: null, hold: null, terms, change };
  }
  if (draft === null) return null;
  const moved = draft.change === undefined ? null : moveStep(draft, draft.change, act);
  if (moved !== null) return moved;
  switch (act.type) {
    case 'cancel':
      return null;
    case 'lift':
      return draft;
    case 'terms':
      return { ...draft, terms: act.terms };
    case 'move':
      return same(draft.pointer, act.at) && draft.hold?.kind === act.hold?.kind
        ? draft
        : { ...draft, pointer: act.at, hold: act.hold ?? null };
    case 'close':
      return canClose(draft) ? { ...draft, closed: true, pointer: null, hold: null } : draft;
    case 'point':
      return addPoint(draft, act.at);
    case 'undo': {
      if (draft.closed) return { ...draft, closed: false };
      const last = draft.points.at(-1);
      if (last === undefined) return null;
      return { ...draft, points: draft.points.slice(0, -1), undone: [...draft.undone, last] };
    }
    case 'redo': {
      const back = draft.undone.at(-1);
      if (back === undefined || draft.closed) return draft;
      return { ...draft, points: [...draft.points, back], undone: draft.undone.slice(0, -1) };
    }
  }
}

/** What lifts a corner, puts it down, and takes that back or brings it again; null for every other act. */
function moveStep(draft: Draft, change: DraftChange, act: DraftAct): Draft | null {
  const { before, after, lifted } = change;
  const { points, closed } = draft;
  const outline = (to: readonly DraftPoint[], next: Partial<DraftChange>): Draft => {
    const became = { ...change, lifted: false, ...next };
    return { ...draft, points: to, undone: [], closed: true, pointer: null, hold: null, change: became };
  };
  if (act.type === 'lift' && closed) {
    const corner = points[act.corner];
    if (corner === undefined) return draft;
    // The corner that moves comes last, as the next point of an open outline does.
    const rest = [...points.slice(act.corner + 1), ...points.slice(0, act.corner)];
    const open = { ...change, lifted: true, before: [...before, points], after: [] };
    return { ...draft, points: rest, undone: [], closed: false, pointer: corner, hold: null, change: open };
  }
  if (act.type === 'point' && lifted)
    return points.some((point) => same(point, act.at)) ? draft : outline([...points, act.at], {});
  const back = before.at(-1);
  if (act.type === 'undo' && back !== undefined && (lifted || closed))
    return outline(back, { before: before.slice(0, -1), after: lifted ? after : [...after, points] });
  const again = after.at(-1);
  if (act.type === 'redo' && again !== undefined && closed)
    return outline(again, { before: [...before, points], after: after.slice(0, -1) });
  return null;
}

function addPoint(draft: Draft, at: DraftPoint): Draft {
  if (draft.closed || draft.points.length >= MOST_POINTS) return draft;
  const first = draft.points[0];
  if (isOutline(draft) && first !== undefined && same(first, at)) {
    return canClose(draft) ? { ...draft, closed: true, pointer: null, hold: null } : draft;
  }
  if (same(draft.points.at(-1) ?? null, at)) return draft;
  return { ...draft, points: [...draft.points, at], undone: [] };
}

export const canClose = (draft: Draft): boolean =>
  isOutline(draft) && !draft.closed && draft.change?.lifted !== true && draft.points.length >= LEAST_ZONE_POINTS;

/** Whether there is something that redo brings back. */
export const canRedo = ({ undone, closed, change }: Draft): boolean =>
  closed ? (change?.after.length ?? 0) > 0 : undone.length > 0;

/** A zone and a fence have an inside; a patrol is a way. */
export const isOutline = (draft: Pick<Draft, 'kind'>): boolean => draft.kind !== 'patrol';

/** True when there is something to ask the hub about. */
export const isComplete = (draft: Draft): boolean => (isOutline(draft) ? draft.closed : draft.points.length >= 2);

function same(a: DraftPoint | null, b: DraftPoint | null): boolean {
  if (a === null || b === null) return a === b;
  return a[0] === b[0] && a[1] === b[1];
}

/** Area inside the outline by the shoelace formula, m². */
export function areaM2(points: readonly DraftPoint[]): number {
  let twice = 0;
  for (let k = 0; k < points.length; k++) {
    const [ax, ay] = points[k] as DraftPoint;
    const [bx, by] = points[(k + 1) % points.length] as DraftPoint;
    twice += ax * by - bx * ay;
  }
  return Math.abs(twice) / 2;
}

/** Length of the way through the points in order, m; a closed one returns to its start. */
export function lengthM(points: readonly DraftPoint[], closed: boolean): number {
  let total = 0;
  for (let k = 1; k < points.length; k++) total += apart(points[k - 1] as DraftPoint, points[k] as DraftPoint);
  if (closed && points.length > 2) total += apart(points.at(-1) as DraftPoint, points[0] as DraftPoint);
  return total;
}

const apart = (a: DraftPoint, b: DraftPoint): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
