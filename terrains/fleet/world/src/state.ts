import type { Body, FaultName, Place, Site } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';

/** One step of the world, in microseconds: 100 Hz. */
export const STEP_US = 10_000;
/** The same in seconds. */
export const STEP_S = 0.01;

/** What stays the same for the life of a world. */
export interface Layout {
  readonly site: Site;
  readonly seed: number;
  readonly robots: readonly RobotPlan[];
  /** Bodies by robot index. */
  readonly bodies: readonly Body[];
  /** Keys for `draw`, by robot index. */
  readonly keys: Uint32Array;
  readonly indexOf: ReadonlyMap<string, number>;
  readonly places: readonly WorldPlace[];
  readonly placeOf: ReadonlyMap<string, number>;
  /** Walls among the eight neighbours of each cell, 0 to 8: how far the beacons are hidden. */
  readonly clutter: Uint8Array;
  /** How many of `people` walk from the start. */
  readonly people: number;
}

export interface RobotPlan {
  readonly id: string;
  readonly body: Body['kind'];
  /** Where it starts, facing east. */
  readonly cell: number;
}

export interface WorldPlace extends Place {
  readonly kind: 'dock' | 'charger' | 'station';
  readonly xM: number;
  readonly yM: number;
}

/**
 * The computed world at one instant. Never changed: `resolve` returns another. The numbers of robot i stand in
 * `robots[i * ROBOT + field]`, those of person k in `people[k * PERSON + field]`.
 */
export interface World {
  readonly layout: Layout;
  readonly atUs: number;
  /** Steps since the beginning. */
  readonly tick: number;
  readonly robots: Float64Array;
  readonly people: Float64Array;
  /** The action each robot is busy with. */
  readonly actions: readonly (OngoingAction | null)[];
  /** The last action each robot finished: asked again by its key, it is not done again. */
  readonly finished: readonly (FinishedAction | null)[];
  /** The item each robot carries. */
  readonly cargo: readonly (string | null)[];
  /** The scan that a frozen lidar keeps repeating. */
  readonly frozenScans: readonly (Int32Array | null)[];
}

export interface OngoingAction {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** Index into `layout.places`, or -1. */
  readonly place: number;
  readonly item: string;
}

export interface FinishedAction {
  readonly key: string;
  readonly detail: Json;
}

/** Faults in the order of their columns. */
export const FAULT_COLUMNS: readonly FaultName[] = [
  'motor_overload',
  'overheating',
  'stuck_encoder',
  'lidar_freeze',
  'imu_drift',
  'battery_collapse',
  'link_loss',
  'planner_hang',
  'planner_lies',
  'person_steps_in',
];

// Columns of a robot. Pose in metres and radians, y north; speeds of the wheels' middle, m/s and rad/s.
export const X = 0;
export const Y = 1;
export const HEADING = 2;
export const SPEED = 3;
export const TURN = 4;
/** Speeds over ground, which slip takes from the wheels. */
export const GROUND_SPEED = 5;
export const GROUND_TURN = 6;
/** Change of ground speed in the last step, m/s2. */
export const ACCEL = 7;
/** Distance that each encoder has counted, m. */
export const ENCODER_LEFT = 8;
export const ENCODER_RIGHT = 9;
export const SLIP_LEFT = 10;
export const SLIP_RIGHT = 11;
/** One of the MODE_ values. */
export const MODE = 12;
export const SET_SPEED = 13;
export const SET_TURN = 14;
/** 1 while something is touched. */
export const BUMPER = 15;
export const CURRENT_LEFT = 16;
export const CURRENT_RIGHT = 17;
export const TEMP_LEFT = 18;
export const TEMP_RIGHT = 19;
export const TEMP_BOARD = 20;
/** Charge as a fraction of what the aged battery holds. */
export const CHARGE = 21;
export const TEMP_BATTERY = 22;
/** Full cycles so far, by throughput. */
export const CYCLES = 23;
/** A, discharge positive. */
export const BATTERY_CURRENT = 24;
export const BATTERY_VOLTAGE = 25;
/** Charge taken out of and put into the battery since the beginning, A h. */
export const DRAWN_AH = 26;
export const CHARGED_AH = 27;
export const LOAD_KG = 28;
/** Index of the place whose contacts are closed, or -1. */
export const DOCKED = 29;
/** 0 no action, 1 accepted and coming to rest, 2 running. */
export const PHASE = 30;
export const PHASE_SINCE_US = 31;
export const PHASE_END_US = 32;
/** Actions begun so far. */
export const BEGUN = 33;
export const GYRO_BIAS = 34;
/** What the drift fault has added to the gyro, rad/s. */
export const GYRO_DRIFT = 35;
/** 1 while the motors push against something that does not give way. */
export const STALLED = 36;
/** The moment at which the drive set-point ends by itself. */
export const SET_UNTIL_US = 37;
/** Two columns for each fault: value, and the moment it ends (0 = not active, Infinity = until cleared). */
export const FAULT_VALUE = 38;
export const FAULT_UNTIL = FAULT_VALUE + 10;
export const ROBOT = FAULT_UNTIL + 10;

export const MODE_HOLD = 0;
export const MODE_DRIVE = 1;
/** Category 2: brake, motors stay on. */
export const MODE_STOP = 2;
/** Category 1: brake hard, motors off once at rest. */
export const MODE_PROTECTIVE = 3;
/** Category 0: motors off, spring brakes. */
export const MODE_CUTOFF = 4;

// Columns of a person.
export const PERSON_ID = 0;
export const PERSON_X = 1;
export const PERSON_Y = 2;
/** Unit vector of the way they face. */
export const PERSON_DIR_X = 3;
export const PERSON_DIR_Y = 4;
export const PERSON_SPEED = 5;
export const PERSON_TARGET_X = 6;
export const PERSON_TARGET_Y = 7;
export const PERSON_PAUSE_UNTIL_US = 8;
/** How long a robot has stood in the way, us. */
export const PERSON_BLOCKED_US = 9;
export const PERSON_LEAVES_AT_US = 10;
/** Index of the robot whose `person_steps_in` brought them, or -1. */
export const PERSON_BECAUSE_OF = 11;
/** 1 until someone who stepped in front of a robot has come to the middle of its way. */
export const PERSON_STEPPING = 12;
export const PERSON = 13;

export const PERSON_RADIUS_M = 0.25;

export function faultActive(robots: Float64Array, robot: number, fault: number): boolean {
  return robots[robot * ROBOT + FAULT_UNTIL + fault] !== 0;
}

export const MOTOR_OVERLOAD = 0;
export const OVERHEATING = 1;
export const STUCK_ENCODER = 2;
export const LIDAR_FREEZE = 3;
export const IMU_DRIFT = 4;
export const BATTERY_COLLAPSE = 5;
export const PERSON_STEPS_IN = 9;
