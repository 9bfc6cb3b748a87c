import { type ClampResult, type Command, clampParams, cos, type Restriction, sin } from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { DRIVE } from '../commands.ts';
import type { Ground } from '../ground.ts';
import { cellAt } from '../site/site.ts';
import { number } from './parametrize.ts';

const FORESEEN_S = 1;
const ZONE = 'zone:';

/**
 * The kernel's clamp, the body's own limits, and zones: a drive whose path of the next second enters a forbidden zone is
 * barred, judged by what was asked for: were it judged by what the bounds leave of it, one more bound could make a barred
 * drive a slow one, and the robot bolder (L1). A robot that stands in the zone already may leave it, slowly: bars keep out, they do not lock in.
 */
export function clampFleet(
  command: Command,
  restriction: Restriction,
  world: FleetBelief,
  ground: Ground,
): ClampResult {
  if (command.name !== DRIVE) return clampParams(command, restriction);
  const zone = zoneEntered(command, restriction, world, ground);
  if (zone !== null) return { command: null, clamped: [], forbiddenBy: zone };
  const body = bodyOf(world);
  const speedMps = Math.min(restriction.atMost.speedMps ?? Number.POSITIVE_INFINITY, body.maxSpeedMps);
  const turnRadps = Math.min(restriction.atMost.turnRadps ?? Number.POSITIVE_INFINITY, body.maxTurnRadps);
  const bounds = { ...restriction.atMost, speedMps, turnRadps };
  const result = clampParams(command, { atMost: bounds, forbid: restriction.forbid });
  if (result.command === null) return result;
  const cruise = number(result.command.params, 'cruiseMps');
  // The pursued curve is kept when its speed is bounded: the turn shrinks with the speed.
  const params: Record<string, number | string | boolean> = { ...result.command.params };
  const asked = number(command.params, 'speedMps') ?? 0;
  const allowed = number(result.command.params, 'speedMps') ?? 0;
  const turn = number(result.command.params, 'turnRadps');
  if (turn !== null && asked !== 0 && allowed !== asked) params.turnRadps = turn * (allowed / asked);
  if (cruise !== null && cruise > speedMps) params.cruiseMps = speedMps;
  const clamped: Command = { ...result.command, params };
  return { command: clamped, clamped: result.clamped, forbiddenBy: null };
}

function zoneEntered(command: Command, restriction: Restriction, world: FleetBelief, ground: Ground): string | null {
  let barred: string[] | null = null;
  for (const thing of restriction.forbid) {
    if (!thing.startsWith(ZONE)) continue;
    barred ??= [];
    barred.push(thing);
  }
  if (barred === null) return null;
  const { motion } = world;
  const body = bodyOf(world);
  const within = (name: string, most: number): number =>
    Math.max(-most, Math.min(most, number(command.params, name) ?? 0));
  const speed = within('speedMps', body.maxSpeedMps);
  const turn = within('turnRadps', body.maxTurnRadps);
  const here = zonesAt(ground, motion.xM, motion.yM);
  const radius = body.radiusM;
  for (let k = 1; k <= 4; k++) {
    const t = (FORESEEN_S * k) / 4;
    const middle = motion.headingRad + turn * t * 0.5;
    const reach = speed * t + (speed > 0 ? radius : speed < 0 ? -radius : 0);
    const zones = zonesAt(ground, motion.xM + reach * cos(middle), motion.yM + reach * sin(middle));
    if (zones === null) continue;
    for (const zone of zones) {
      const name = ZONE + zone;
      if (barred.includes(name) && !(here?.includes(zone) ?? false)) return name;
    }
  }
  return null;
}

function zonesAt(ground: Ground, xM: number, yM: number): readonly string[] | null {
  const cell = cellAt(ground.site, xM, yM);
  return cell < 0 ? null : (ground.zonesOf[cell] ?? null);
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
  const speed = Math.abs(number(command.params, 'speedMps') ?? 0);
  const turn = Math.abs(number(command.params, 'turnRadps') ?? 0);
  return speed / 1.8 + turn / 1.6;
}
