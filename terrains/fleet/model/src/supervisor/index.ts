export type {
  AgentReport,
  MetricPoint,
  MissionGoal,
  MissionStatus,
  MissionView,
  NewMission,
  PlanBasis,
  PlannedTask,
  SupervisorInput,
  SupervisorOutput,
  SupervisorPlan,
  SupervisorState,
  TaskView,
} from './port.ts';
export { type FleetSupervisor, fleetSupervisor, type MissionPreview } from './supervise.ts';
