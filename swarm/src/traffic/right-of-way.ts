import type { Admission } from './admission.ts';
import type { OpenRoads } from './distance-fields.ts';
import { nobody, type Scene } from './scene.ts';

/**
 * The step each agent is to take next.
 *
 * Priority inheritance with backtracking (PIBT: Okumura, Machida, Défago, Tamura, "Priority
 * inheritance with backtracking for iterative multi-agent path finding", AIJ 2022) in its
 * time-independent form (Okumura, Tamura, Défago, "Time-Independent Planning for Multiple Moving
 * Agents", AAAI 2021): agents that stand are *contracted* and can be pushed; agents that move are
 * *extended* and leave their cells in their own time; whoever asks for a cell still held *requests*
 * it and waits. Nothing of a request is kept between calls: it is decided anew from who stands where.
 */
export type Course = {
  /** The cell each agent is to enter next; its own `end` when it stays, nobody when it did not ask. */
  readonly target: Int32Array;
  /** The agent that has the right of way into each cell in this call. */
  readonly claim: Int32Array;
  /** Agents in the order in which they were asked. */
  readonly order: Int32Array;
};

/** Widest junction that gets looked at: further exits of a cell are not considered for pushing. */
const mostExits = 16;

export function giveWay(scene: Scene, roads: OpenRoads, fields: readonly Int32Array[], admission: Admission): Course {
  const { count } = scene;
  const order = rankAgents(scene);
  const search: Search = {
    scene,
    roads,
    fields,
    refused: admission.refused,
    closedTo: admission.closedTo,
    target: new Int32Array(count).fill(nobody),
    claim: new Int32Array(scene.holder.length).fill(nobody),
    decided: new Uint8Array(count),
    asking: new Uint8Array(count),
    exits: new Int32Array(count * mostExits),
    exitCount: new Int32Array(count),
    exitAt: new Int32Array(count),
    chain: new Int32Array(count + 1),
  };
  for (let i = 0; i < count; i++) if (scene.after[i] !== nobody) search.claim[scene.end[i] as number] = i;
  for (let k = 0; k < count; k++) {
    const i = order[k] as number;
    if (search.decided[i] === 1 || scene.frozen[i] === 1 || scene.returning[i] === 1) continue;
    const moving = scene.standing[i] === 0;
    if (moving && (scene.paths[i] as number[]).length >= (scene.horizon[i] as number)) continue;
    if (scene.after[i] !== nobody) continue;
    ask(search, i);
  }
  return { target: search.target, claim: search.claim, order };
}

type Search = {
  readonly scene: Scene;
  readonly roads: OpenRoads;
  readonly fields: readonly Int32Array[];
  readonly refused: Uint8Array;
  readonly closedTo: Int32Array;
  readonly target: Int32Array;
  readonly claim: Int32Array;
  readonly decided: Uint8Array;
  /** 1 while an agent is in the chain of those pushing each other. */
  readonly asking: Uint8Array;
  readonly exits: Int32Array;
  readonly exitCount: Int32Array;
  readonly exitAt: Int32Array;
  readonly chain: Int32Array;
};

/** Agents with a goal first, then the longest on its way, then the smaller id. */
function rankAgents(scene: Scene): Int32Array {
  const order = new Int32Array(scene.count);
  for (let i = 0; i < scene.count; i++) order[i] = i;
  const { rank, weight } = scene;
  return order.sort(
    (a, b) => (rank[b] as number) - (rank[a] as number) || (weight[b] as number) - (weight[a] as number) || a - b,
  );
}

/**
 * Finds a next cell for `root`, pushing whoever stands in it, who pushes the next. The first chain
 * that ends in a cell which is or will become free decides everybody in it; an agent that finds no
 * way stays, and the one that pushed it tries its next exit.
 */
function ask(search: Search, root: number): void {
  const { scene, target, claim, decided, asking, chain } = search;
  let depth = 0;
  chain[0] = root;
  asking[root] = 1;
  listExits(search, root, false);
  while (depth >= 0) {
    const i = chain[depth] as number;
    const outcome = tryNextExit(search, i);
    if (outcome === settled) {
      for (; depth >= 0; depth--) {
        decided[chain[depth] as number] = 1;
        asking[chain[depth] as number] = 0;
      }
      return;
    }
    if (outcome === exhausted) {
      decided[i] = 1;
      asking[i] = 0;
      target[i] = scene.end[i] as number;
      if (scene.standing[i] === 1) claim[scene.end[i] as number] = i;
      depth--;
      continue;
    }
    chain[++depth] = outcome;
    asking[outcome] = 1;
    listExits(search, outcome, true);
  }
}

