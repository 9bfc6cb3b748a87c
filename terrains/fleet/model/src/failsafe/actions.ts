import type { Command, FailsafeAction, Situation } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import { CUTOFF, STOP } from '../commands.ts';
import { HOLD_COMMAND } from '../skills/parametrize.ts';

/** Below this voltage the drives cannot brake electrically: only the springs can. */
const BRAKING_V = 36;
/** A motor hotter than this may not be asked to brake. */
const BURNING_C = 115;

const stop = (category: 1 | 2): Command => ({
  kind: 'setpoint',
  name: STOP,
  params: { category },
  durationUs: 1_000_000,
});
const cutoff: Command = { kind: 'setpoint', name: CUTOFF, params: {}, durationUs: 1_000_000 };

/** Electric braking needs a battery that holds its voltage and motors that are neither overloaded nor burning. */
function canBrake({ world }: Situation<FleetBelief>): boolean {
  const { health, motion } = world;
  if (health.atUs >= 0 && health.batteryV < BRAKING_V) return false;
  if (Math.max(health.motorLeftC, health.motorRightC) > BURNING_C) return false;
  return motion.overCurrentSinceUs < 0 || motion.takenUs - motion.overCurrentSinceUs <= 50_000;
}

/** The power contactor answers, unless the runner has found it welded. */
const canCut = ({ signals }: Situation<FleetBelief>): boolean => (signals.contactor_stuck ?? 0) === 0;
const always = (): boolean => true;

type Action = FailsafeAction<FleetBelief>;

/**
 * What is done, in order of severity. An electric stop that cannot run degrades to the next one and ends in the cutoff;
 * a cutoff that cannot run ends in the mechanical brakes, which need nothing but springs.
 */
export const FLEET_ACTIONS: readonly Action[] = [
  {
    id: 'sos_broadcast',
    severity: 10,
    command: null,
    restriction: null,
    stopCategory: null,
    broadcast: true,
    canRun: always,
    degradesTo: 'low_power_stability',
  },
  {
    id: 'low_power_stability',
    severity: 20,
    command: null,
    stopCategory: null,
    restriction: { atMost: { speedMps: 0.4, turnRadps: 0.8 }, forbid: ['name:load'] },
    broadcast: false,
    canRun: always,
    degradesTo: 'hold',
  },
  {
    id: 'hold',
    severity: 25,
    command: HOLD_COMMAND,
    restriction: null,
    stopCategory: 2,
    broadcast: false,
    canRun: canBrake,
    degradesTo: 'ai_self_suspension',
  },
  {
    id: 'ai_self_suspension',
    severity: 30,
    command: HOLD_COMMAND,
    restriction: null,
    stopCategory: 2,
    broadcast: true,
    canRun: canBrake,
    degradesTo: 'human_proximity_override',
  },
  {
    id: 'human_proximity_override',
    severity: 40,
    command: stop(1),
    restriction: null,
    stopCategory: 1,
    broadcast: false,
    canRun: canBrake,
    degradesTo: 'geofence_restriction',
  },
  {
    id: 'geofence_restriction',
    severity: 50,
    command: stop(2),
    stopCategory: 2,
    restriction: { atMost: { speedMps: 0.3, turnRadps: 0.8 }, forbid: [] },
    broadcast: true,
    canRun: canBrake,
    degradesTo: 'unsafe_movement_override',
  },
  {
    id: 'unsafe_movement_override',
    severity: 60,
    command: stop(1),
    stopCategory: 1,
    restriction: { atMost: { speedMps: 0.3, turnRadps: 0.5 }, forbid: [] },
    broadcast: true,
    canRun: canBrake,
    degradesTo: 'thermal_shutdown',
  },
  {
    id: 'thermal_shutdown',
    severity: 70,
    command: stop(1),
    restriction: null,
    stopCategory: 1,
    broadcast: true,
    canRun: canBrake,
    degradesTo: 'motor_overload_cutoff',
  },
  {
    id: 'motor_overload_cutoff',
    severity: 80,
    command: cutoff,
    restriction: null,
    stopCategory: 0,
    broadcast: true,
    canRun: canCut,
    degradesTo: 'emergency_stop',
  },
  {
    id: 'emergency_stop',
    severity: 90,
    command: cutoff,
    restriction: null,
    stopCategory: 0,
    broadcast: true,
    canRun: canCut,
    degradesTo: 'mechanical',
  },
  {
    id: 'mechanical',
    severity: 100,
    command: cutoff,
    restriction: null,
    stopCategory: 0,
    broadcast: true,
    canRun: always,
    degradesTo: null,
  },
];
