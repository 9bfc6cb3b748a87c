import type { Json, Params } from './json.ts';

/**
 * What an agent does. A *set-point* holds for a while and is renewed; when it expires the terrain's rest command takes
 * its place. An *action* is done once: it has an id, an idempotency key and a deadline, and its results come back as
 * stimuli.
 */
export type Command = SetPoint | Action;

export interface SetPoint {
  readonly kind: 'setpoint';
  readonly name: string;
  readonly params: Params;
  /** How long it holds from the moment it is chosen, in microseconds, > 0. */
  readonly durationUs: number;
}

export interface Action {
  readonly kind: 'action';
  readonly name: string;
  readonly params: Params;
  /** Unique within the agent's epoch. */
  readonly id: string;
  /** Two actions with the same key have the effect of one. */
  readonly idempotencyKey: string;
  /** The moment, inclusive, after which no result means `unknown`. */
  readonly deadlineUs: number;
}

/** `unknown`: the world may or may not have done it; only the world can reconcile it. */
export type ActionStatus = 'accepted' | 'running' | 'done' | 'failed' | 'cancelled' | 'unknown';

/** `unknown` is not final: the world can still say what became of it. */
export const isFinal = (status: ActionStatus): boolean =>
  status === 'done' || status === 'failed' || status === 'cancelled';

/** The moment, inclusive, until which a command chosen at `atUs` holds. */
export const commandEnd = (command: Command, atUs: number): number =>
  command.kind === 'setpoint' ? atUs + command.durationUs : command.deadlineUs;

export interface ActionInFlight {
  readonly action: Action;
  readonly status: ActionStatus;
  readonly sinceUs: number;
  /** What its world last said about it. */
  readonly detail: Json;
}

/** Bounds on whatever command wins. Restrictions intersect: the smallest bound and every forbidden thing hold. */
export interface Restriction {
  /** Greatest magnitude, inclusive, of the parameter of that name: `{ speedMps: 0.3 }` also means not below -0.3. */
  readonly atMost: Readonly<Record<string, number>>;
  /** Things no command may do, in the terrain's own words: `zone:4`, `name:lift`. `name:` bars commands by name. */
  readonly forbid: readonly string[];
}

export const NO_RESTRICTION: Restriction = { atMost: {}, forbid: [] };

/** The restriction under which both hold. Commutative, associative, idempotent (property-tested). */
export function intersect(a: Restriction, b: Restriction): Restriction {
  if (a === NO_RESTRICTION) return b;
  if (b === NO_RESTRICTION) return a;
  const atMost: Record<string, number> = { ...a.atMost };
  for (const name of Object.keys(b.atMost)) {
    const bound = b.atMost[name] as number;
    const present = atMost[name];
    if (present === undefined || bound < present) atMost[name] = bound;
  }
  if (a.forbid.length === 0 && b.forbid.length === 0) return { atMost, forbid: NO_RESTRICTION.forbid };
  const forbid = [...a.forbid];
  for (const thing of b.forbid) if (!forbid.includes(thing)) forbid.push(thing);
  forbid.sort();
  return { atMost, forbid };
}

/** One parameter that a restriction lowered. */
export interface Clamped {
  readonly param: string;
  readonly from: number;
  readonly to: number;
}

export interface ClampResult {
  /** Null when the command is forbidden outright. */
  readonly command: Command | null;
  readonly clamped: readonly Clamped[];
  /** The entry of `forbid` that barred it, if any. */
  readonly forbiddenBy: string | null;
}

/**
 * The kernel's own clamp: lowers the magnitude of numeric parameters and bars commands by `name:`. A NaN parameter
 * is no command at all and is barred. Terrains add what only they can judge (zones, files, purses) around it.
 */
export function clampParams(command: Command, restriction: Restriction): ClampResult {
  if (restriction.forbid.includes(`name:${command.name}`)) {
    return { command: null, clamped: [], forbiddenBy: `name:${command.name}` };
  }
  let clamped: Clamped[] | null = null;
  let params: Record<string, number | string | boolean> | null = null;
  for (const name of Object.keys(command.params)) {
    const value = command.params[name];
    if (typeof value !== 'number') continue;
    if (Number.isNaN(value)) return { command: null, clamped: [], forbiddenBy: `nan:${name}` };
    const bound = restriction.atMost[name];
    if (bound === undefined || Math.abs(value) <= bound) continue;
    const to = value < 0 ? -bound : bound;
    params ??= { ...command.params };
    clamped ??= [];
    params[name] = to;
    clamped.push({ param: name, from: value, to });
  }
  if (params === null || clamped === null) return { command, clamped: [], forbiddenBy: null };
  if (clamped.length > 1) clamped.sort((a, b) => (a.param < b.param ? -1 : 1));
  return { command: { ...command, params }, clamped, forbiddenBy: null };
}

/** True when both say the same thing to the actuators. */
export function sameCommand(a: Command | null, b: Command | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'action') return a.id === (b as Action).id;
  const names = Object.keys(a.params);
  if (names.length !== Object.keys(b.params).length) return false;
  for (const name of names) if (!Object.is(a.params[name], b.params[name])) return false;
  return true;
}
