import { improveRoutes, type Objective } from './improve-routes.ts';
import {
  type AllocationAgent,
  type AllocationTask,
  bestInsertion,
  type LegCosts,
  type Reason,
  type Route,
  routeCost,
  routeEnergy,
} from './route-cost.ts';

export type Allocation = {
  /** Every agent's tasks in order, by agent id; cost and energy of the whole plan. */
  readonly plans: readonly AgentPlan[];
  /** Tasks nobody can take, by task id, with each agent's reason. */
  readonly unallocated: readonly Unallocated[];
};

export type AgentPlan = {
  readonly agent: string;
  readonly tasks: readonly string[];
  readonly cost: number;
  readonly energy: number;
};

export type Unallocated = {
  readonly task: string;
  readonly reasons: readonly { readonly agent: string; readonly reason: Reason }[];
};

export type AllocationOptions = {
  /** 'sum': least total cost (default). 'longest': the dearest plan as cheap as possible. */
  readonly objective?: Objective;
  /** False leaves the auction's result as it is. Default true. */
  readonly improve?: boolean;
};

/**
 * Allocates tasks by sequential single-item auctions (Koenig et al., "The power of sequential
 * single-item auctions for agent coordination", AAAI 2006): in each round every agent bids what a task
 * would add to its plan, the least bid wins; then 2-opt and moves between agents improve the result. [S26]..[S31]
 *
 * Deterministic: ids break ties, the order of the arguments does not matter. Ids must be unique.
 */
export function allocate(
  tasks: readonly AllocationTask[],
  agents: readonly AllocationAgent[],
  legs: LegCosts,
  options: AllocationOptions = {},
): Allocation {
  const objective = options.objective ?? 'sum';
  const routes = byId(agents).map((agent): Route => {
    const plan = [...(agent.plan ?? [])];
    return { agent, tasks: plan, cost: routeCost(legs, agent.id, plan) };
  });
  const planned = new Set(routes.flatMap((route) => route.tasks));
  const open = byId(tasks).filter((task) => !planned.has(task.id));
  const left: AllocationTask[] = [];
  const priorities = [...new Set(open.map((task) => task.priority ?? 0))].sort((a, b) => b - a);
  for (const priority of priorities) {
    const lot = open.filter((task) => (task.priority ?? 0) === priority);
    left.push(...auction(lot, routes, legs, objective));
  }
  if (options.improve !== false) {
    improveRoutes(open, routes, legs, objective);
    for (const task of left.splice(0)) if (!insert(task, routes, legs, objective)) left.push(task);
  }
  return {
    plans: routes.map(({ agent, tasks: ids, cost }) => ({
      agent: agent.id,
      tasks: ids,
      cost,
      energy: routeEnergy(legs, agent.id, ids),
    })),
    unallocated: byId(left).map((task) => ({
      task: task.id,
      reasons: routes.map((route) => ({
        agent: route.agent.id,
        reason: bestInsertion(legs, route, task).reason as Reason,
      })),
    })),
  };
}

/**
 * Allocates anew only what the agents in `dropped` had; everybody else keeps every task, in the same
 * order, and may get more. [S32] `tasks` must describe at least the tasks that have to move.
 */
export function reallocate(
  before: Allocation,
  dropped: readonly string[],
  tasks: readonly AllocationTask[],
  agents: readonly AllocationAgent[],
  legs: LegCosts,
  options: AllocationOptions = {},
): Allocation {
  const plans = new Map(before.plans.map((plan) => [plan.agent, plan.tasks]));
  const freed = new Set(dropped.flatMap((agent) => plans.get(agent) ?? []));
  const staying = agents
    .filter((agent) => !dropped.includes(agent.id))
    .map((agent) => ({ ...agent, plan: plans.get(agent.id) ?? agent.plan ?? [] }));
  const moving = tasks.filter((task) => freed.has(task.id));
  return allocate(moving, staying, legs, options);
}

/** Auctions tasks of one priority; returns those that found nobody. Changes the routes. */
function auction(
  lot: readonly AllocationTask[],
  routes: readonly Route[],
  legs: LegCosts,
  objective: Objective,
): AllocationTask[] {
  const bids = new Float64Array(lot.length * routes.length);
  const best = new Int32Array(lot.length);
  const sold = new Uint8Array(lot.length);
  const bid = (task: number, agent: number): number => {
    const route = routes[agent] as Route;
    const { cost } = bestInsertion(legs, route, lot[task] as AllocationTask);
    return objective === 'sum' ? cost : cost + route.cost;
  };
  const findBest = (task: number): void => {
    best[task] = -1;
    for (let agent = 0; agent < routes.length; agent++) {
      const here = bids[task * routes.length + agent] as number;
      if (here === Infinity) continue;
      const leader = best[task] as number;
      if (leader === -1 || here < (bids[task * routes.length + leader] as number)) best[task] = agent;
    }
  };
  for (let task = 0; task < lot.length; task++) {
    for (let agent = 0; agent < routes.length; agent++) bids[task * routes.length + agent] = bid(task, agent);
    findBest(task);
  }
  for (;;) {
    let winner = -1;
    for (let task = 0; task < lot.length; task++) {
      if (sold[task] === 1 || best[task] === -1) continue;
      if (winner === -1 || bestBid(bids, best, routes.length, task) < bestBid(bids, best, routes.length, winner)) {
        winner = task;
      }
    }
    if (winner === -1) return lot.filter((_, task) => sold[task] === 0);
    const agent = best[winner] as number;
    place(routes[agent] as Route, lot[winner] as AllocationTask, legs);
    sold[winner] = 1;
    for (let task = 0; task < lot.length; task++) {
      if (sold[task] === 1) continue;
      bids[task * routes.length + agent] = bid(task, agent);
      findBest(task);
    }
  }
}

function bestBid(bids: Float64Array, best: Int32Array, width: number, task: number): number {
  return bids[task * width + (best[task] as number)] as number;
}

function place(route: Route, task: AllocationTask, legs: LegCosts): void {
  const { at } = bestInsertion(legs, route, task);
  route.tasks.splice(at, 0, task.id);
  route.cost = routeCost(legs, route.agent.id, route.tasks);
}

function insert(task: AllocationTask, routes: readonly Route[], legs: LegCosts, objective: Objective): boolean {
  return auction([task], routes, legs, objective).length === 0;
}

function byId<T extends { readonly id: string }>(items: readonly T[]): readonly T[] {
  let ordered = true;
  for (let i = 1; i < items.length && ordered; i++) ordered = (items[i - 1] as T).id <= (items[i] as T).id;
  return ordered ? items : [...items].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
