import { decompose } from '@sigma/swarm';
import type { Ground } from '../../ground.ts';
import { cellAt } from '../../site/site.ts';
import { zoneFromPolygon } from '../../site/zone.ts';
import type { AgentMemory, MissionGoal, MissionView, NewMission, PlannedTask, TaskView } from '../port.ts';

/** How near a robot must come to a cell, with a clear line of sight, for the cell to count as covered. */
export const SENSING_RADIUS_M = 3;
/** One robot for so many cells of a zone, when nobody says how many. */
const CELLS_PER_ROBOT = 120;

/** The mission as it begins: its tasks, or failed at once with the reason. */
export function openMission(
  ground: Ground,
  mission: NewMission,
  agents: ReadonlyMap<string, AgentMemory>,
): MissionView {
  const tasks = tasksOf(ground, mission, agents);
  if (typeof tasks === 'string') return { ...mission, status: 'failed', tasks: [], progress: 0, detail: tasks };
  const views: TaskView[] = tasks.map(({ task, agentId }) => ({
    task,
    agentId,
    status: 'waiting',
    progress: 0,
    detail: '',
    history: [],
  }));
  return { ...mission, status: 'queued', tasks: views, progress: 0, detail: 'waiting for robots' };
}

interface Share {
  readonly task: PlannedTask;
  /** The robot it must go to; null for any. */
  readonly agentId: string | null;
}

function tasksOf(
  ground: Ground,
  mission: NewMission,
  agents: ReadonlyMap<string, AgentMemory>,
): readonly Share[] | string {
  const { goal } = mission;
  const share = (kind: string, args: PlannedTask['args'], agentId: string | null, index = 1): Share => ({
    task: { id: `${mission.id}.${index}`, missionId: mission.id, kind, args, priority: mission.priority },
    agentId,
  });
  const unknown = 'agentId' in goal && goal.agentId !== null && !agents.has(goal.agentId);
  if (unknown) return `there is no robot '${goal.agentId}'; the fleet list has the names`;
  switch (goal.kind) {
    case 'cover':
      return coverShares(ground, goal, agents, (args, index) => share('cover', args, null, index));
    case 'patrol': {
      if (goal.points.length === 0) return 'a patrol needs at least one point';
      if (!(Number.isSafeInteger(goal.rounds) && goal.rounds >= 1)) return 'a patrol needs at least one round';
      for (const [i, point] of goal.points.entries()) {
        const wrong = offFloor(ground, point.xM, point.yM);
        if (wrong !== null) return `point ${i + 1} ${wrong}`;
      }
      const points = goal.points.map(({ xM, yM }) => ({ xM, yM }));
      return [share('patrol', { points, rounds: goal.rounds }, goal.agentId)];
    }
    case 'deliver': {
      for (const id of [goal.from, goal.to]) {
        if (!ground.stations.has(id))
          return `there is no station '${id}'; stations here: ${list([...ground.stations.keys()])}`;
      }
      if (goal.from === goal.to) return 'a delivery needs two different stations';
      if (goal.item === '') return 'a delivery needs an item';
      return [share('deliver', { from: goal.from, to: goal.to, item: goal.item }, goal.agentId)];
    }
    case 'dock': {
      const place = goal.dockId ?? freePlace(ground, agents, goal.agentId);
      if (place === null) return 'every dock and charger is taken';
      if (!ground.places.has(place)) return `there is no dock or charger '${place}'`;
      return [share('dock', { place }, goal.agentId)];
    }
  }
}

function offFloor(ground: Ground, xM: number, yM: number): string | null {
  const { site } = ground;
  const cell = cellAt(site, xM, yM);
  if (cell < 0)
    return `(${xM}, ${yM}) m is outside the site, which is ${site.width * site.metresPerCell} x ${site.height * site.metresPerCell} m`;
  if (site.blocked[cell] !== 0) return `(${xM}, ${yM}) m is inside a wall or shelf`;
  return ground.restricted[cell] === 0 ? null : `(${xM}, ${yM}) m is in a restricted zone`;
}

const list = (ids: readonly string[]): string =>
  ids.length > 8 ? `${ids.slice(0, 8).join(', ')} ...` : ids.join(', ');

