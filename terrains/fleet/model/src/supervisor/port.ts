import type { Intent, Json } from '@sigma/kernel';
import type { TrafficState } from '@sigma/swarm';

/** What the supervisor of a fleet is told, and what it says. Both are plain data, so that a hub can carry them anywhere. */
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
  | { readonly type: 'fences'; readonly fences: readonly DrawnFence[] }
  | { readonly type: 'tick' };

/** What a person drew on the floor: nobody enters (`restricted`), or at most `speedMps` there (`slow`). */
export interface DrawnFence {
  readonly id: string;
  readonly kind: 'restricted' | 'slow';
  readonly speedMps: number;
  readonly points: readonly MetricPoint[];
}

export type ReportedTaskStatus = 'queued' | 'active' | 'done' | 'failed' | 'cancelled' | 'refused';

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

export type MissionGoal =
  | {
      readonly kind: 'cover';
      readonly zoneId: string | null;
      readonly polygon: readonly MetricPoint[] | null;
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

export interface MetricPoint {
  readonly xM: number;
  readonly yM: number;
}

export interface NewMission {
  readonly id: string;
  readonly name: string;
  readonly goal: MissionGoal;
  readonly priority: number;
  readonly createdBy: string;
}

export type MissionStatus = 'queued' | 'active' | 'done' | 'failed' | 'cancelled';
export type AssignedTaskStatus = 'waiting' | ReportedTaskStatus;

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
  readonly status: AssignedTaskStatus;
  readonly progress: number;
  readonly detail: string;
  /** Since when its robot has it, in the host's time; absent while nobody has it, and where an older version gave it. */
  readonly sinceUs?: number;
  /** When it ended with that robot; absent until then. */
  readonly untilUs?: number;
  /** Who had it before, oldest first. */
  readonly history: readonly TaskHolder[];
  /** While it waits again: for what more urgent work its robot was taken, in a sentence. No fault of that robot. */
  readonly gaveWay?: string;
}

/** A robot that had a task, with the reason it was taken away. */
export interface TaskHolder {
  readonly agentId: string;
  readonly reason: string;
  /** From when to when it had it, in the host's time; absent in what an older version kept. */
  readonly sinceUs?: number;
  readonly untilUs?: number;
  /** It was taken for more urgent work: no try that failed, and the robot may have the task again. */
  readonly gaveWay?: true;
}

/** Everything the supervisor remembers. Plain data. */
export interface SupervisorState {
  readonly agents: Readonly<Record<string, AgentMemory>>;
  readonly missions: readonly MissionView[];
  /** The last auction of each mission that still has tasks waiting. */
  readonly auctions: Readonly<Record<string, { readonly bidders: string; readonly atUs: number }>>;
  readonly traffic: TrafficState;
  /** Places where a robot found something in its way that traffic does not know of. In order of discovery. */
  readonly obstacles: readonly Obstacle[];
  readonly fences: readonly DrawnFence[];
  /** Counts the tasks that the supervisor made up itself: to make way, to charge. */
  readonly madeUp: number;
}

/** A cell that counts as closed for a while. */
export interface Obstacle {
  readonly cell: number;
  readonly foundBy: string;
  readonly untilUs: number;
}

export interface AgentMemory {
  readonly report: AgentReport;
  /** Since when it has been halted or out of reach, or null. */
  readonly haltedUs: number | null;
  readonly unlinkedUs: number | null;
  readonly errand: Errand | null;
  readonly planRevision: number;
  /** What it was last told: cells ahead, and the action at their end. */
  readonly told: {
    readonly taskId: string;
    readonly revision: number;
    readonly cells: readonly number[];
    readonly action: string | null;
    readonly intents: number;
    /** It was to go back to the middle of its cell. */
    readonly middle: boolean;
  } | null;
  readonly asked: string | null;
  readonly waitsFor: string | null;
  /** The last cell it was seen in, and since when it could have left it. */
  readonly cell: number;
  readonly cellSinceUs: number;
  /** Actions at the present stop that failed, and when the next try may be made. */
  readonly failures: number;
  readonly retryUs: number;
  /** Set while its grant is being taken back: the revision that told it so. */
  readonly withdrawn: number | null;
}

/** The way through a task: stops to make, in order. */
export interface Errand {
  readonly taskId: string;
  readonly missionId: string;
  readonly stops: readonly Stop[];
  readonly next: number;
  /** Since when a robot that makes way has stood with nobody asking for more room. */
  readonly asideSinceUs?: number;
}

export interface Stop {
  readonly cell: number;
  /** What to do there; null to pass on. */
  readonly action: Intent | null;
}
