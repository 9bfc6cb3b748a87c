import type { OpenRoads } from './distance-fields.ts';
import type { TrafficAgent, TrafficMember, TrafficProblem, TrafficState } from './grant-moves.ts';
import { isOpen, type RoadGraph } from './road-graph.ts';

/**
 * One call of traffic in columns. Agents are numbered in the order of their ids, so that a smaller
 * number wins a tie. `nobody` (-1) stands for no agent, no cell, no goal.
 */
export type Scene = {
  readonly count: number;
  readonly ids: readonly string[];
  /** Where the body stands, or where it was last known to stand. */
  readonly cell: Int32Array;
  /** Cells granted and not yet reached, per agent. */
  readonly paths: number[][];
  /** Last cell an agent holds: the end of its path, else its own cell. */
  readonly end: Int32Array;
  /** The goal it was given, if it is a cell one can stand in and not yet reached. */
  readonly goal: Int32Array;
  /** Where it is to be led in this call: its goal, its parking place, or out of a dead end. */
  readonly aim: Int32Array;
  /** 2 with a goal to reach, 1 when bound for a dead end in use, 0 for those that only step aside and return. */
  readonly rank: Uint8Array;
  readonly priority: Int32Array;
  /** What counts in this call: its priority, or that of an agent for which it has to make room. */
  readonly weight: Int32Array;
  readonly horizon: Int32Array;
  /** The agent that is leaving the last cell of the path, nobody when the path is free. */
  readonly after: Int32Array;
  readonly park: Int32Array;
  /** Cell difference of the last step; a step with the same difference goes straight on. */
  readonly heading: Int32Array;
  /** 1 = gets no grant in this call: halted, in conflict, or off the grid. */
  readonly frozen: Uint8Array;
  /** 1 = stands with nothing granted at the start of this call and may be pushed. */
  readonly standing: Uint8Array;
  /** 1 = still moving into a cell that was withdrawn: it gets nothing until it stands again. */
  readonly returning: Uint8Array;
  /** Agent that holds each cell; bodies before paths. */
  readonly holder: Int32Array;
  readonly problems: TrafficProblem[];
  /** Cells that frozen agents hold. */
  readonly shut: readonly number[];
  /** 1 where the path was changed by what was reported, not by a grant. */
  readonly withdrawn: Uint8Array;
};

export const nobody = -1;

/** Reads the reports in the light of the state: who stands where, holds what, wants what. */
export function readScene(graph: RoadGraph, agents: readonly TrafficAgent[], state: TrafficState): Scene {
  const sorted = sortAgents(agents);
  const problems: TrafficProblem[] = [];
  const ids: string[] = [];
  const reports: TrafficAgent[] = [];
  for (const agent of sorted) {
    if (ids[ids.length - 1] === agent.id) {
      problems.push({ agent: agent.id, kind: 'duplicate', cell: agent.cell, other: null });
    } else {
      ids.push(agent.id);
      reports.push(agent);
    }
  }
  const count = ids.length;
  const column = (): Int32Array => new Int32Array(count).fill(nobody);
  const scene = {
    count,
    ids,
    cell: column(),
    paths: new Array<number[]>(count),
    end: column(),
    goal: column(),
    aim: column(),
    rank: new Uint8Array(count),
    priority: new Int32Array(count),
    weight: new Int32Array(count),
    horizon: new Int32Array(count),
    after: column(),
    park: column(),
    heading: new Int32Array(count),
    frozen: new Uint8Array(count),
    standing: new Uint8Array(count),
    returning: new Uint8Array(count),
    holder: new Int32Array(graph.cellCount).fill(nobody),
    problems,
    shut: [] as number[],
    withdrawn: new Uint8Array(count),
  };
  const members = matchMembers(ids, state.members);
  for (let i = 0; i < count; i++) placeAgent(graph, scene, i, reports[i] as TrafficAgent, members[i]);
  for (let i = 0; i < count; i++) recallPromise(scene, i, reports[i] as TrafficAgent, members[i]);
  holdCells(scene, reports);
  for (let i = 0; i < count; i++) {
    if (scene.frozen[i] === 1 && scene.cell[i] !== nobody) scene.shut.push(scene.cell[i] as number);
    if (scene.frozen[i] === 1) scene.shut.push(...(scene.paths[i] as number[]));
    else if ((scene.paths[i] as number[]).length === 0 && scene.returning[i] === 0) scene.standing[i] = 1;
  }
  return scene;
}

