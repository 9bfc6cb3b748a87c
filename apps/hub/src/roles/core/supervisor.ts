import type { Intent, Json } from '@sigma/kernel';

/**
 * The planner in the hub, as core sees it: a pure fold from what is heard to what is wanted. The fleet's comes from
 * @sigma/fleet-model; any terrain may bring its own. Everything is plain data, so that a hub can carry it anywhere.
 */
export interface Supervisor<State = unknown> {
  /** Raised whenever a state of before can no longer be read; 0 when absent. */
  readonly stateVersion?: number;
  initial(): State;
  /** `inputs` in order of arrival; `atUs` is the hub's time and never goes back. */
  supervise(
    state: State,
    inputs: readonly SupervisorInput[],
    atUs: number,
  ): { readonly state: State; readonly outputs: readonly SupervisorOutput[] };
  /** What sending this mission now would do. Changes nothing. */
  preview(state: State, mission: NewMission): MissionPreview;
  /** What is wrong with an area that a person drew, in a sentence; null: nothing. Without it any polygon will do. */
  areaFault?(points: readonly MetricPoint[]): string | null;
  /**
   * The state in parts, each plain data under a key of its own without control characters, so that only those that
   * changed are written. A part that is the same object as before counts as unchanged. Without it the state is one part.
   */
  split?(state: State): ReadonlyMap<string, unknown>;
  /** The inverse, with the agents' last reports, which the host keeps itself. Throws when it cannot be. */
  join?(parts: ReadonlyMap<string, unknown>, reports: ReadonlyMap<string, AgentReport>): State;
}

export type SupervisorInput =
  | AgentReport
  | {
      readonly type: 'task';
      readonly agentId: string;
      readonly taskId: string;
      readonly status: ReportedTaskStatus;
      readonly detail: string;
      readonly progress: number;
    }
  | {
      readonly type: 'asked';
      readonly agentId: string;
      readonly taskId: string;
      readonly reason: string;
      readonly basis: PlanBasis | null;
      readonly planRevision: number;
    }
  | { readonly type: 'mission'; readonly mission: NewMission }
  | { readonly type: 'cancel'; readonly missionId: string; readonly reason: string }
  | { readonly type: 'priority'; readonly missionId: string; readonly priority: number }
  /** All that are in force; they replace those of before. */
  | { readonly type: 'fences'; readonly fences: readonly SupervisorFence[] }
  | { readonly type: 'tick' };

/** What a person drew on the floor: nobody enters (`restricted`), or at most `speedMps` there (`slow`). */
export interface SupervisorFence {
  readonly id: string;
  readonly kind: 'restricted' | 'slow';
  readonly speedMps: number;
  readonly points: readonly MetricPoint[];
}

export type ReportedTaskStatus = 'queued' | 'active' | 'done' | 'failed' | 'cancelled' | 'refused';

/** The last input of the agent that the planner had seen. */
export interface PlanBasis {
  readonly epoch: number;
  readonly inputSequence: number;
}

export interface AgentReport {
  readonly type: 'agent';
  readonly agentId: string;
  readonly body: string;
  readonly linked: boolean;
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  /** 0 to 1. */
  readonly battery: number;
  /** It cannot move by itself: a stop, a failsafe action, no automatic mode, another planner than the primary. */
  readonly halted: boolean;
  readonly mode: string;
  readonly capabilities: readonly string[];
  readonly taskId: string | null;
  readonly taskStatus: string | null;
  readonly planRevision: number;
  readonly planCursor: number;
  readonly basis: PlanBasis | null;
}

export type SupervisorOutput =
  | { readonly type: 'assign'; readonly agentId: string; readonly task: PlannedTask }
  | { readonly type: 'cancel_task'; readonly agentId: string; readonly taskId: string; readonly reason: string }
  | { readonly type: 'plan'; readonly agentId: string; readonly plan: SupervisorPlan }
  | { readonly type: 'mission'; readonly mission: MissionView }
  | { readonly type: 'waits'; readonly agentId: string; readonly blockedBy: string | null };

export interface PlannedTask {
  readonly id: string;
  readonly missionId: string;
  readonly kind: string;
  readonly args: Json;
  readonly priority: number;
}

export interface SupervisorPlan {
  readonly taskId: string;
  readonly revision: number;
  readonly intents: readonly Intent[];
  readonly confidence: number;
  readonly rationale: string;
  readonly basis: PlanBasis | null;
  readonly alternatives: readonly { readonly summary: string; readonly reason: string }[];
}

export interface MetricPoint {
  readonly xM: number;
  readonly yM: number;
}

/** Plain form of sigma.v1.MissionGoal. */
export type MissionGoal =
  | {
      readonly kind: 'cover';
      readonly zoneId: string | null;
      readonly polygon: readonly MetricPoint[] | null;
      /** Most to use; 0 leaves it to the supervisor. */
      readonly robots: number;
    }
  | {
      readonly kind: 'patrol';
      readonly points: readonly MetricPoint[];
      readonly rounds: number;
      readonly agentId: string | null;
    }
  | {
      readonly kind: 'deliver';
      readonly from: string;
      readonly to: string;
      readonly item: string;
      readonly agentId: string | null;
    }
  | { readonly kind: 'dock'; readonly agentId: string; readonly dockId: string | null };

export interface NewMission {
  readonly id: string;
  readonly name: string;
  readonly goal: MissionGoal;
  readonly priority: number;
  readonly createdBy: string;
}

export type MissionStatus = 'queued' | 'active' | 'done' | 'failed' | 'cancelled';

export interface MissionView extends NewMission {
  readonly status: MissionStatus;
  readonly tasks: readonly TaskView[];
  /** 0 to 1, by what was sensed. */
  readonly progress: number;
  /** Why it stands as it stands, in a sentence. */
  readonly detail: string;
}

export interface TaskView {
  readonly task: PlannedTask;
  readonly agentId: string | null;
  readonly status: 'waiting' | ReportedTaskStatus;
  readonly progress: number;
  readonly detail: string;
  /** Since when its agent has it, in the hub's time; absent while nobody has it, or where it is not known. */
  readonly sinceUs?: number;
  /** When it ended with that agent; absent until then. */
  readonly untilUs?: number;
  /** Who had it before, oldest first. */
  readonly history: readonly TaskHolder[];
}

/** An agent that had a task, with the reason it was taken away. */
export interface TaskHolder {
  readonly agentId: string;
  readonly reason: string;
  /** From when to when it had it, in the hub's time; absent where it is not known. */
  readonly sinceUs?: number;
  readonly untilUs?: number;
  /** It was taken for more urgent work: no try that failed. */
  readonly gaveWay?: true;
}

export interface MissionPreview {
  readonly tasks: readonly TaskView[];
  readonly seconds: number;
  readonly detail: string;
}
