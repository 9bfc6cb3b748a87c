import type { Command } from './command.ts';
import type { Json, Params } from './json.ts';

/** One agent's share of a mission. */
export interface Task {
  readonly id: string;
  readonly missionId: string;
  /** In the terrain's words: `cover`, `deliver`, `bake`. */
  readonly kind: string;
  readonly args: Json;
  /** Greater is more urgent. */
  readonly priority: number;
}

/** `refused`: this agent cannot do it, and said why. */
export type TaskStatus = 'queued' | 'active' | 'done' | 'failed' | 'cancelled' | 'refused';

/** A step without parameters that depend on the moment: "advance to cell 4711", "scan". */
export interface Intent {
  readonly name: string;
  readonly args: Params;
}

/** The plan in force for the active task, and how far it has come. */
export interface PlanState {
  readonly from: 'primary' | 'secondary';
  readonly taskId: string;
  readonly revision: number;
  readonly intents: readonly Intent[];
  readonly cursor: number;
  readonly confidence: number;
  readonly rationale: string;
  readonly basis: { readonly epoch: number; readonly inputSequence: number } | null;
  readonly startedUs: number;
  readonly intentSinceUs: number;
  readonly command: Command | null;
  readonly commandSinceUs: number;
}
