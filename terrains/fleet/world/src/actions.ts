import { type Body, CUTOFF, DOCK, DRIVE, LOAD, LOOK, STOP, UNDOCK, UNLOAD } from '@sigma/fleet-model';
import { type Action, agentKey, type Command, drawUnit, hypot, type Json, purpose, type SetPoint } from '@sigma/kernel';
import { castRay } from './lidar.ts';
import {
  BEGUN,
  DOCKED,
  LOAD_KG,
  MODE,
  MODE_CUTOFF,
  MODE_DRIVE,
  MODE_HOLD,
  MODE_PROTECTIVE,
  MODE_STOP,
  type OngoingAction,
  PHASE,
  PHASE_END_US,
  PHASE_SINCE_US,
  ROBOT,
  SET_SPEED,
  SET_TURN,
  SET_UNTIL_US,
  SPEED,
  TURN,
  type WorldPlace,
  X,
  Y,
} from './state.ts';
import type { ActionResult, Draft } from './step.ts';

/** How near its place a robot must stand to load, unload or dock, m, inclusive. */
export const REACH_M = 0.4;
/** An action waits this long for the robot to come to rest, us. */
const REST_WITHIN_US = 3_000_000;

const DURATION = purpose('world-action-duration');

/** Shortest and longest duration, s. */
const DURATIONS_S: Readonly<Record<string, readonly [number, number]>> = {
  [LOAD]: [8, 20],
  [UNLOAD]: [8, 20],
  [DOCK]: [3, 5],
  [UNDOCK]: [1, 2],
  [LOOK]: [2, 2],
};

/** Stop categories of IEC 60204-1. A stop of any other is a protective one. */
const STOP_MODES: Readonly<Record<string, number>> = { 0: MODE_CUTOFF, 1: MODE_PROTECTIVE, 2: MODE_STOP };

/** Gives every robot the command that was applied to it. Robots without a new one go on. */
export function applyCommands(draft: Draft, commands: readonly (Command | null)[]): void {
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) {
    const command = commands[robot];
    if (!command) continue;
    if (command.kind === 'action') beginAction(draft, robot, command);
    else applySetPoint(draft, robot, command);
  }
}

/** A drive that says no time it holds for is none. */
function applySetPoint(draft: Draft, robot: number, { name, params, durationUs }: SetPoint): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const speed = params['speedMps'] ?? 0;
  const turn = params['turnRadps'] ?? 0;
  let mode = MODE_HOLD;
  const lasts = Number.isFinite(durationUs) && durationUs > 0;
  if (name === DRIVE && Number.isFinite(speed) && Number.isFinite(turn) && lasts) mode = MODE_DRIVE;
  else if (name === CUTOFF) mode = MODE_CUTOFF;
  else if (name === STOP) mode = STOP_MODES[String(params['category'])] ?? MODE_PROTECTIVE;
  r[at + MODE] = mode;
  r[at + SET_SPEED] = mode === MODE_DRIVE ? (speed as number) : 0;
  r[at + SET_TURN] = mode === MODE_DRIVE ? (turn as number) : 0;
  r[at + SET_UNTIL_US] = mode === MODE_DRIVE ? draft.fromUs + durationUs : 0;
  const busy = draft.actions[robot];
  if (busy) endAction(draft, robot, busy, 'cancelled', { reason: `'${name}' took its place` });
}

function beginAction(draft: Draft, robot: number, action: Action): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const busy = draft.actions[robot];
  if (busy && busy.id === action.id) return;
  if (busy) endAction(draft, robot, busy, 'cancelled', { reason: `'${action.name}' took its place` });
  r[at + MODE] = MODE_HOLD;
  r[at + SET_SPEED] = 0;
  r[at + SET_TURN] = 0;
  const report = (status: ActionResult['status'], detail: Json) =>
    draft.results.push({ robot, actionId: action.id, status, detail });
  const before = draft.finished[robot];
  if (before && before.key === action.idempotencyKey) {
    report('done', before.detail);
    return;
  }
  if (!Object.hasOwn(DURATIONS_S, action.name)) {
    report('failed', { reason: `no action is called '${action.name}'` });
    return;
  }
  const named = action.name === DOCK ? action.params['place'] : action.params['station'];
  const needsPlace = action.name === DOCK || action.name === LOAD || action.name === UNLOAD;
  const place = typeof named === 'string' ? (draft.layout.placeOf.get(named) ?? -1) : -1;
  if (needsPlace && place < 0) {
    report('failed', { reason: `the site has no place '${String(named)}'` });
    return;
  }
  const item = action.params['item'];
  draft.actions[robot] = {
    id: action.id,
    key: action.idempotencyKey,
    name: action.name,
    place,
    item: typeof item === 'string' ? item : 'item',
  };
  r[at + PHASE] = 1;
  r[at + PHASE_SINCE_US] = draft.fromUs;
  report('accepted', null);
}

/** Carries every action one step on, by robot index: of two that want one place, the lower index has it. */
export function runActions(draft: Draft): void {
  const r = draft.robots;
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) {
    const action = draft.actions[robot];
    if (!action) continue;
    const at = robot * ROBOT;
    if (r[at + PHASE] === 1) {
      const standing = r[at + SPEED] === 0 && r[at + TURN] === 0;
      if (standing) startRunning(draft, robot, action);
      else if (draft.atUs - (r[at + PHASE_SINCE_US] as number) > REST_WITHIN_US) {
        endAction(draft, robot, action, 'failed', { reason: 'the robot did not come to rest' });
      }
    } else if (draft.atUs >= (r[at + PHASE_END_US] as number)) {
      finish(draft, robot, action);
    }
  }
}

