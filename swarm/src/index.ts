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
  keepEdges,
  type RoadGraph,
} from './traffic/road-graph.ts';
export { shortestPath } from './traffic/shortest-path.ts';
export { type StrongComponents, strongComponents } from './traffic/strong-components.ts';
