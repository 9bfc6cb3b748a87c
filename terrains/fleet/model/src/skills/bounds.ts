import {
  atan2,
  type Clamped,
  type ClampResult,
  type Command,
  clampParams,
  cos,
  type Params,
  type Restriction,
  sin,
} from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { CUTOFF, DRIVE, HOLD, STOP } from '../commands.ts';
import type { Ground } from '../ground.ts';
import { turnWithin } from '../reflexes/corridor.ts';
import { STANDING_MPS } from '../reflexes/separation.ts';
import { cellAt, centreXM, centreYM } from '../site/site.ts';
import { number } from './parametrize.ts';

const FORESEEN_S = 1;
const ZONE = 'zone:';
const STOPS: readonly string[] = [HOLD, STOP, CUTOFF];

/**
 * The kernel's clamp, the body's own limits, and zones: a drive whose path of the next second enters a forbidden zone is
 * barred, judged by what was asked for: were it judged by what the bounds leave of it, one more bound could make a barred
 * drive a slow one, and the robot bolder (L1). Stops survive every restriction. A robot that stands in the zone already may leave it, slowly: bars keep out, they do not lock in.
 */
export function clampFleet(
  command: Command,
  restriction: Restriction,
  world: FleetBelief,
  ground: Ground,
): ClampResult {
  if (command.kind === 'setpoint' && STOPS.includes(command.name)) {
    return { command, clamped: UNCLAMPED, forbiddenBy: null };
  }
  if (command.name !== DRIVE) return clampParams(command, restriction);
  for (const name in command.params) {
    const value = command.params[name];
    if (typeof value === 'number' && !Number.isFinite(value))
      return { command: null, clamped: [], forbiddenBy: `nan:${name}` };
  }
  const zone = zoneEntered(command, restriction, world, ground);
  if (zone !== null) return { command: null, clamped: [], forbiddenBy: zone };
  const body = bodyOf(world);
  const speedMps = Math.min(restriction.atMost.speedMps ?? Number.POSITIVE_INFINITY, body.maxSpeedMps);
  const turnRadps = Math.min(restriction.atMost.turnRadps ?? Number.POSITIVE_INFINITY, body.maxTurnRadps);
  const asked = number(command.params, 'speedMps') ?? 0;
  const askedTurn = number(command.params, 'turnRadps') ?? 0;
  // Most drives pass as they are, a hundred times a second: then nothing is made anew.
  if (passes(command, restriction, speedMps, turnRadps) && turnWithin(world, askedTurn) >= Math.abs(askedTurn)) {
    return { command, clamped: UNCLAMPED, forbiddenBy: null };
  }
  const bounds = { ...restriction.atMost, speedMps, turnRadps };
  const result = clampParams(command, { atMost: bounds, forbid: restriction.forbid });
  if (result.command === null) return result;
  const cruise = number(result.command.params, 'cruiseMps');
  // A curve is kept when its speed is bounded: the turn shrinks with the speed.
  const params: Record<string, number | string | boolean> = { ...result.command.params };
  const allowed = number(result.command.params, 'speedMps') ?? 0;
  const turn = number(result.command.params, 'turnRadps');
  if (turn !== null && asked !== 0 && allowed !== asked && !turnsInPlace(command, world))
    params.turnRadps = turn * (allowed / asked);
  if (cruise !== null && cruise > speedMps) params.cruiseMps = speedMps;
  const clamped = boundTurn(params, world) ? withTurn(result.clamped, askedTurn, params) : result.clamped;
  return { command: { ...result.command, params }, clamped, forbiddenBy: null };
}

/**
 * A body that stands and pursues no line turns as it is led, however slow it may drive: what bars its way must not bar
 * its turning away [F104]. Asks the belief and the command alone, so no restriction loosens it (L1).
 */
const turnsInPlace = ({ params }: Command, { ledAway, motion }: FleetBelief): boolean =>
  ledAway === true && params.cruiseMps === undefined && Math.abs(motion.speedMps) < STANDING_MPS;

/** Lowers the turn to what the corridor leaves of it [F101]. @returns whether it did */
function boundTurn(params: Record<string, number | string | boolean>, world: FleetBelief): boolean {
  const turn = number(params, 'turnRadps') ?? 0;
  const within = turnWithin(world, turn);
  if (within >= Math.abs(turn)) return false;
  params.turnRadps = within === 0 ? 0 : Math.sign(turn) * within;
  return true;
}

/** What was lowered, with the turn as it has become: it is the last of a drive's parameters by name that is. */
const withTurn = (clamped: readonly Clamped[], from: number, params: Params): readonly Clamped[] => [
  ...clamped.filter(({ param }) => param !== 'turnRadps'),
  { param: 'turnRadps', from, to: number(params, 'turnRadps') ?? 0 },
];

const UNCLAMPED: ClampResult['clamped'] = [];
const BARRED_DRIVE = `name:${DRIVE}`;