const settled = -1;
const exhausted = -2;

/** Settles agent `i` on an exit, or names the agent that has to be pushed first, or gives up. */
function tryNextExit(search: Search, i: number): number {
  const { scene, target, claim, decided, asking, exits, exitCount, exitAt } = search;
  const { end, holder, standing, frozen } = scene;
  const own = end[i] as number;
  while ((exitAt[i] as number) < (exitCount[i] as number)) {
    const cell = exits[i * mostExits + (exitAt[i] as number)] as number;
    exitAt[i] = (exitAt[i] as number) + 1;
    if (claim[cell] !== nobody) continue;
    const there = holder[cell] as number;
    if (there === i || (there !== nobody && frozen[there] === 1)) continue;
    if (there !== nobody && target[there] === own && end[there] === cell) continue;
    if (there !== nobody && standing[there] === 1 && decided[there] === 1 && target[there] === cell) continue;
    if (there !== nobody && search.chain[0] === i && scene.rank[i] === 0 && standing[there] === 1) continue;
    target[i] = cell;
    claim[cell] = i;
    const free = there === nobody || standing[there] === 0;
    if (free || decided[there] === 1 || asking[there] === 1) return settled;
    return there;
  }
  return exhausted;
}

/**
 * The exits of an agent, best first. Unpushed it only takes steps that bring it nearer to its aim;
 * pushed it takes any, those into a dead end and those another agent is about to enter last.
 * Ties: free cells, then straight on, then the smaller cell.
 */
function listExits(search: Search, i: number, pushed: boolean): void {
  const { scene, roads, fields, exits, exitCount, exitAt } = search;
  const { offsets, targets } = roads.graph;
  const own = scene.end[i] as number;
  const field = fields[i] as Int32Array;
  const ownDistance = field.length > 0 ? (field[own] as number) : -1;
  exitAt[i] = 0;
  let found = 0;
  if (pushed || ownDistance > 0) {
    const stop = Math.min(offsets[own + 1] as number, (offsets[own] as number) + mostExits);
    for (let edge = offsets[own] as number; edge < stop; edge++) {
      const cell = targets[edge] as number;
      const distance = field.length > 0 ? (field[cell] as number) : 0;
      if (!pushed && (distance < 0 || distance >= ownDistance || search.refused[i] === 1)) continue;
      exits[i * mostExits + found++] = cell;
    }
    sortExits(search, i, found, pushed);
  }
  exitCount[i] = found;
}

function sortExits(search: Search, i: number, found: number, pushed: boolean): void {
  const { exits } = search;
  const first = i * mostExits;
  for (let k = 1; k < found; k++) {
    const cell = exits[first + k] as number;
    const cost = exitCost(search, i, cell, pushed);
    let at = k - 1;
    while (at >= 0 && exitCost(search, i, exits[first + at] as number, pushed) > cost) {
      exits[first + at + 1] = exits[first + at] as number;
      at--;
    }
    exits[first + at + 1] = cell;
  }
}

const unreachable = 268_435_456;

function exitCost(search: Search, i: number, cell: number, pushed: boolean): number {
  const { scene, roads, fields, claim } = search;
  const field = fields[i] as Int32Array;
  const found = field.length > 0 ? (field[cell] as number) : 0;
  const distance = found < 0 ? unreachable : found;
  const there = scene.holder[cell] as number;
  let detour = 0;
  if (pushed) {
    const deadEnd = roads.deadEnds.of[cell] as number;
    const aim = scene.aim[i] as number;
    const bound = aim !== nobody && roads.deadEnds.of[aim] === deadEnd && (scene.rank[i] as number) > 0;
    if (deadEnd !== nobody && !bound) detour += 1;
    if (deadEnd !== nobody && search.closedTo[i] === deadEnd) detour += 4;
    if (there !== nobody && scene.standing[there] === 0 && scene.cell[there] !== cell) detour += 2;
  }
  const taken = there === nobody && claim[cell] === nobody ? 0 : 2;
  const turn = cell - (scene.end[i] as number) === (scene.heading[i] as number) ? 0 : 1;
  return (detour * unreachable * 2 + distance) * 4 + taken + turn;
}
