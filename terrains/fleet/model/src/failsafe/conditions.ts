import type { FailsafeCondition, Situation } from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { framesLateUs } from '../belief/freshness.ts';
import { DRIFT_LIMIT_RADPS, encoderStuck, imuDrifts } from '../belief/motion.ts';
import { lidarFrozen } from '../belief/sight.ts';
import { fencedGround, type Ground } from '../ground.ts';
import { nearestPerson, personSpeed, protectiveDistance } from '../reflexes/separation.ts';
import { cellAt } from '../site/site.ts';
import { movesAgainst } from '../skills/obedience.ts';

type Condition = FailsafeCondition<FleetBelief>;
type Holds = (situation: Situation<FleetBelief>, active: boolean) => boolean;

/** Raised above `from`, gone below `until`. */
const above = (value: (world: FleetBelief) => number, from: number, until: number): Holds => {
  return ({ world }, active) => value(world) > (active ? until : from);
};
const below = (value: (world: FleetBelief) => number, from: number, until: number): Holds => {
  return ({ world }, active) => value(world) < (active ? until : from);
};

const hottestMotor = ({ health }: FleetBelief): number => Math.max(health.motorLeftC, health.motorRightC);
const lean = ({ motion }: FleetBelief): number => Math.max(Math.abs(motion.pitchRad), Math.abs(motion.rollRad));
const moves = ({ motion }: FleetBelief): boolean =>
  Math.abs(motion.speedMps) > 0.05 || Math.abs(motion.turnRadps) > 0.1;
/** Standing for a second: what can only be seen in motion is over. */
const rests = ({ motion }: FleetBelief, atUs: number): boolean =>
  motion.stillSinceUs >= 0 && atUs - motion.stillSinceUs > 1_000_000;

const OVER_CURRENT_US = 50_000;
const RECORDER_GRACE_US = 5_000_000;
const LINK_GRACE_US = 2_000_000;
const LIDAR_SILENT_US = 500_000;
/** Late frames bound the speed at once [F57]; people need to know only when it lasts. */
const FRAMES_GRACE_US = 2_000_000;
const LEAST_CONFIDENCE = 0.4;
/** Excess over the speed allowed beside a person that the brakes are given time to take away. */
const BRAKING_LAG_MPS = 0.25;

/** A person inside the protective separation distance, or a robot that does not slow down as it should beside one. */
const personTooClose: Holds = ({ world }, active) => {
  const near = nearestPerson(world);
  if (near === null) return false;
  const body = bodyOf(world);
  const least = protectiveDistance(0, body);
  if (near.gapM < (active ? least + 0.15 : least)) return true;
  if (near.facing < -0.3) return false;
  const excess = Math.abs(world.motion.speedMps) - personSpeed(near.gapM, body);
  return excess > (active ? 0.05 : BRAKING_LAG_MPS);
};

/** By the controller's clock: a lidar that is silent while the rest of the body speaks. All late alike is no blindness. */
const blindWhileMoving: Holds = ({ world }, active) => {
  const { sight, motion } = world;
  if (lidarFrozen(sight, motion)) return true;
  const silent = sight.atUs >= 0 && motion.takenUs - sight.atUs > LIDAR_SILENT_US;
  return silent && (active || moves(world));
};

/** Wheels, gyro and beacons tell different stories, so the robot knows neither its speed nor its place. */
const odometryDisagrees: Holds = ({ world, atUs }) => {
  const { motion } = world;
  // Wheels that stand while the beacons wander off: both encoders are dead, or somebody carries the robot.
  if (rests(world, atUs)) return motion.fixGapM > 0.3;
  if (encoderStuck(motion)) return true;
  return (Math.abs(motion.turnGapRadps) > 0.5 && !imuDrifts(motion)) || motion.fixGapM > 0.6;
};

