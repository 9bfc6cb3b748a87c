import type { DeadEnds } from './dead-ends.ts';
import type { OpenRoads } from './distance-fields.ts';
import { nobody, type Scene } from './scene.ts';

/** Who may enter which dead end in this call. */
export type Admission = {
  /** 1 = stands at the gate of a dead end and may not go on; it can be pushed aside meanwhile. */
  readonly refused: Uint8Array;
  /** The dead end that each agent is bound for and may not enter, nobody otherwise. */
  readonly closedTo: Int32Array;
  /** The agent for which it is refused, nobody otherwise. */
  readonly becauseOf: Int32Array;
};

/**
 * Two agents cannot pass each other in a dead end, and priority alone would leave the stronger one
 * waiting in the mouth for a weaker one that cannot get out. So an agent bound for a dead end waits
 * before its mouth while another is inside, and whoever is inside and in the way comes out. [S17]
 * Writes `aim`, `rank` and `weight` of the agents that have to come out, `rank` of those refused.
 */
export function admit(scene: Scene, roads: OpenRoads, fields: Int32Array[]): Admission {
  const { count, frozen, goal, end, rank } = scene;
  const { of, mouths } = roads.deadEnds;
  const admission: Admission = {
    refused: new Uint8Array(count),
    closedTo: new Int32Array(count).fill(nobody),
    becauseOf: new Int32Array(count).fill(nobody),
  };
  if (mouths.length === 0) return admission;
  const inside = occupants(scene, roads, fields);
  /** Strongest demand for each dead end: the priority of an agent that waits to get in. */
  const demand = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const wanted = goal[i] as number;
    if (frozen[i] === 1 || wanted === nobody || rank[i] === 0) continue;
    const deadEnd = of[wanted] as number;
    if (deadEnd === nobody || mouths[deadEnd] === nobody) continue;
    const other = inTheWay(scene, roads.deadEnds, inside, i, deadEnd);
    if (other === nobody) continue;
    admission.closedTo[i] = deadEnd;
    if (of[end[i] as number] === nobody && leftBehind(scene, roads, fields, i) === nobody) rank[i] = 1;
    const here = of[end[i] as number] as number;
    if (here !== deadEnd && !atGate(roads, fields[i] as Int32Array, end[i] as number, deadEnd)) continue;
    demand.set(deadEnd, Math.max(demand.get(deadEnd) ?? 0, scene.priority[i] as number));
    admission.becauseOf[i] = other;
    if (here === deadEnd) lead(scene, roads, fields, i, mouths[deadEnd] as number);
    else if (here === nobody || of[nextCell(roads, fields[i] as Int32Array, end[i] as number)] === deadEnd) {
      admission.refused[i] = 1;
      rank[i] = 0;
    }
  }
  for (const [deadEnd, priority] of demand) {
    for (const k of inside.get(deadEnd) ?? []) {
      if (goal[k] !== nobody || of[end[k] as number] !== deadEnd) continue;
      rank[k] = 2;
      scene.weight[k] = priority;
      lead(scene, roads, fields, k, mouths[deadEnd] as number);
    }
  }
  return admission;
}

function occupants(scene: Scene, roads: OpenRoads, fields: readonly Int32Array[]): Map<number, number[]> {
  const { deadEnds } = roads;
  const inside = new Map<number, number[]>();
  const enter = (deadEnd: number, agent: number): void => {
    if (deadEnd === nobody) return;
    const list = inside.get(deadEnd);
    if (list === undefined) inside.set(deadEnd, [agent]);
    else if (list[list.length - 1] !== agent) list.push(agent);
  };
  for (let i = 0; i < scene.count; i++) {
    if (scene.frozen[i] === 1) continue;
    enter(deadEnds.of[scene.cell[i] as number] as number, i);
    enter(deadEnds.of[scene.end[i] as number] as number, i);
    enter(leftBehind(scene, roads, fields, i), i);
  }
  return inside;
}

/**
 * The dead end an agent has just come out of, standing in its mouth: it counts as inside until it has
 * moved on, or those waiting to get in would push it back. Not so when it waits at the next gate.
 */
function leftBehind(scene: Scene, roads: OpenRoads, fields: readonly Int32Array[], i: number): number {
  const { of, mouths } = roads.deadEnds;
  const cell = scene.cell[i] as number;
  const from = cell - (scene.heading[i] as number);
  const wanted = scene.goal[i] as number;
  if (from < 0 || from >= of.length || wanted === nobody) return nobody;
  const deadEnd = of[from] as number;
  if (deadEnd === nobody || mouths[deadEnd] !== cell || of[wanted] === deadEnd) return nobody;
  const next = of[wanted] as number;
  const field = fields[i] as Int32Array;
  if (next !== nobody && field.length > 0 && atGate(roads, field, scene.end[i] as number, next)) return nobody;
  return deadEnd;
}

/**
 * The occupant for whose sake agent `i` may not head for its goal in `deadEnd`, or nobody.
 * Settled occupants deeper than the goal disturb no one; inside, only deeper ones have to get past.
 */
function inTheWay(scene: Scene, deadEnds: DeadEnds, inside: Map<number, number[]>, i: number, deadEnd: number): number {
  const { depth, of } = deadEnds;
  const within = of[scene.end[i] as number] === deadEnd;
  const ownDepth = depth[scene.end[i] as number] as number;
  const goalDepth = depth[scene.goal[i] as number] as number;
  for (const k of inside.get(deadEnd) ?? []) {
    if (k === i) continue;
    const at = depth[scene.end[k] as number] as number;
    const settled = scene.goal[k] === nobody;
    if (settled && at > goalDepth) continue;
    if (within && (at < ownDepth || (at === ownDepth && k > i))) continue;
    return k;
  }
  return nobody;
}

/** True when the next step from `cell` leads into the dead end or onto its mouth. */
function atGate(roads: OpenRoads, field: Int32Array, cell: number, deadEnd: number): boolean {
  const mouth = roads.deadEnds.mouths[deadEnd] as number;
  return (field[cell] as number) <= (field[mouth] as number) + 1;
}

function nextCell(roads: OpenRoads, field: Int32Array, cell: number): number {
  const { offsets, targets } = roads.graph;
  const stop = offsets[cell + 1] as number;
  for (let edge = offsets[cell] as number; edge < stop; edge++) {
    const next = targets[edge] as number;
    if (field[next] === (field[cell] as number) - 1) return next;
  }
  return cell;
}

function lead(scene: Scene, roads: OpenRoads, fields: Int32Array[], agent: number, aim: number): void {
  scene.aim[agent] = aim;
  fields[agent] = roads.toward(aim);
}