/** True when no bound would change the drive: the same answer as clamping it would give, without making one. */
function passes(command: Command, restriction: Restriction, speedMps: number, turnRadps: number): boolean {
  if (restriction.forbid.includes(BARRED_DRIVE)) return false;
  const { params } = command;
  for (const name in params) {
    const value = params[name];
    if (typeof value !== 'number') continue;
    const most = name === 'speedMps' ? speedMps : name === 'turnRadps' ? turnRadps : restriction.atMost[name];
    if (most !== undefined && Math.abs(value) > most) return false;
    if (name === 'cruiseMps' && value > speedMps) return false;
  }
  return true;
}

/**
 * The zone that the drive may enter within the next second: the sector swept by every slower and straighter drive as well.
 * A smaller command sweeps a part of it, so no bound can free a barred drive (L1) and clamping twice is clamping once.
 */
function zoneEntered(command: Command, restriction: Restriction, world: FleetBelief, ground: Ground): string | null {
  let barred: string[] | null = null;
  for (const thing of restriction.forbid) {
    if (!thing.startsWith(ZONE)) continue;
    barred ??= [];
    barred.push(thing.slice(ZONE.length));
  }
  if (barred === null) return null;
  const body = bodyOf(world);
  const speed = within(command, 'speedMps', body.maxSpeedMps);
  if (speed === 0) return null;
  const { site } = ground;
  const { motion } = world;
  const here = ground.zonesOf[cellAt(site, motion.xM, motion.yM)] ?? null;
  const reachM = Math.abs(speed) * FORESEEN_S + body.radiusM;
  const bendRad = (within(command, 'turnRadps', body.maxTurnRadps) * FORESEEN_S) / 2;
  const sector = {
    reachM,
    bendRad,
    cosH: speed < 0 ? -motion.cosH : motion.cosH,
    sinH: speed < 0 ? -motion.sinH : motion.sinH,
  };
  const box = reachM + site.metresPerCell;
  for (let yM = motion.yM - box; yM <= motion.yM + box; yM += site.metresPerCell) {
    for (let xM = motion.xM - box; xM <= motion.xM + box; xM += site.metresPerCell) {
      const cell = cellAt(site, xM, yM);
      const zones = cell < 0 ? null : (ground.zonesOf[cell] ?? null);
      if (zones === null) continue;
      const zone = zones.find((id) => barred.includes(id) && !(here?.includes(id) ?? false));
      if (zone === undefined) continue;
      const dx = centreXM(site, cell) - motion.xM;
      const dy = centreYM(site, cell) - motion.yM;
      if (distanceToSector(dx, dy, sector) <= site.metresPerCell / 2) return ZONE + zone;
    }
  }
  return null;
}

const within = (command: Command, name: string, most: number): number =>
  Math.max(-most, Math.min(most, number(command.params, name) ?? 0));

interface Sector {
  readonly reachM: number;
  /** From the heading to the sector's other edge, signed, within half a turn. */
  readonly bendRad: number;
  readonly cosH: number;
  readonly sinH: number;
}

/** From the point (relative to the robot) to the nearest of the sector. */
function distanceToSector(dx: number, dy: number, { reachM, bendRad, cosH, sinH }: Sector): number {
  const ahead = dx * cosH + dy * sinH;
  const aside = (dy * cosH - dx * sinH) * (bendRad < 0 ? -1 : 1);
  const bend = Math.abs(bendRad);
  const angle = atan2(aside, ahead);
  if (angle >= 0 && angle <= bend) return Math.max(0, Math.sqrt(ahead * ahead + aside * aside) - reachM);
  const c = cos(bend);
  const s = sin(bend);
  return Math.min(
    distanceToSegment(ahead, aside, reachM),
    distanceToSegment(ahead * c + aside * s, aside * c - ahead * s, reachM),
  );
}

/** From the point to the segment from the origin along the first axis. */
function distanceToSegment(along: number, across: number, length: number): number {
  const beyond = along < 0 ? along : along > length ? along - length : 0;
  return Math.sqrt(beyond * beyond + across * across);
}

/** Actions move arms, loads and docks: more than any stop, less than a drive at speed. */
const ACTION_HAZARD = 0.25;

/**
 * A kinetic measure in which standing is 0: share of the fastest body's speed plus share of its turn rate; no bound on
 * either can raise it.
 */
export function hazardOf(command: Command): number {
  if (command.kind === 'action') return ACTION_HAZARD;
  if (command.name !== DRIVE) return 0;
  const { speedMps = 0, turnRadps = 0 } = command.params;
  if (typeof speedMps !== 'number' || typeof turnRadps !== 'number') return Number.POSITIVE_INFINITY;
  const hazard = Math.abs(speedMps) / 1.8 + Math.abs(turnRadps) / 1.6;
  return Number.isNaN(hazard) ? Number.POSITIVE_INFINITY : hazard;
}
