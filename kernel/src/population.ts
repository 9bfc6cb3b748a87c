import type { Agent, Outputs } from './agent.ts';
import { step } from './cycle.ts';
import type { TerrainModel } from './model.ts';
import type { Stimulus } from './stimulus.ts';

/** Agents in ascending order of id. */
export type Population<World> = readonly Agent<World>[];

export interface PopulationStep<World> {
  readonly population: Population<World>;
  /** Outputs of the agents that ran, by id, in ascending order of id. */
  readonly outputs: ReadonlyMap<string, Outputs>;
}

export class UnknownRecipientError extends Error {
  readonly agent: string;

  constructor(agent: string) {
    super(`There are stimuli for '${agent}', who is not in this population`);
    this.name = 'UnknownRecipientError';
    this.agent = agent;
  }
}

/** @returns the same agents in canonical order; two of one id are refused */
export function population<World>(agents: readonly Agent<World>[]): Population<World> {
  const sorted = [...agents].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (let i = 1; i < sorted.length; i++) {
    const id = sorted[i]?.id;
    if (id === sorted[i - 1]?.id) throw new Error(`Two agents are called '${id}'`);
  }
  return sorted;
}

/**
 * One instant of many agents. Everybody sees the instant's start: what one says now another hears at the next
 * instant. An agent without stimulus that is not due does not run and costs nothing; neither the order of the agents
 * nor how they are split over calls changes a byte.
 *
 * @throws UnknownRecipientError
 */
export function stepMany<World>(
  model: TerrainModel<World>,
  agents: Population<World>,
  inbox: ReadonlyMap<string, readonly Stimulus[]>,
  atUs: number,
): PopulationStep<World> {
  const outputs = new Map<string, Outputs>();
  let heard = 0;
  const next = agents.map((agent) => {
    const stimuli = inbox.get(agent.id);
    if (stimuli !== undefined) heard++;
    if (stimuli === undefined && agent.nextWakeUs > atUs) return agent;
    const result = step(model, agent, stimuli ?? [], atUs);
    outputs.set(agent.id, result.outputs);
    return result.agent;
  });
  if (heard !== inbox.size) {
    const ids = new Set(agents.map(({ id }) => id));
    for (const id of [...inbox.keys()].sort()) if (!ids.has(id)) throw new UnknownRecipientError(id);
  }
  return { population: next, outputs };
}
