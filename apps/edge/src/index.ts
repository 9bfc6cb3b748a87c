/** The program beside the body: reflexes at 100 Hz, a record, a link to the hub, drivers. */

export type { Standing } from './runtime/actuator-hold.ts';
export {
  AgentRuntime,
  type AgentRuntimeOptions,
  RUNTIME_LIMITS,
  type RuntimeCounts,
  type RuntimeLimits,
  type RuntimeOutput,
} from './runtime/agent-runtime.ts';
export { UPLINK_CLASSES, type Uplink, type UplinkClass, type UplinkFrame } from './runtime/outbox.ts';
export type { Greeting, Journal, Report, ReportChannel, ReportField, VerifyOrder } from './runtime/ports.ts';
