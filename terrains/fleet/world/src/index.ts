/** The computed world of the fleet: bodies, batteries, people and sensors, re-executed on replay. */
export { REACH_M } from './actions.ts';
export { createWorld, type WorldSetup, WorldSetupError } from './create.ts';
export { type Divergence, divergence } from './divergence.ts';
export { resolve, type Senses } from './resolve.ts';
export { BrokenSnapshotError, restore, snapshot, type WorldSnapshot, worldDigest } from './snapshot.ts';
export { type RobotPlan, STEP_US, type World } from './state.ts';
export type {
  ActionResult,
  ActiveFault,
  Collision,
  Frame,
  Injection,
  Outcomes,
  RefusedInjection,
  WorldInputs,
} from './step.ts';
export { type PersonTruth, peopleTruth, type RobotTruth, robotTruth } from './truth.ts';
export {
  actuatorStimulus,
  injectionStimulus,
  openWorld,
  RecordedWorld,
  type RecordedWorldOptions,
  robotOf,
  stepUnsensed,
  WORLD_MODEL,
  type WorldConfig,
  worldConfig,
  worldReexecutor,
} from './world-chain.ts';
