export {
  type AgentPlan,
  type Allocation,
  type AllocationOptions,
  allocate,
  reallocate,
  type Unallocated,
} from './allocation/allocate.ts';
export type { Objective } from './allocation/improve-routes.ts';
export { assignOneToOne } from './allocation/one-to-one.ts';
export type { AllocationAgent, AllocationTask, LegCosts, Reason } from './allocation/route-cost.ts';
export { type CoverageOptions, type CoverageRoute, coverageRoute } from './decomposition/coverage-route.ts';
export { type Decomposition, decompose } from './decomposition/decompose.ts';
export { lineOfSight, visibleCells } from './decomposition/line-of-sight.ts';
export { type DeadEnds, deadEnds } from './traffic/dead-ends.ts';
export { DistanceFields, distanceField, type FieldLimits, type OpenRoads } from './traffic/distance-fields.ts';
export {
  emptyTraffic,
  type Grant,
  grantMoves,
  type TrafficAgent,
  type TrafficMember,
  type TrafficOptions,
  type TrafficProblem,
  type TrafficResult,
  type TrafficState,
  type Wait,
  type WaitReason,
} from './traffic/grant-moves.ts';
export {
  buildGridGraph,
  exits,
  type GridGraph,
  type GridPlan,
  hasEdge,
  isOpen,
  type RoadGraph,
} from './traffic/road-graph.ts';
export { shortestPath } from './traffic/shortest-path.ts';
export { type StrongComponents, strongComponents } from './traffic/strong-components.ts';
