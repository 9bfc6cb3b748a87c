import type { Ask, Json, PlanStimulus, TerrainModel } from '@sigma/kernel';
import type { FactsTerrain } from '@sigma/recorder';
import type { Report } from '../runtime/ports.ts';

/** The planner that lives beside the agent, for when the hub's is silent. It runs in its own thread and may take its time. */
export interface SecondaryPlanner<World> {
  /** Steps for the task in `ask`, or null when it knows none. `revision` is the one the plan must bear. */
  readonly plan: (question: {
    readonly agentId: string;
    readonly world: World;
    readonly ask: Ask;
    readonly atUs: number;
    readonly revision: number;
  }) => PlanStimulus | null;
  /** What a planner that lies would say instead: well formed, and not true. For fault injection. */
  readonly lie: (plan: PlanStimulus) => PlanStimulus;
}

/** All that an edge needs of a terrain. */
export interface Terrain<World> {
  readonly model: TerrainModel<World>;
  readonly report: Report<World>;
  readonly planner: SecondaryPlanner<World>;
  /** Text of the policy in force, for the record. */
  readonly policyText: string;
  /** What is gathered beside the record, so that rules can be tried on it without running it all again; nothing when absent. */
  readonly facts?: FactsTerrain<World>;
}

/** Export of a terrain's module. Threads cannot share functions, so each opens the terrain for itself. */
export type OpenTerrain = (settings: Json) => Terrain<unknown>;

/** A module of the program and what it is given. */
export interface Part {
  /** URL of the module. */
  readonly module: string;
  readonly settings: Json;
}

export async function openTerrain({ module, settings }: Part): Promise<Terrain<unknown>> {
  const { openTerrain: open } = (await import(module)) as { readonly openTerrain: OpenTerrain };
  return open(settings);
}
