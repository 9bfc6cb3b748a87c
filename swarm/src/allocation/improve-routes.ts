import {
  type AllocationTask,
  bestInsertion,
  firstPlace,
  type LegCosts,
  type Route,
  routeCost,
  routeEnergy,
} from './route-cost.ts';

export type Objective = 'sum' | 'longest';

/** Rounds of improvement; each looks at every task once. A bound, seldom reached. */
const mostRounds = 20;

/**
 * Improves routes in place as long as the objective gets strictly better: reverses stretches within a
 * plan (2-opt, Croes 1958) and moves single tasks to other agents. [S28] Only `open` tasks are moved;
 * those an agent came with stay where they are.
 */
export function improveRoutes(
  open: readonly AllocationTask[],
  routes: readonly Route[],
  legs: LegCosts,
  objective: Objective,
): void {
  const movable = new Map(open.map((task) => [task.id, task]));
  for (let round = 0; round < mostRounds; round++) {
    let better = false;
    for (const route of routes) better = untangle(route, movable, legs) || better;
    for (const route of routes) {
      for (const id of [...route.tasks]) {
        const task = movable.get(id);
        if (task !== undefined) better = moveTask(route, task, routes, legs, objective) || better;
      }
    }
    if (!better) return;
  }
}

/** 2-opt within one plan: takes the first reversal that shortens it, until none does. */
function untangle(route: Route, movable: ReadonlyMap<string, AllocationTask>, legs: LegCosts): boolean {
  const { agent } = route;
  let improved = false;
  for (let first = firstPlace(agent); first < route.tasks.length - 1; first++) {
    for (let last = first + 1; last < route.tasks.length; last++) {
      if (!movable.has(route.tasks[first] as string) || !movable.has(route.tasks[last] as string)) break;
      const reversed = [
        ...route.tasks.slice(0, first),
        ...route.tasks.slice(first, last + 1).reverse(),
        ...route.tasks.slice(last + 1),
      ];
      const cost = routeCost(legs, agent.id, reversed);
      if (!(cost < route.cost) || routeEnergy(legs, agent.id, reversed) > agent.energyLeft) continue;
      route.tasks = reversed;
      route.cost = cost;
      improved = true;
    }
  }
  return improved;
}

/** Moves one task to the agent where the objective gains most; false when it is best where it is. */
function moveTask(
  from: Route,
  task: AllocationTask,
  routes: readonly Route[],
  legs: LegCosts,
  objective: Objective,
): boolean {
  const without = from.tasks.filter((id) => id !== task.id);
  const costWithout = routeCost(legs, from.agent.id, without);
  if (!(costWithout < Infinity) || routeEnergy(legs, from.agent.id, without) > from.agent.energyLeft) return false;
  let best: { route: Route; at: number; cost: number } | null = null;
  let bestScore = score(routes, objective, from, from.cost, from, from.cost);
  for (const route of routes) {
    if (route === from) continue;
    const bid = bestInsertion(legs, route, task);
    if (bid.reason !== null) continue;
    const cost = route.cost + bid.cost;
    const found = score(routes, objective, from, costWithout, route, cost);
    if (!isLess(found, bestScore)) continue;
    best = { route, at: bid.at, cost };
    bestScore = found;
  }
  if (best === null) return false;
  from.tasks = without;
  from.cost = costWithout;
  best.route.tasks.splice(best.at, 0, task.id);
  best.route.cost = routeCost(legs, best.route.agent.id, best.route.tasks);
  return true;
}

/** What the objective would be with two routes at other costs: the main figure, then the other one. */
function score(
  routes: readonly Route[],
  objective: Objective,
  one: Route,
  oneCost: number,
  other: Route,
  otherCost: number,
): readonly [number, number] {
  let sum = 0;
  let longest = 0;
  for (const route of routes) {
    const cost = route === one ? oneCost : route === other ? otherCost : route.cost;
    sum += cost;
    longest = Math.max(longest, cost);
  }
  return objective === 'sum' ? [sum, longest] : [longest, sum];
}

function isLess(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
