/**
 * The words a fleet robot's actuators understand. Set-points: `drive {speedMps, turnRadps}`, `hold {}` (stand, motors
 * on), `stop {category: 1 | 2}` (brake hard, then motors off for 1), `cutoff {}` (category 0: power off, spring brakes).
 * Actions: `load`, `unload` {station, item}, `dock` {place}, `undock` {}, `scan` {}.
 */
export const DRIVE = 'drive';
export const HOLD = 'hold';
export const STOP = 'stop';
export const CUTOFF = 'cutoff';
export const LOAD = 'load';
export const UNLOAD = 'unload';
export const DOCK = 'dock';
export const UNDOCK = 'undock';
export const LOOK = 'scan';

/** Faults of the computed world that can be injected by name, in simulation only. */
export const FAULTS = [
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
] as const;
export type FaultName = (typeof FAULTS)[number];
