import { type Admission, admit } from './admission.ts';
import { DistanceFields, type OpenRoads } from './distance-fields.ts';
import { type Course, giveWay } from './right-of-way.ts';
import type { RoadGraph } from './road-graph.ts';
import { loadFields, nobody, readScene, type Scene } from './scene.ts';

/** What is known of an agent at the moment of the call. */
export type TrafficAgent = {
  readonly id: string;
  /** The cell its body is in. */
  readonly cell: number;
  /** The granted cell it is moving to, -1 while it stands in `cell`. */
  readonly to: number;
  /** The cell it wants to reach, -1 for none: then it steps aside for others and returns. */
  readonly goal: number;
  /** It cannot move: an obstacle. Whatever it was granted beyond `to` is withdrawn. */
  readonly halted: boolean;
  /** Most cells it may hold ahead of its body, 1 to 16; 1 to 3 is usual. */
  readonly horizon: number;
  /** True when it stands in `cell` and has confirmed that it will not use what it was granted. */
  readonly released?: boolean;
};

/** What traffic remembers of an agent from call to call. Plain data, ordered by id. */
export type TrafficMember = {
  readonly id: string;
  /** Calls since it last reached a goal; 0 without one. */
  readonly priority: number;
  /** Last cell it was known to be in, -1 if never. */
  readonly cell: number;
  /** Cells granted and not yet reached, the nearest first. */
  readonly path: readonly number[];
  /** The agent that was leaving the last cell of `path` when it was promised, null if none. */
  readonly after: string | null;
  /** The goal it was last heading for, -1 for none. */
  readonly goal: number;
  /** Where it returns to after stepping aside, -1 while it has a goal. */
  readonly park: number;
  /** Cell difference of its last step. */
  readonly heading: number;
};

export type TrafficState = { readonly members: readonly TrafficMember[] };

/** Traffic before the first call. */
export const emptyTraffic: TrafficState = { members: [] };

/** All cells an agent now holds ahead; it replaces what the agent was told before. */
export type Grant = {
  readonly agent: string;
  readonly path: readonly number[];
  /**
   * The agent that is leaving the last cell of `path`: the cell may be entered only once it has left.
   * null when every cell of `path` is free. In a closed circle all members move at the same pace.
   */
  readonly after: string | null;
};

export type WaitReason = 'occupied' | 'right-of-way' | 'dead-end' | 'cut-off' | 'conflict';

/** Why an agent with a goal stands: `blockedBy` is null only when the roads themselves lead nowhere. */
export type Wait = {
  readonly agent: string;
  readonly blockedBy: string | null;
  readonly cell: number;
  readonly reason: WaitReason;
};

/** Reports that contradict the map, each other or what was granted. They never stop the others. */
export type TrafficProblem = {
  readonly agent: string;
  readonly kind: 'off-grid' | 'conflict' | 'duplicate' | 'bad-goal' | 'left-path';
  readonly cell: number;
  readonly other: string | null;
};

export type TrafficOptions = {
  /** Distance fields of the same graph, kept between calls. Without them every call computes its own. */
  readonly fields?: DistanceFields;
  /**
   * Also promise a cell to a follower while its holder is on its way out, so that queues move as one.
   * Only for bodies that obey `after`. Left out, just full circles are granted this way.
   */
  readonly convoy?: boolean;
};

export type TrafficResult = {
  readonly state: TrafficState;
  readonly grants: readonly Grant[];
  readonly waits: readonly Wait[];
  readonly problems: readonly TrafficProblem[];
};

/**
 * Gives each agent the cells it may enter next, so that no cell is ever held by two. [S5]..[S17]
 * Call it whenever something changed (an arrival, a goal, a halt) or at a fixed rate; agents may be
 * arbitrarily slow. The same reports in any order give the same bytes. An agent that is no longer
 * listed gives up all it held. Nothing in a report makes it throw: see `problems`.
 */
export function grantMoves(
  graph: RoadGraph,
  agents: readonly TrafficAgent[],
  state: TrafficState,
  options: TrafficOptions = {},
): TrafficResult {
  const cache = options.fields ?? new DistanceFields(graph);
  if (cache.graph !== graph) throw new Error('the distance fields belong to another graph');
  const scene = readScene(graph, agents, state);
  const roads = cache.around(scene.shut);
  const { fields, cutOff } = loadFields(scene, roads);
  const admission = admit(scene, roads, fields);
  const course = giveWay(scene, roads, fields, admission);
  const granted = grant(scene, course, options.convoy === true);
  const waits = explainWaits(cache, scene, roads, fields, cutOff, admission, course, granted);
  lookAhead(scene, roads, fields, admission, course, granted);
  return { state: remember(scene), grants: listGrants(scene, granted), waits, problems: scene.problems };
}

