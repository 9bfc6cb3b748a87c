import type { Command, Params, Situation } from '@sigma/kernel';
import { bodyOf, type FleetBelief, type MotionBelief } from '../belief/belief.ts';
import { BODIES, type Body } from '../bodies.ts';
import { CUTOFF, DRIVE, HOLD, STOP } from '../commands.ts';
import { number } from './parametrize.ts';

/**
 * Whether the body does what it is told. Slower than told is no danger and the expectation's business; here counts
 * motion beyond the command, measured against what brakes and motors need at most to take it away.
 */

/** Motion beyond the command by more than this is not noise, nor the lag of a set-point that moves. */
const SPEED_MPS = 0.15;
const TURN_RADPS = 0.35;
/** A body that loses speed at this share of its brakes obeys. */
const BRAKING_SHARE = 0.3;
/** The longest way from command to first effect. */
const LATENCY_S = 0.3;
/** A turn the other way round at full rate is over after 0.4 s and the lag; nothing else takes longer. */
const LONGEST_US = 800_000;
/** A robot that stands may still sway by so much. */
const STANDING_MPS = 0.08;
const STANDING_RADPS = 0.3;

/** Turn rate that wheels and gyro agree on at least: a gyro that drifts or a wheel that slips alone turns nothing. */
function agreedTurn({ turnRadps, turnGapRadps }: MotionBelief): number {
  const byWheels = turnRadps + turnGapRadps;
  if (turnRadps * byWheels <= 0) return 0;
  return Math.abs(byWheels) < Math.abs(turnRadps) ? byWheels : turnRadps;
}

/** How far a value goes beyond the one told, in its own direction; 0 for less or as much. */
const beyond = (value: number, told: number): number =>
  Math.max(0, Math.abs(value) - Math.max(0, value < 0 ? -told : told));

/** Faster than the drive that is told, without braking, or turning more or the other way. */
function exceeds(motion: MotionBelief, { params }: Command, body: Body): boolean {
  if (beyond(agreedTurn(motion), number(params, 'turnRadps') ?? 0) > TURN_RADPS) return true;
  if (beyond(motion.speedMps, number(params, 'speedMps') ?? 0) <= SPEED_MPS) return false;
  const braking = motion.speedMps < 0 ? motion.accelMps2 : -motion.accelMps2;
  return braking < BRAKING_SHARE * body.brakeMps2;
}

/**
 * The time since which the body has gone beyond the drives it was told, carried from set-point to set-point: part of the
 * parameters of the next drive, so that the recording shows what the override was made of. Empty while it obeys.
 */
export function againstSince({ world, command, atUs }: Situation<FleetBelief>): Params {
  if (command.name !== DRIVE || !exceeds(world.motion, command, bodyOf(world))) return {};
  const sinceUs = number(command.params, 'againstSinceUs');
  return { againstSinceUs: sinceUs === null || world.motion.disturbedUs >= sinceUs ? atUs : sinceUs };
}

/** What a stop of that name brakes with. Null for what is no stop. */
function brakes(command: Command, body: Body): number | null {
  if (command.name === HOLD) return body.brakeMps2;
  if (command.name === CUTOFF) return body.mechanicalBrakeMps2;
  if (command.name === STOP) return number(command.params, 'category') === 2 ? body.brakeMps2 : body.hardBrakeMps2;
  return null;
}

/**
 * True when the body moves against the command in force for longer than it can need: beyond a drive without braking, or
 * under a stop faster than full speed less what the brakes have had time to take away.
 */
export function movesAgainst({ world, command, commandSinceUs }: Situation<FleetBelief>): boolean {
  const { motion } = world;
  if (motion.stillSinceUs >= 0) return false;
  const body = BODIES[world.body];
  if (command.kind === 'setpoint' && command.name === DRIVE) {
    const sinceUs = number(command.params, 'againstSinceUs');
    if (sinceUs === null || motion.disturbedUs >= sinceUs) return false;
    return motion.takenUs - sinceUs > LONGEST_US && exceeds(motion, command, body);
  }
  const brakeMps2 = brakes(command, body);
  if (brakeMps2 === null) return false;
  const brakingS = Math.max(0, (motion.takenUs - Math.max(commandSinceUs, motion.disturbedUs)) * 1e-6 - LATENCY_S);
  const mostMps = Math.max(0, body.maxSpeedMps - brakeMps2 * brakingS) + STANDING_MPS;
  const mostRadps = Math.max(0, body.maxTurnRadps - body.turnAccelRadps2 * brakingS) + STANDING_RADPS;
  return Math.abs(motion.speedMps) > mostMps || Math.abs(agreedTurn(motion)) > mostRadps;
}
