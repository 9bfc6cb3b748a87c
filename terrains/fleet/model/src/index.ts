/** The fleet terrain: what a robot senses, does and expects, and the sites it works in. */

export { DEFAULT_POLICY } from '../policies/default.ts';
export {
  BrokenRobotConfigError,
  type FleetBelief,
  type HealthBelief,
  type MotionBelief,
  type Peer,
  parseRobotConfig,
  type RobotConfig,
  type SightBelief,
  type Track,
} from './belief/belief.ts';
export { type Errand, errandShare } from './belief/errands.ts';
export { POSE_TOPIC } from './belief/fold.ts';
export { BODIES, type Body, CARRIER, HUMANOID } from './bodies.ts';
export { CHANNELS, FIX, HEALTH, MOTION, NO_READING, SCAN, SCAN_RAYS } from './channels.ts';
export {
  CUTOFF,
  DOCK,
  DRIVE,
  FAULTS,
  type FaultName,
  HOLD,
  LOAD,
  LOOK,
  STOP,
  UNDOCK,
  UNLOAD,
} from './commands.ts';
export { FLEET_ACTIONS } from './failsafe/actions.ts';
export { fleetConditions } from './failsafe/conditions.ts';
export { NEW_ROBOT_FLAGS } from './flags.ts';
export { type FleetModelOptions, fleetModel } from './fleet-model.ts';
export { type Ground, groundOf } from './ground.ts';
export { type EdgePlan, planOnEdge } from './planner/edge-planner.ts';
export { CONTEXT as POLICY_CONTEXT, type ContextType } from './policy/context.ts';
export { checkCost } from './policy/cost.ts';
export { fleetFacts } from './policy/fleet-facts.ts';
export { foresee } from './policy/foresee.ts';
export { BrokenRuleError, compilePolicy, type PolicyText, type RuleText } from './policy/policy.ts';
export { type RecordedAgent, RecordedModels } from './recording.ts';
export { FLEET_CAUSES } from './report/causes.ts';
export {
  poseMessage,
  type ReportField,
  type RobotStatus,
  reportFields,
  STATE_FIELDS,
  stateReport,
  statusOf,
  TRACK_FIELDS,
  tracksReport,
} from './report/report.ts';
export { FleetScene } from './report/scene.ts';
export {
  BrokenMapError,
  BrokenSiteRecordError,
  cellAt,
  centreXM,
  centreYM,
  columnOf,
  deriveSite,
  EAST,
  type Grid,
  MAX_CELLS,
  MAX_SIDE,
  NORTH,
  type Place,
  type PointM,
  parseMovingAiMap,
  parseSiteFile,
  rowOf,
  type Site,
  SiteFileError,
  type SiteRecord,
  SOUTH,
  siteFromJson,
  siteToJson,
  WEST,
  type Zone,
  type ZoneOutline,
  zoneFromPolygon,
} from './site/index.ts';
export { ADVANCE, TURN, WAIT } from './skills/parametrize.ts';
export {
  type AgentReport,
  type FleetSupervisor,
  fleetSupervisor,
  type MetricPoint,
  type MissionGoal,
  type MissionPreview,
  type MissionStatus,
  type MissionView,
  type NewMission,
  type PlanBasis,
  type PlannedTask,
  type SupervisorInput,
  type SupervisorOutput,
  type SupervisorPlan,
  type SupervisorState,
  type TaskView,
} from './supervisor/index.ts';
export { type FleetTask, readTask } from './task.ts';