/** Faster than the body can go by any command. */
const overspeed: Holds = ({ world, atUs }) => {
  if (rests(world, atUs)) return false;
  const body = bodyOf(world);
  const { speedMps, turnRadps } = world.motion;
  return Math.abs(speedMps) > body.maxSpeedMps * 1.15 + 0.1 || Math.abs(turnRadps) > body.maxTurnRadps * 1.4 + 0.3;
};

const outsideFence = (ground: Ground): Holds => {
  return ({ world }) => {
    const cell = cellAt(ground.site, world.motion.xM, world.motion.yM);
    return cell < 0 || fencedGround(ground, world.fences).restricted[cell] !== 0;
  };
};

interface Life {
  readonly clear: Condition['clear'];
  readonly takeover: Condition['takeover'];
  readonly deferrable: boolean;
}

/** Ends by itself; a person may drive meanwhile; may wait for a docking to finish. */
const MILD: Life = { clear: 'when_clears', takeover: 'allowed', deferrable: true };
/** Ends by itself, and nobody overrides it before. */
const GUARD: Life = { clear: 'when_clears', takeover: 'never', deferrable: false };
/** A person looks at it before the robot goes on. */
const LOOKED_AT: Life = { clear: 'on_acknowledge', takeover: 'allowed', deferrable: false };
const LOOKED_AT_STANDING: Life = { clear: 'on_acknowledge', takeover: 'never', deferrable: false };
/** A person acknowledges and resets. */
const RESET: Life = { clear: 'on_reset', takeover: 'never', deferrable: false };

function condition(id: string, action: string, cause: string, advice: string, holds: Holds, life: Life): Condition {
  return { id, action, cause, advice, holds, holdDelayUs: 0, ...life };
}

