import type { ActionInFlight, Command, Restriction } from './command.ts';
import type { Decision } from './decision.ts';
import type { PendingExpectation, PendingPromise, Violation } from './expectation.ts';
import type { FailsafeEntry, FailsafeState } from './failsafe.ts';
import type { Json } from './json.ts';
import type { PlanState, Task, TaskStatus } from './mission.ts';
import type { Proposal } from './proposal.ts';
import type { OperatingMode, PlannerName, PromiseMade, StopKind } from './stimulus.ts';

/** An agent's whole state: plain data, never changed in place. Two equal states behave equally for ever. */
export interface Agent<World> {
  readonly id: string;
  readonly tenant: string;
  readonly role: string;
  readonly seed: number;
  readonly epoch: number;
  /** Numbered behaviour flags in force, ascending. */
  readonly flags: readonly number[];
  readonly world: World;

  /** Cycles run. */
  readonly wakes: number;
  readonly wokeUs: number;
  readonly nextWakeUs: number;
  /** Inputs folded. */
  readonly inputSequence: number;
  readonly decisionSequence: number;

  readonly mode: OperatingMode;
  readonly stop: StopKind;
  readonly stopBy: string;
  readonly lease: Lease | null;
  readonly operator: OperatorCommand | null;
  /** Last order sequence accepted, by issuer. */
  readonly orderSequences: Readonly<Record<string, number>>;

  readonly tasks: readonly TaskState[];
  readonly plan: PlanState | null;
  /** Last plan revision accepted, by planner. */
  readonly planRevisions: Readonly<Record<PlannerName, number>>;
  /** Reason for which a plan was asked, or null when none is awaited. */
  readonly asked: { readonly of: PlannerName; readonly reason: string; readonly atUs: number } | null;
  readonly actions: readonly ActionInFlight[];
  readonly swarm: readonly Proposal[];
  /** Restrictions of the policy's situation rules, kept until the next situation. */
  readonly ruled: readonly Proposal[];
  /** Failsafe actions that policy rules of the situation rate ask for. */
  readonly ruledActions: readonly RuledAction[];

  readonly failsafe: FailsafeState;
  readonly chain: ChainState;
  readonly signals: Readonly<Record<string, number>>;
  readonly linkHeardUs: number | null;

  /** The command in force, since when a command of its name has been, and until when it holds. */
  readonly command: Command;
  readonly commandSinceUs: number;
  readonly commandUntilUs: number;
  readonly restriction: Restriction;
  readonly decision: Decision | null;
  readonly expectation: PendingExpectation | null;
  readonly promises: readonly PendingPromise[];
  /** Times of recent violations, for strikes and confidence. */
  readonly violations: readonly { readonly atUs: number; readonly planner: PlannerName | null }[];
}

/** An agent in the middle of a cycle: the same fields, open to change until the cycle ends. */
export type Draft<World> = { -readonly [Field in keyof Agent<World>]: Agent<World>[Field] };

export interface RuledAction {
  readonly rule: string;
  readonly hash: string;
  readonly action: string;
  readonly rationale: string;
}

export interface TaskState {
  readonly task: Task;
  readonly status: TaskStatus;
  readonly sinceUs: number;
}

/** The right of one operator to command this agent. */
export interface Lease {
  readonly id: string;
  readonly holder: string;
  readonly expiresAtUs: number;
}

export interface OperatorCommand {
  readonly command: Command;
  readonly by: string;
  readonly rationale: string;
  readonly sequence: number;
  readonly untilUs: number;
}

export interface ChainState {
  readonly active: 'primary' | 'secondary' | 'mechanical';
  readonly primary: PlannerState;
  readonly secondary: PlannerState;
}

export interface PlannerState {
  readonly heardUs: number | null;
  /** Since when it has been heard without a break, for recovery. */
  readonly steadySinceUs: number | null;
  readonly suspendedUntilUs: number | null;
}

/** What one cycle says to the outside. */
export interface Outputs {
  /** The command in force after this cycle, and whether the actuators must be told anew. */
  readonly command: Command;
  readonly commandChanged: boolean;
  /** True for what must leave before it is recorded: safety commands, and any tightening of the restriction. */
  readonly urgent: boolean;
  /** Bounds in force now; a runner that still holds an older command back applies them to it at once. */
  readonly restriction: Restriction;
  readonly decision: Decision | null;
  readonly events: readonly KernelEvent[];
  readonly messages: readonly OutgoingMessage[];
  readonly asks: readonly Ask[];
  /** Agent time of the next wake without stimulus; Infinity when only a stimulus can wake it. */
  readonly wakeAtUs: number;
}

export interface Ask {
  readonly of: PlannerName;
  readonly task: Task;
  readonly reason: string;
  readonly basis: { readonly epoch: number; readonly inputSequence: number };
  /** Newest revision of this planner that the agent has seen; 0 for none. */
  readonly planRevision: number;
}

export interface OutgoingMessage {
  /** A peer's id, or `*` for everyone in reach and the hub. */
  readonly to: string;
  readonly topic: string;
  readonly body: Json;
  readonly promise?: PromiseMade;
}

/** What happened, for the record and for whoever listens. */
export type KernelEvent =
  | { readonly type: 'violation'; readonly violation: Violation }
  | {
      readonly type: 'failsafe';
      readonly change: 'raised' | 'cleared' | 'selected' | 'acknowledged';
      readonly entry: FailsafeEntry | null;
      readonly selected: string | null;
    }
  | {
      readonly type: 'task';
      readonly taskId: string;
      readonly missionId: string;
      readonly status: TaskStatus;
      readonly reason: string;
    }
  | {
      readonly type: 'chain';
      readonly from: ChainState['active'];
      readonly to: ChainState['active'];
      readonly reason: string;
    }
  | {
      readonly type: 'action';
      readonly actionId: string;
      readonly name: string;
      readonly status: ActionInFlight['status'];
      /** What its world said: the result, or why it failed. */
      readonly detail: Json;
    }
  | {
      readonly type: 'order_refused';
      readonly issuer: string;
      readonly sequence: number;
      readonly order: string;
      readonly reason: string;
    }
  | { readonly type: 'order_accepted'; readonly issuer: string; readonly sequence: number; readonly order: string }
  | { readonly type: 'plan_refused'; readonly from: PlannerName; readonly revision: number; readonly reason: string }
  | {
      readonly type: 'lease';
      readonly holder: string | null;
      readonly change: 'taken' | 'returned' | 'taken_over' | 'expired';
    }
  | { readonly type: 'mode'; readonly from: OperatingMode; readonly to: OperatingMode; readonly by: string }
  | { readonly type: 'rule_error'; readonly rule: string }
  | { readonly type: 'reconcile'; readonly actionId: string };