function sortAgents(agents: readonly TrafficAgent[]): readonly TrafficAgent[] {
  let ordered = true;
  for (let i = 1; i < agents.length && ordered; i++) {
    ordered = (agents[i - 1] as TrafficAgent).id < (agents[i] as TrafficAgent).id;
  }
  if (ordered) return agents;
  const rest = ({ cell, to, goal, halted, horizon, released }: TrafficAgent): string =>
    [cell, to, goal, halted, horizon, released === true].join();
  return [...agents].sort((a, b) => {
    if (a.id !== b.id) return a.id < b.id ? -1 : 1;
    return rest(a) < rest(b) ? -1 : 1;
  });
}

/** The member of each id; both lists are in order of id. */
function matchMembers(ids: readonly string[], members: readonly TrafficMember[]): (TrafficMember | undefined)[] {
  const found: (TrafficMember | undefined)[] = [];
  let at = 0;
  for (const id of ids) {
    while (at < members.length && (members[at] as TrafficMember).id < id) at++;
    const member = members[at];
    found.push(member !== undefined && member.id === id ? member : undefined);
  }
  return found;
}

/**
 * Keeps the promise of a cell that another is leaving as long as that other still leaves it. When it
 * does not, the promise is withdrawn: the follower cannot have entered, since the other has not left.
 */
function recallPromise(scene: Scene, i: number, report: TrafficAgent, member: TrafficMember | undefined): void {
  const path = scene.paths[i] as number[];
  const last = path[path.length - 1];
  if (member === undefined || member.after === null || last === undefined) return;
  if (last !== member.path[member.path.length - 1]) return;
  const leader = findId(scene.ids, member.after);
  if (leader === nobody || scene.cell[leader] !== last) return;
  scene.after[i] = leader;
  const leaves = (scene.paths[leader] as number[]).length > 0 && scene.frozen[leader] === 0;
  if (leaves) return;
  path.pop();
  if (path.length === 0 && report.to === last) scene.returning[i] = 1;
  scene.after[i] = nobody;
  scene.withdrawn[i] = 1;
  scene.end[i] = path.length > 0 ? (path[path.length - 1] as number) : (scene.cell[i] as number);
}

function findId(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] as string) < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id ? low : nobody;
}

function placeAgent(
  graph: RoadGraph,
  scene: Scene,
  i: number,
  report: TrafficAgent,
  member: TrafficMember | undefined,
): void {
  const onGrid = isOpen(graph, report.cell);
  const cell = onGrid ? report.cell : (member?.cell ?? nobody);
  if (!onGrid) scene.problems.push({ agent: report.id, kind: 'off-grid', cell: report.cell, other: null });
  const path = pathAfter(graph, scene, report, member, cell);
  const before = member?.path ?? [];
  const walked = before.indexOf(cell) + 1;
  scene.withdrawn[i] = path.length === before.length - walked && path.every((c, k) => c === before[walked + k]) ? 0 : 1;
  scene.cell[i] = cell;
  scene.paths[i] = path;
  scene.end[i] = path.length > 0 ? (path[path.length - 1] as number) : cell;
  scene.frozen[i] = report.halted || !onGrid ? 1 : 0;
  scene.horizon[i] = Math.max(1, Math.min(16, Math.floor(report.horizon) || 1));
  const moved = member !== undefined && member.cell !== cell && member.cell !== nobody;
  scene.heading[i] = moved ? lastStep(before, walked, member.cell, cell) : (member?.heading ?? 0);
  if (report.goal !== nobody && !isOpen(graph, report.goal)) {
    scene.problems.push({ agent: report.id, kind: 'bad-goal', cell: report.goal, other: null });
  } else {
    scene.goal[i] = report.goal === cell && path.length === 0 ? nobody : report.goal;
  }
  const wants = scene.goal[i] !== nobody;
  scene.rank[i] = wants ? 2 : 0;
  const arrived = member !== undefined && (member.goal === cell || before.slice(0, walked).includes(member.goal));
  const priority = member === undefined || arrived ? 0 : member.priority;
  scene.priority[i] = wants ? Math.min(1_073_741_824, priority + 1) : 0;
  scene.weight[i] = scene.priority[i] as number;
  if (!wants) scene.park[i] = member === undefined || member.park === nobody ? (scene.end[i] as number) : member.park;
  scene.aim[i] = wants ? (scene.goal[i] as number) : (scene.park[i] as number);
}