/** What may go wrong, each reported on its own: which action follows is the catalogue's business, not the rule's. */
export const fleetConditions = (ground: Ground): readonly Condition[] => [
  condition(
    'operator_emergency_stop',
    'emergency_stop',
    'an emergency stop was ordered',
    'Remove the danger, acknowledge, then reset',
    ({ stop }) => stop === 'emergency',
    RESET,
  ),
  condition(
    'operator_protective_stop',
    'human_proximity_override',
    'a protective stop was ordered',
    'Release the stop when everybody is clear, then acknowledge',
    ({ stop }) => stop === 'protective',
    LOOKED_AT_STANDING,
  ),
  condition(
    'operator_normal_stop',
    'hold',
    'a normal stop was ordered',
    'Release the stop to go on',
    ({ stop }) => stop === 'normal',
    GUARD,
  ),
  condition(
    'motor_overload',
    'motor_overload_cutoff',
    'a motor drew more than its limit for 50 ms',
    'Free the wheel, look for damage, acknowledge, then reset',
    ({ world }) => {
      const since = world.motion.overCurrentSinceUs;
      return since >= 0 && world.motion.takenUs - since > OVER_CURRENT_US;
    },
    RESET,
  ),
  condition(
    'motor_hot',
    'thermal_shutdown',
    'a motor is hotter than 95 degC',
    'Let it cool below 75 degC, then acknowledge',
    above(hottestMotor, 95, 75),
    LOOKED_AT_STANDING,
  ),
  condition(
    'board_hot',
    'thermal_shutdown',
    'the computer board is hotter than 85 degC',
    'Let it cool below 70 degC, then acknowledge',
    above(({ health }) => health.boardC, 85, 70),
    LOOKED_AT_STANDING,
  ),
  condition(
    'battery_hot',
    'thermal_shutdown',
    'the battery is hotter than 60 degC',
    'Keep away, let it cool below 45 degC, then acknowledge',
    above(({ health }) => health.batteryC, 60, 45),
    LOOKED_AT_STANDING,
  ),
  condition(
    'tilted',
    'unsafe_movement_override',
    'the robot leans by more than 0.24 rad',
    'Set it upright, then acknowledge',
    above(lean, 0.24, 0.15),
    LOOKED_AT_STANDING,
  ),
  condition(
    'bumped',
    'unsafe_movement_override',
    'the bumper touched something',
    'Clear the way, then acknowledge',
    ({ world }) => world.motion.bumper,
    LOOKED_AT,
  ),
  condition(
    'overspeed',
    'unsafe_movement_override',
    'the robot moves faster than it can be told to',
    'Find out what pushes it, then acknowledge',
    overspeed,
    LOOKED_AT_STANDING,
  ),
  condition(
    'moves_against_command',
    'unsafe_movement_override',
    'the robot moves otherwise than it is told to',
    'Look for a drive that runs by itself or a brake that does not hold, then acknowledge',
    movesAgainst,
    LOOKED_AT_STANDING,
  ),
  condition(
    'odometry_disagrees',
    'unsafe_movement_override',
    'wheels, gyro and beacons disagree',
    'Look at encoders and IMU, then acknowledge',
    odometryDisagrees,
    LOOKED_AT,
  ),
  condition(
    'blind',
    'unsafe_movement_override',
    'the lidar shows no new picture while the robot moves',
    'Restart the lidar; goes on by itself when it sees again',
    blindWhileMoving,
    GUARD,
  ),
  condition(
    'frames_late',
    'hold',
    'no frame has come from the body for 2 s',
    'Look at the load of its computer and at the wires to the body; goes on by itself',
    ({ world, atUs }) => framesLateUs(world, atUs) > FRAMES_GRACE_US,
    GUARD,
  ),
  condition(
    'fence_left',
    'geofence_restriction',
    'the robot is outside its permitted area',
    'Take over and drive it out at walking pace',
    outsideFence(ground),
    { ...MILD, deferrable: false },
  ),
  condition(
    'person_too_close',
    'human_proximity_override',
    'a person is inside the protective separation distance',
    'Step back; goes on by itself',
    personTooClose,
    GUARD,
  ),
  condition(
    'planner_doubts',
    'ai_self_suspension',
    `the plan's confidence is below ${LEAST_CONFIDENCE}`,
    'Send another plan or take over',
    ({ confidence, plan }) => plan !== null && confidence < LEAST_CONFIDENCE,
    MILD,
  ),
  condition(
    'recorder_down',
    'hold',
    'the flight recorder has been down for 5 s',
    'Free disk space or restart the recorder',
    ({ world, atUs }) => {
      const since = world.recorderDownSinceUs;
      return since >= 0 && atUs - since > RECORDER_GRACE_US;
    },
    MILD,
  ),
  condition(
    'link_lost',
    'hold',
    'no word from the hub for 2 s and no plan of its own',
    'Restore the link; goes on by itself',
    ({ linkSilentUs, plan }) => linkSilentUs > LINK_GRACE_US && plan?.from !== 'secondary',
    MILD,
  ),
  condition(
    'voltage_collapsed',
    'hold',
    'the battery cannot hold its voltage',
    'Bring it to a charger, then acknowledge',
    ({ world }, active) => world.health.atUs >= 0 && world.health.batteryV < (active ? 43 : 40),
    LOOKED_AT,
  ),
  condition(
    'battery_critical',
    'hold',
    'the battery is below 5 %',
    'Bring it to a charger',
    below(({ health }) => health.charge, 0.05, 0.08),
    { ...MILD, deferrable: false },
  ),
  condition(
    'battery_low',
    'low_power_stability',
    'the battery is below 15 %',
    'Send it to a charger',
    below(({ health }) => health.charge, 0.15, 0.2),
    MILD,
  ),
  condition(
    'needs_help',
    'sos_broadcast',
    'the robot cannot help itself any more',
    'Go and see',
    ({ world }, active) => {
      const { charge } = world.health;
      return charge < (active ? 0.1 : 0.06) || lean(world) > 0.24;
    },
    MILD,
  ),
  condition(
    'imu_drifts',
    'sos_broadcast',
    'the gyro drifts; the wheels give the heading',
    'Have the IMU calibrated or replaced',
    ({ world }, active) => Math.abs(world.motion.gyroBiasRadps) > (active ? 0.5 : 1) * DRIFT_LIMIT_RADPS,
    MILD,
  ),
];