/**
 * Hands out the claimed cells that are free; then cells whose holders are leaving: full circles of
 * agents that wait for each other and, with `convoy`, whoever follows an agent that moves.
 */
function grant(scene: Scene, course: Course, convoy: boolean): Uint8Array {
  const { count, end, holder, paths, standing } = scene;
  const { target, claim } = course;
  const granted = new Uint8Array(count);
  const leader = new Int32Array(count).fill(nobody);
  for (let i = 0; i < count; i++) {
    const cell = target[i] as number;
    if (cell === nobody || cell === end[i] || claim[cell] !== i) continue;
    const there = holder[cell] as number;
    if (there === nobody) granted[i] = 1;
    else if (scene.cell[there] === cell && (convoy || (standing[i] === 1 && standing[there] === 1))) leader[i] = there;
  }
  const seen = new Int32Array(count).fill(nobody);
  const line: number[] = [];
  for (let first = 0; first < count; first++) {
    line.length = 0;
    let i = first;
    while (seen[i] === nobody && granted[i] === 0 && leader[i] !== nobody) {
      seen[i] = first;
      line.push(i);
      i = leader[i] as number;
    }
    const circle = line.indexOf(i);
    const leaves = granted[i] === 1 || (standing[i] === 0 && (paths[i] as number[]).length > 0);
    if (circle === -1 && !(convoy && leaves)) continue;
    for (let k = convoy ? 0 : circle; k < line.length; k++) granted[line[k] as number] = 1;
  }
  for (let i = 0; i < count; i++) {
    if (granted[i] === 0) continue;
    const cell = target[i] as number;
    (paths[i] as number[]).push(cell);
    if (holder[cell] === nobody) holder[cell] = i;
    else scene.after[i] = holder[cell] as number;
  }
  return granted;
}

/** Lets agents on their way hold further free cells towards their aim, up to their horizon. */
function lookAhead(
  scene: Scene,
  roads: OpenRoads,
  fields: readonly Int32Array[],
  admission: Admission,
  course: Course,
  granted: Uint8Array,
): void {
  const { offsets, targets } = roads.graph;
  const { holder, end, paths, horizon, rank, frozen, heading } = scene;
  for (let k = 0; k < scene.count; k++) {
    const i = course.order[k] as number;
    const path = paths[i] as number[];
    const field = fields[i] as Int32Array;
    if (path.length === 0 || frozen[i] === 1 || scene.returning[i] === 1 || rank[i] === 0 || field.length === 0)
      continue;
    const gate = admission.closedTo[i] as number;
    const mouth = gate === nobody ? nobody : (roads.deadEnds.mouths[gate] as number);
    const from = granted[i] === 1 ? (end[i] as number) : nobody;
    let at = path[path.length - 1] as number;
    if (from !== nobody && (field[at] as number) >= (field[from] as number)) continue;
    let step = from === nobody ? (heading[i] as number) : at - from;
    while (path.length < (horizon[i] as number) && (field[at] as number) > 0 && holder[at] === i) {
      let best = nobody;
      const stop = offsets[at + 1] as number;
      for (let edge = offsets[at] as number; edge < stop; edge++) {
        const cell = targets[edge] as number;
        if ((field[cell] as number) !== (field[at] as number) - 1 || holder[cell] !== nobody) continue;
        if (course.claim[cell] !== nobody && course.claim[cell] !== i) continue;
        if (gate !== nobody && (cell === mouth || roads.deadEnds.of[cell] === gate)) continue;
        if (best === nobody || cell - at === step) best = cell;
      }
      if (best === nobody) break;
      path.push(best);
      holder[best] = i;
      granted[i] = 1;
      step = best - at;
      at = best;
    }
  }
}

