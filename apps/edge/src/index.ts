/** The program beside the body: reflexes at 100 Hz, a record, a link to the hub, drivers. */
export type { Bodies, OpenBodies } from './drivers/sim/bodies.ts';
export type { Edge, EdgeBody, EdgeOptions, EdgeStats } from './edge-words.ts';
export type { BodyFault, BodyInput, Driver, DriverSetup, OpenDriver } from './hal/driver.ts';
export { WATCHDOG_US } from './hal/driver.ts';
export { HubLink, type LinkStats } from './link/hub-link.ts';
export { linkTransport } from './link/link-transport.ts';
export type { Percentiles } from './live/board.ts';
export type { Pace } from './live/clock.ts';
export type { BodyCounts } from './live/reflex-messages.ts';
export type { OpenTerrain, Part, SecondaryPlanner, Terrain } from './live/terrain.ts';
export { startEdge } from './main.ts';
export type { Standing } from './runtime/actuators.ts';
export { AgentRuntime } from './runtime/agent-runtime.ts';
export { passOn } from './runtime/peers.ts';
export type { Greeting, Journal, Report, ReportChannel, ReportField, VerifyOrder } from './runtime/ports.ts';
export {
  type AgentRuntimeOptions,
  RUNTIME_LIMITS,
  type RuntimeCounts,
  type RuntimeLimits,
  type RuntimeOutput,
} from './runtime/runtime-words.ts';
export { UPLINK_CLASSES, type Uplink, type UplinkClass, type UplinkFrame } from './runtime/uplink.ts';
export { spoolRoom } from './sync/spool-room.ts';
export { openSyncMemory } from './sync/sync-memory.ts';
export { type SyncThreadData, SyncWorker } from './sync/sync-worker.ts';
export { fleetTerrain } from './terrain/fleet.ts';
export { type SimulatedFleet, simulatedFleet } from './terrain/simulated-fleet.ts';
