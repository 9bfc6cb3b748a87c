export type {
  Agent,
  Ask,
  ChainState,
  KernelEvent,
  Lease,
  OperatorCommand,
  OutgoingMessage,
  Outputs,
  PlannerState,
  RuledAction,
  TaskState,
} from './agent.ts';
export { arbitrate, losesTo, type Verdict } from './arbiter.ts';
export {
  type Action,
  type ActionInFlight,
  type ActionStatus,
  type Clamped,
  type ClampResult,
  type Command,
  clampParams,
  commandEnd,
  intersect,
  isFinal,
  NO_RESTRICTION,
  type Restriction,
  type SetPoint,
  sameCommand,
} from './command.ts';
export { type AgentOptions, BrokenModelError, createAgent } from './create.ts';
export { step, TimeRunsBackwardsError } from './cycle.ts';
export type { Decision, DecisionContext, Rejected, RejectionReason } from './decision.ts';
export {
  differences,
  type Expectation,
  type ExpectedQuantity,
  type PendingExpectation,
  type PendingPromise,
  type PhysicalViolation,
  type PromiseVerdict,
  type SocialViolation,
  type Violation,
} from './expectation.ts';
export type {
  ClearCondition,
  FailsafeAction,
  FailsafeCatalogue,
  FailsafeCondition,
  FailsafeEntry,
  FailsafeState,
  TakeoverRule,
} from './failsafe.ts';
export {
  catalogueFaults,
  type FailsafeUpdate,
  findAction,
  type Interventions,
  initialFailsafe,
  NO_INTERVENTION,
  UnknownFailsafeActionError,
  updateFailsafe,
} from './failsafe-framework.ts';
export { checkFlags, KERNEL_FLAGS, type KernelFlag, UnknownFlagError } from './flags.ts';
export {
  type AgentId,
  agentId,
  InvalidIdError,
  type MissionId,
  missionId,
  type TaskId,
  type TenantId,
  taskId,
  tenantId,
} from './ids.ts';
export type { Json, Params } from './json.ts';
export * from './math/index.ts';
export type { Intent, PlanState, Task, TaskStatus } from './mission.ts';
export type { ChainLimits, Rates, Reflex, ReflexAnswer, Situation, TerrainModel } from './model.ts';
export { type Population, type PopulationStep, population, stepMany, UnknownRecipientError } from './population.ts';
export {
  AUTHORITIES,
  type Authority,
  authorityRank,
  type CommandProposal,
  type Proposal,
  type RestrictionProposal,
} from './proposal.ts';
export type { Policy, Rule, RuleEffect, RuleVerdict } from './rule.ts';
export { decodeState, encodeState, UnencodableStateError } from './state.ts';
export type {
  Basis,
  Beat,
  MessageStimulus,
  Observation,
  OperatingMode,
  Order,
  OrderStimulus,
  Percept,
  PlannerName,
  PlanStimulus,
  PromiseMade,
  ResultStimulus,
  Signal,
  Stimulus,
  StopKind,
} from './stimulus.ts';
export type { ComputedWorld } from './world.ts';