function explainWaits(
  cache: DistanceFields,
  scene: Scene,
  roads: OpenRoads,
  fields: readonly Int32Array[],
  cutOff: Uint8Array,
  admission: Admission,
  course: Course,
  granted: Uint8Array,
): Wait[] {
  const { ids, goal, end, holder, problems } = scene;
  const waits: Wait[] = [];
  const name = (agent: number): string | null => (agent === nobody ? null : (ids[agent] as string));
  const add = (i: number, by: number, cell: number, reason: WaitReason): void => {
    waits.push({ agent: ids[i] as string, blockedBy: name(by), cell, reason });
  };
  for (const { kind, agent, other, cell } of problems) {
    const i = ids.indexOf(agent);
    if (kind === 'conflict' && scene.cell[i] === cell) {
      waits.push({ agent, blockedBy: other, cell, reason: 'conflict' });
    }
  }
  for (let i = 0; i < scene.count; i++) {
    if (goal[i] === nobody || scene.standing[i] === 0 || granted[i] === 1) continue;
    if (cutOff[i] === 1) {
      const obstacle = firstObstacle(cache, scene, i);
      add(i, obstacle.agent, obstacle.cell, 'cut-off');
      continue;
    }
    if (admission.refused[i] === 1) {
      const mouth = roads.deadEnds.mouths[roads.deadEnds.of[goal[i] as number] as number] as number;
      add(i, admission.becauseOf[i] as number, mouth, 'dead-end');
      continue;
    }
    const wanted = course.target[i] as number;
    if (wanted !== nobody && wanted !== end[i]) {
      add(i, holder[wanted] as number, wanted, 'occupied');
      continue;
    }
    const cell = nextTowards(roads.graph, fields[i] as Int32Array, end[i] as number);
    const claimant = course.claim[cell] as number;
    if (claimant !== nobody && claimant !== holder[cell]) add(i, claimant, cell, 'right-of-way');
    else add(i, holder[cell] as number, cell, 'occupied');
  }
  return waits.sort((a, b) => (a.agent < b.agent ? -1 : a.agent > b.agent ? 1 : 0));
}

function nextTowards(graph: RoadGraph, field: Int32Array, from: number): number {
  const stop = graph.offsets[from + 1] as number;
  for (let edge = graph.offsets[from] as number; edge < stop; edge++) {
    const cell = graph.targets[edge] as number;
    if (field[cell] === (field[from] as number) - 1) return cell;
  }
  return from;
}

/**
 * The frozen agent that cuts `i` off from its goal: the first on the way it would take if nobody were
 * frozen; on a way that is clear but would end in a trap, the first one met on the roads past the goal.
 */
function firstObstacle(cache: DistanceFields, scene: Scene, i: number): { agent: number; cell: number } {
  const { graph } = cache;
  const goal = scene.goal[i] as number;
  const field = cache.unhindered(goal);
  let at = scene.end[i] as number;
  if ((field[at] as number) < 0) return { agent: nobody, cell: goal };
  const frozenAt = (cell: number): boolean => {
    const there = scene.holder[cell] as number;
    return there !== nobody && scene.frozen[there] === 1;
  };
  while ((field[at] as number) > 0) {
    at = nextTowards(graph, field, at);
    if (frozenAt(at)) return { agent: scene.holder[at] as number, cell: at };
  }
  const seen = new Uint8Array(graph.cellCount);
  const queue = [goal];
  seen[goal] = 1;
  for (const cell of queue) {
    if (frozenAt(cell)) return { agent: scene.holder[cell] as number, cell };
    for (const next of graph.targets.subarray(graph.offsets[cell], graph.offsets[cell + 1])) {
      if (seen[next] === 0) queue.push(next);
      seen[next] = 1;
    }
  }
  return { agent: nobody, cell: goal };
}

function remember(scene: Scene): TrafficState {
  const members: TrafficMember[] = [];
  for (let i = 0; i < scene.count; i++) {
    members.push({
      id: scene.ids[i] as string,
      priority: scene.priority[i] as number,
      cell: scene.cell[i] as number,
      path: scene.paths[i] as number[],
      after: leaderName(scene, i),
      goal: scene.goal[i] as number,
      park: scene.park[i] as number,
      heading: scene.heading[i] as number,
    });
  }
  return { members };
}

function leaderName(scene: Scene, i: number): string | null {
  const leader = scene.after[i] as number;
  return leader === nobody ? null : (scene.ids[leader] as string);
}

function listGrants(scene: Scene, granted: Uint8Array): Grant[] {
  const grants: Grant[] = [];
  for (let i = 0; i < scene.count; i++) {
    if (granted[i] === 0 && scene.withdrawn[i] === 0) continue;
    grants.push({
      agent: scene.ids[i] as string,
      path: scene.paths[i] as number[],
      after: leaderName(scene, i),
    });
  }
  return grants;
}
