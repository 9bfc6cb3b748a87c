import type { SecondaryPlanner } from '@sigma/edge';
import { type Agent, type Ask, agentKey, drawInt, type PlanStimulus, purpose } from '@sigma/kernel';

const LATENCY = purpose('sim-secondary-latency');

/** How long the planner beside a body thinks, microseconds, inclusive. */
const LEAST_US = 5_000;
const MOST_US = 40_000;

/** How long the planner beside an agent takes for its answer of that number, microseconds. */
export const thinkingUs = (seed: number, agentId: string, revision: number): number =>
  LEAST_US + drawInt(seed, agentKey(agentId), revision, LATENCY, 0, MOST_US - LEAST_US + 1);

interface Answer {
  readonly agentId: string;
  readonly plan: PlanStimulus;
  readonly dueUs: number;
  readonly order: number;
}

/** The secondary planners of all edges: the terrain's own, with the time it would take on the virtual clock. */
export class VirtualPlanner<World> {
  readonly #planner: SecondaryPlanner<World>;
  readonly #seed: number;
  #answers: Answer[] = [];
  #order = 0;
  readonly #revisions = new Map<string, number>();

  constructor(planner: SecondaryPlanner<World>, seed: number) {
    this.#planner = planner;
    this.#seed = seed;
  }

  /** @param lies the planner is to say what is not true (fault injection) */
  ask({ id: agentId, world }: Agent<World>, ask: Ask, lies: boolean, atUs: number): void {
    const revision = (this.#revisions.get(agentId) ?? 0) + 1;
    this.#revisions.set(agentId, revision);
    const plan = this.#planner.plan({ agentId, world, ask, atUs, revision });
    if (plan === null) return;
    const thoughtUs = thinkingUs(this.#seed, agentId, revision);
    const said = lies ? this.#planner.lie(plan) : plan;
    this.#answers.push({ agentId, plan: said, dueUs: atUs + thoughtUs, order: this.#order++ });
  }

  /** Plans that are ready by `atUs`, inclusive, in the order in which they became ready. */
  answered(atUs: number): readonly Answer[] {
    if (this.#answers.length === 0) return this.#answers;
    const ready = this.#answers.filter(({ dueUs }) => dueUs <= atUs);
    if (ready.length > 0) this.#answers = this.#answers.filter(({ dueUs }) => dueUs > atUs);
    return ready.sort((a, b) => a.dueUs - b.dueUs || a.order - b.order);
  }
}