function coverShares(
  ground: Ground,
  goal: Extract<MissionGoal, { kind: 'cover' }>,
  agents: ReadonlyMap<string, AgentMemory>,
  share: (args: PlannedTask['args'], index: number) => Share,
): readonly Share[] | string {
  const cells = cellsToCover(ground, goal);
  if (typeof cells === 'string') return cells;
  const able = [...agents.values()].filter(({ report }) => report.linked && !report.halted);
  const wanted = goal.robots > 0 ? goal.robots : Math.ceil(cells.length / CELLS_PER_ROBOT);
  const parts = Math.max(1, Math.min(wanted, able.length, cells.length));
  const split = decompose(ground.permitted, cells, [], parts);
  return split.parts
    .filter((part) => part.length > 0)
    .map((part, i) => share({ cells: [...part], sensingRadiusM: SENSING_RADIUS_M }, i + 1));
}

function cellsToCover(ground: Ground, goal: Extract<MissionGoal, { kind: 'cover' }>): readonly number[] | string {
  if (goal.zoneId !== null) {
    const zone = ground.site.zones.find(({ id }) => id === goal.zoneId);
    if (zone === undefined)
      return `there is no zone '${goal.zoneId}'; zones here: ${list(ground.site.zones.map(({ id }) => id))}`;
    return free(ground, zone.cells);
  }
  if (goal.polygon === null) return 'cover a zone or a polygon: neither was given';
  const outline = zoneFromPolygon(
    ground.site,
    goal.polygon.map(({ xM, yM }) => [xM, yM]),
  );
  return outline.ok ? free(ground, outline.cells) : outline.message;
}

function free(ground: Ground, cells: readonly number[]): readonly number[] | string {
  const open = cells.filter((cell) => ground.site.blocked[cell] === 0 && ground.restricted[cell] === 0);
  return open.length > 0 ? open : 'no robot may enter any cell of this zone';
}

/** The charger or dock nearest to the robot that nobody stands in or is sent to; chargers first. */
export function freePlace(ground: Ground, agents: ReadonlyMap<string, AgentMemory>, agentId: string): string | null {
  const taken = new Set<number>();
  for (const [id, memory] of agents) {
    if (id === agentId) continue;
    taken.add(memory.cell);
    for (const stop of memory.errand?.stops ?? []) taken.add(stop.cell);
  }
  const from = agents.get(agentId)?.cell ?? 0;
  const { width } = ground.site;
  const away = (cell: number): number =>
    Math.abs((cell % width) - (from % width)) + Math.abs(Math.floor(cell / width) - Math.floor(from / width));
  for (const places of [ground.site.chargers, ground.site.docks]) {
    let best: { id: string; away: number } | null = null;
    for (const place of places) {
      if (taken.has(place.cell)) continue;
      const far = away(place.cell);
      if (best === null || far < best.away) best = { id: place.id, away: far };
    }
    if (best !== null) return best.id;
  }
  return null;
}

/** Status, progress and a sentence from the tasks. */
export function summarize(mission: MissionView): MissionView {
  if (mission.status === 'failed' || mission.status === 'cancelled' || mission.tasks.length === 0) return mission;
  const { tasks } = mission;
  const sum = tasks.reduce((total, task) => total + (task.status === 'done' ? 1 : task.progress), 0);
  const progress = sum / tasks.length;
  const count = (status: TaskView['status']): number => tasks.filter((task) => task.status === status).length;
  const done = count('done');
  const failed = tasks.find((task) => task.status === 'failed');
  if (done === tasks.length) return { ...mission, status: 'done', progress: 1, detail: 'done' };
  const waiting = tasks.find((task) => task.status === 'waiting');
  if (failed !== undefined && count('active') + count('queued') + count('waiting') === 0) {
    return { ...mission, status: 'failed', progress, detail: failed.detail };
  }
  const working = count('active') + count('queued');
  const status = working > 0 || done > 0 ? 'active' : 'queued';
  const lack = waiting === undefined ? '' : `; ${count('waiting')} waiting: ${waiting.detail || 'no robot is free'}`;
  return { ...mission, status, progress, detail: `${done} of ${tasks.length} done, ${working} under way${lack}` };
}