function startRunning(draft: Draft, robot: number, action: OngoingAction): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const obstacle = whyNot(draft, robot, action);
  if (obstacle !== null) {
    endAction(draft, robot, action, 'failed', { reason: obstacle });
    return;
  }
  const begun = r[at + BEGUN] as number;
  const [least, most] = DURATIONS_S[action.name] as readonly [number, number];
  const luck = drawUnit(draft.layout.seed, draft.layout.keys[robot] as number, begun, DURATION, 0);
  r[at + BEGUN] = begun + 1;
  r[at + PHASE] = 2;
  r[at + PHASE_SINCE_US] = draft.atUs;
  r[at + PHASE_END_US] = draft.atUs + Math.round((least + luck * (most - least)) * 1e6);
  draft.results.push({ robot, actionId: action.id, status: 'running', detail: null });
}

/** The reason why the action cannot be done here and now, or null. */
function whyNot(draft: Draft, robot: number, action: OngoingAction): string | null {
  const r = draft.robots;
  const at = robot * ROBOT;
  const place = draft.layout.places[action.place];
  if (place !== undefined) {
    const distanceM = hypot((r[at + X] as number) - place.xM, (r[at + Y] as number) - place.yM);
    if (distanceM > REACH_M) return `${distanceM.toFixed(2)} m from '${place.id}', within ${REACH_M} m is needed`;
  }
  if (action.name === LOAD || action.name === UNLOAD) {
    const cargo = draft.cargo[robot] ?? null;
    if (place?.kind !== 'station') return `'${place?.id}' is no station`;
    if (action.name === LOAD && cargo !== null) return `already carries '${cargo}'`;
    if (action.name === UNLOAD && cargo === null) return 'carries nothing';
  }
  if (action.name === DOCK) {
    if (place?.kind === 'station') return `'${place.id}' is a station: nothing to dock at`;
    const holder = holderOf(draft, action.place, robot);
    if (holder >= 0) return `'${place?.id}' is taken by '${draft.layout.robots[holder]?.id}'`;
  }
  if (action.name === UNDOCK && (r[at + DOCKED] as number) < 0) return 'is not docked';
  return null;
}

/** The robot that is docked, or busy docking, at the place; -1 for nobody or oneself. */
function holderOf(draft: Draft, place: number, robot: number): number {
  for (let other = 0; other < draft.layout.bodies.length; other++) {
    if (other === robot) continue;
    const at = other * ROBOT;
    if (draft.robots[at + DOCKED] === place) return other;
    const action = draft.actions[other];
    if (action && action.name === DOCK && action.place === place && draft.robots[at + PHASE] === 2) return other;
  }
  return -1;
}

function finish(draft: Draft, robot: number, action: OngoingAction): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const place = draft.layout.places[action.place] as WorldPlace;
  let detail: Json = null;
  if (action.name === LOAD) {
    const massKg = massOf(action.item, draft.layout.bodies[robot] as Body);
    draft.cargo[robot] = action.item;
    r[at + LOAD_KG] = massKg;
    detail = { item: action.item, massKg, station: place.id };
  } else if (action.name === UNLOAD) {
    detail = { item: draft.cargo[robot] ?? null, station: place.id };
    draft.cargo[robot] = null;
    r[at + LOAD_KG] = 0;
  } else if (action.name === DOCK) {
    r[at + DOCKED] = action.place;
    detail = { place: place.id };
  } else if (action.name === UNDOCK) {
    r[at + DOCKED] = -1;
  } else {
    detail = { nearestM: nearestSurface(draft, robot) };
  }
  draft.finished[robot] = { key: action.key, detail };
  endAction(draft, robot, action, 'done', detail);
}

function endAction(
  draft: Draft,
  robot: number,
  action: OngoingAction,
  status: 'done' | 'failed' | 'cancelled',
  detail: Json,
): void {
  draft.actions[robot] = null;
  draft.robots[robot * ROBOT + PHASE] = 0;
  draft.results.push({ robot, actionId: action.id, status, detail });
}

/** An item weighs what its name says: 10 to 90 % of the body's payload, the same whenever it is lifted. Kilograms. */
function massOf(item: string, body: Body): number {
  return body.payloadKg * (0.1 + (0.8 * agentKey(item)) / 4294967296);
}

/** A slow, close look: the nearest wall over a full turn of 720 rays, in whole millimetres. */
function nearestSurface(draft: Draft, robot: number): number {
  const { site, bodies } = draft.layout;
  const x = draft.robots[robot * ROBOT + X] as number;
  const y = draft.robots[robot * ROBOT + Y] as number;
  const rangeM = (bodies[robot] as Body).lidarRangeM;
  let nearest = rangeM;
  for (let k = 0; k < 720; k++) {
    // Directions on a diamond: evenly enough spread, and exact.
    const part = (k % 180) / 180;
    const quarter = Math.floor(k / 180);
    const a = 1 - part;
    const dx = quarter === 0 ? a : quarter === 1 ? -part : quarter === 2 ? -a : part;
    const dy = quarter === 0 ? part : quarter === 1 ? a : quarter === 2 ? -part : -a;
    const length = Math.sqrt(dx * dx + dy * dy);
    nearest = Math.min(nearest, castRay(site, x, y, dx / length, dy / length, nearest));
  }
  return Math.round(nearest * 1000) / 1000;
}
