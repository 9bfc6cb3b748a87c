import { type FleetBelief, type Ground, planOnEdge } from '@sigma/fleet-model';
import { type Agent, type Ask, agentKey, drawInt, type PlanStimulus, purpose } from '@sigma/kernel';

const LATENCY = purpose('sim-secondary-latency');

/** How long the planner beside a body thinks, microseconds, inclusive. */
const LEAST_US = 5_000;
const MOST_US = 40_000;

interface Answer {
  readonly agentId: string;
  readonly plan: PlanStimulus;
  readonly dueUs: number;
  readonly order: number;
}

/** The secondary planners of all edges: the same pure planner, with the time it would take on the virtual clock. */
export class SecondaryPlanner {
  readonly #ground: Ground;
  readonly #seed: number;
  #answers: Answer[] = [];
  #order = 0;
  readonly #revisions = new Map<string, number>();

  constructor(ground: Ground, seed: number) {
    this.#ground = ground;
    this.#seed = seed;
  }

  ask(agent: Agent<FleetBelief>, { task, basis }: Ask, atUs: number): void {
    const revision = (this.#revisions.get(agent.id) ?? 0) + 1;
    this.#revisions.set(agent.id, revision);
    const { intents, confidence, rationale, alternatives } = planOnEdge(this.#ground, agent.world, task);
    const thoughtUs = LEAST_US + drawInt(this.#seed, agentKey(agent.id), revision, LATENCY, 0, MOST_US - LEAST_US + 1);
    this.#answers.push({
      agentId: agent.id,
      dueUs: atUs + thoughtUs,
      order: this.#order++,
      plan: {
        kind: 'plan',
        from: 'secondary',
        taskId: task.id,
        revision,
        intents,
        confidence,
        rationale,
        basis,
        alternatives,
      },
    });
  }

  /** Plans that are ready by `atUs`, inclusive, in the order in which they became ready. */
  answered(atUs: number): readonly Answer[] {
    if (this.#answers.length === 0) return this.#answers;
    const ready = this.#answers.filter(({ dueUs }) => dueUs <= atUs);
    if (ready.length > 0) this.#answers = this.#answers.filter(({ dueUs }) => dueUs > atUs);
    return ready.sort((a, b) => a.dueUs - b.dueUs || a.order - b.order);
  }
}
