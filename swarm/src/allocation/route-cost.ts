/** A piece of work for one agent. */
export type AllocationTask = {
  readonly id: string;
  /** Abilities an agent must have, all of them. */
  readonly needs: readonly string[];
  /** Tasks of higher priority are auctioned first. Default 0. */
  readonly priority?: number;
};

/** An agent that may take tasks. */
export type AllocationAgent = {
  readonly id: string;
  readonly abilities: readonly string[];
  /** Most tasks it may have in its plan, those it has already included. */
  readonly capacity: number;
  /** Energy it may spend, in the unit of `LegCosts.energy`. */
  readonly energyLeft: number;
  readonly halted: boolean;
  /** Taken by something else, such as an operator. */
  readonly busy?: boolean;
  /** Tasks it already has, in order. They stay with it and in this order. */
  readonly plan?: readonly string[];
  /** How many of `plan` it has begun: nothing is put before these. Default 0. */
  readonly started?: number;
};

/** What a step from one task to the next costs. Pure; Infinity means it cannot be done at all. */
export type LegCosts = {
  /** From where it stands (`before` null) or from the end of a task to the end of another, work included. */
  travel(agent: string, before: string | null, task: string): number;
  /** Energy for the same step. Left out: the travel cost. */
  energy?(agent: string, before: string | null, task: string): number;
  /** Energy to be kept for after the last task, such as the way to a charger. Left out: none. */
  reserve?(agent: string, last: string): number;
};

export type Reason = 'halted' | 'no_capability' | 'busy' | 'unreachable' | 'battery';

/** One agent's tasks during an allocation. */
export type Route = {
  readonly agent: AllocationAgent;
  tasks: string[];
  cost: number;
};

export type Bid = { readonly cost: number; readonly at: number; readonly reason: Reason | null };

const refusal = (reason: Reason): Bid => ({ cost: Infinity, at: -1, reason });
const REFUSED: Readonly<Record<Reason, Bid>> = {
  halted: refusal('halted'),
  no_capability: refusal('no_capability'),
  busy: refusal('busy'),
  unreachable: refusal('unreachable'),
  battery: refusal('battery'),
};

/** Sum of all steps, Infinity when one cannot be done. */
export function routeCost(legs: LegCosts, agent: string, tasks: readonly string[]): number {
  let cost = 0;
  for (let k = 0; k < tasks.length; k++) {
    cost += legs.travel(agent, k === 0 ? null : (tasks[k - 1] as string), tasks[k] as string);
  }
  return cost;
}

/** Energy of all steps and of the reserve after the last. */
export function routeEnergy(legs: LegCosts, agent: string, tasks: readonly string[]): number {
  let energy = 0;
  for (let k = 0; k < tasks.length; k++) {
    const before = k === 0 ? null : (tasks[k - 1] as string);
    const step = legs.energy ?? legs.travel;
    energy += step.call(legs, agent, before, tasks[k] as string);
  }
  const last = tasks[tasks.length - 1];
  return last === undefined || legs.reserve === undefined ? energy : energy + legs.reserve(agent, last);
}

/**
 * The cheapest place for a task in a route: what the route will cost more, or why it cannot go in.
 * Reasons in order of what has to change first: halted, no_capability, busy, unreachable, battery. [S30]
 */
export function bestInsertion(legs: LegCosts, route: Route, task: AllocationTask): Bid {
  const { agent, tasks } = route;
  if (agent.halted) return REFUSED.halted;
  if (!task.needs.every((need) => agent.abilities.includes(need))) return REFUSED.no_capability;
  if (agent.busy === true || tasks.length >= agent.capacity) return REFUSED.busy;
  let reachable = false;
  let best = Infinity;
  let at = -1;
  for (let place = firstPlace(agent); place <= tasks.length; place++) {
    const cost = insertionCost(legs, agent.id, tasks, task.id, place);
    if (!(cost < Infinity)) continue;
    reachable = true;
    if (cost >= best) continue;
    const longer = [...tasks.slice(0, place), task.id, ...tasks.slice(place)];
    if (routeEnergy(legs, agent.id, longer) > agent.energyLeft) continue;
    best = cost;
    at = place;
  }
  if (at === -1) return reachable ? REFUSED.battery : REFUSED.unreachable;
  return { cost: best, at, reason: null };
}

/** The first place in a plan where something may be put. */
export function firstPlace(agent: AllocationAgent): number {
  return Math.max(0, Math.min(agent.started ?? 0, agent.plan?.length ?? 0));
}

function insertionCost(legs: LegCosts, agent: string, tasks: readonly string[], task: string, place: number): number {
  const before = place === 0 ? null : (tasks[place - 1] as string);
  const after = tasks[place];
  const to = legs.travel(agent, before, task);
  if (after === undefined) return to;
  return to + legs.travel(agent, task, after) - legs.travel(agent, before, after);
}