/** What is left of the path an agent holds, given where it reports to be. */
function pathAfter(
  graph: RoadGraph,
  scene: Scene,
  report: TrafficAgent,
  member: TrafficMember | undefined,
  cell: number,
): number[] {
  if (report.released === true) return [];
  const held = member?.path ?? [];
  let path: number[];
  const reached = held.indexOf(cell);
  if (reached >= 0) path = held.slice(reached + 1);
  else if (member === undefined || member.cell === cell) path = held.slice();
  else {
    path = [];
    if (held.length > 0) scene.problems.push({ agent: report.id, kind: 'left-path', cell, other: null });
  }
  const to = isOpen(graph, report.to) && report.to !== cell ? report.to : nobody;
  if (report.halted) path = path.slice(0, path.indexOf(to) + 1);
  return path;
}

function lastStep(before: readonly number[], walked: number, from: number, cell: number): number {
  return cell - (walked >= 2 ? (before[walked - 2] as number) : from);
}

function holdCells(scene: Scene, reports: readonly TrafficAgent[]): void {
  const { count, cell, holder, frozen, problems, ids, paths } = scene;
  const clash = (agent: number, other: number, at: number): void => {
    problems.push({ agent: ids[agent] as string, kind: 'conflict', cell: at, other: ids[other] as string });
    frozen[agent] = 1;
  };
  const bodies = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const at = cell[i] as number;
    if (at === nobody) continue;
    const other = holder[at] as number;
    if (other === nobody) holder[at] = i;
    else {
      if (!bodies.has(other)) clash(other, i, at);
      bodies.set(other, at);
      clash(i, other, at);
    }
  }
  for (let i = 0; i < count; i++) {
    for (const ahead of paths[i] as number[]) {
      const other = holder[ahead] as number;
      if (other === nobody) holder[ahead] = i;
      else if (other !== i && scene.after[i] !== other) {
        problems.push({ agent: ids[i] as string, kind: 'conflict', cell: ahead, other: ids[other] as string });
      }
    }
  }
  for (let i = 0; i < count; i++) holdMove(scene, i, (reports[i] as TrafficAgent).to);
}

/** A move that was never granted, or was withdrawn: its cell is held as long as nobody else has it. */
function holdMove(scene: Scene, i: number, to: number): void {
  const path = scene.paths[i] as number[];
  if (to === scene.cell[i] || path.includes(to) || !(to >= 0 && to < scene.holder.length)) return;
  scene.returning[i] = 1;
  const other = scene.holder[to] as number;
  if (other !== nobody) return;
  scene.holder[to] = i;
  scene.paths[i] = [to];
  scene.end[i] = to;
  scene.after[i] = nobody;
}

/** The distance field each agent is led by, and those whose aim cannot be reached at present. */
export function loadFields(scene: Scene, roads: OpenRoads): { fields: Int32Array[]; cutOff: Uint8Array } {
  const fields = new Array<Int32Array>(scene.count);
  const cutOff = new Uint8Array(scene.count);
  const none = new Int32Array(0);
  for (let i = 0; i < scene.count; i++) {
    fields[i] = none;
    const aim = scene.aim[i] as number;
    if (scene.frozen[i] === 1 || aim === nobody || aim === scene.end[i]) continue;
    const field = roads.toward(aim);
    if ((field[scene.end[i] as number] as number) >= 0) fields[i] = field;
    else {
      cutOff[i] = 1;
      scene.rank[i] = 0;
    }
  }
  return { fields, cutOff };
}
