import { type AllocationAgent, type AllocationTask, allocate, type LegCosts } from '@sigma/swarm';
import { BODIES, type Body } from '../../bodies.ts';
import { DOCK, DRIVE, LOAD, UNLOAD } from '../../commands.ts';
import { triesOf } from '../board.ts';
import type { AgentMemory, Errand, MissionView, PlannedTask, Stop, TaskView } from '../port.ts';
import type { MissionPreview } from '../supervise.ts';
import type { TrafficDesk } from '../traffic/traffic-desk.ts';
import { stopsOf } from './errand.ts';
import { SENSING_RADIUS_M } from './missions.ts';

/** Charge that is never planned away, as a fraction. */
const RESERVE = 0.2;
/** Energy of driving a metre with nothing in the way, Wh: idle power and rolling at the usual speed. */
const WH_PER_M = 0.06;
/** Usual speed with stops and turns, for estimates. */
const PACE_MPS = 0.7;
/** Time and thus energy of an action at a stop, seconds. */
const ACTION_S = 14;

/** The traffic desk with what auctions remember of tasks. A cache: what it holds never changes an answer. */
export interface AuctionDesk extends TrafficDesk {
  readonly estimates: WeakMap<PlannedTask, Rough | string>;
}

/** What became of one waiting task: a robot with its errand, or nobody and why. */
export interface Offer {
  readonly view: TaskView;
  readonly agentId: string | null;
  readonly errand: Errand | null;
  readonly detail: string;
}

/** Auctions the waiting tasks of a mission among the robots that are free, and those that `spared` lets off their work. */
export function assignTasks(
  desk: AuctionDesk,
  mission: MissionView,
  agents: ReadonlyMap<string, AgentMemory>,
  spared: (memory: AgentMemory) => boolean = nobody,
): readonly Offer[] {
  const waiting = mission.tasks.filter(({ status }) => status === 'waiting');
  const routes = new Map(waiting.map((view) => [view.task.id, estimate(desk, view.task)]));
  const broken = waiting.flatMap((view): Offer[] => {
    const route = routes.get(view.task.id);
    return typeof route === 'string' ? [{ view, agentId: null, errand: null, detail: route }] : [];
  });
  const open = waiting.filter((view) => typeof routes.get(view.task.id) !== 'string');
  if (open.length === 0) return broken;
  const legs = costs(desk, open, routes as ReadonlyMap<string, Rough>, agents);
  const bidders = [...agents.values()].map((memory) =>
    spared(memory) ? { ...bidderOf(memory), busy: false } : bidderOf(memory),
  );
  const allocation = allocate(open.map(taskOf), bidders, legs, { objective: 'longest' });
  const takers = new Map(allocation.plans.flatMap(({ agent, tasks }) => tasks.map((task) => [task, agent])));
  const reasons = new Map(allocation.unallocated.map((task) => [task.task, task.reasons]));
  return [
    ...broken,
    ...open.map((view) => offer(desk, view, takers.get(view.task.id), reasons.get(view.task.id), agents)),
  ];
}

const nobody = (): boolean => false;

function offer(
  desk: TrafficDesk,
  view: TaskView,
  taker: string | undefined,
  reasons: readonly { readonly agent: string; readonly reason: string }[] | undefined,
  agents: ReadonlyMap<string, AgentMemory>,
): Offer {
  const memory = taker === undefined ? undefined : agents.get(taker);
  if (taker === undefined || memory === undefined) {
    return { view, agentId: null, errand: null, detail: sumUp(view, reasons ?? []) };
  }
  const stops = stopsOf(desk.ground, view.task, memory.cell);
  if (typeof stops === 'string') return { view, agentId: null, errand: null, detail: stops };
  const errand: Errand = { taskId: view.task.id, missionId: view.task.missionId, stops, next: 0 };
  return { view, agentId: taker, errand, detail: `given to ${taker}` };
}

const WORDS: Readonly<Record<string, string>> = {
  halted: 'cannot move',
  no_capability: 'cannot do it',
  busy: 'busy',
  unreachable: 'cannot get there or tried before',
  battery: 'without enough charge',
};

/** "12 busy, 3 cannot move" in place of forty lines. */
function sumUp(view: TaskView, reasons: readonly { readonly reason: string }[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const words = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, count]) => `${count} ${WORDS[reason] ?? reason}`);
  const only = view.agentId === null ? '' : `only ${view.agentId} may do it; `;
  return words.length === 0 ? 'there are no robots' : `${only}${words.join(', ')}`;
}

/** Where a task begins and ends, and how much there is to do in between. */
export interface Rough {
  readonly first: number;
  readonly last: number;
  readonly workM: number;
  readonly workS: number;
}

function estimate(desk: AuctionDesk, task: PlannedTask): Rough | string {
  const known = desk.estimates.get(task);
  if (known !== undefined) return known;
  const found = roughly(desk, task);
  desk.estimates.set(task, found);
  return found;
}

/** For cover the route depends on who drives it; its first cell and its area are enough to choose. */
function roughly(desk: TrafficDesk, task: PlannedTask): Rough | string {
  const { site } = desk.ground;
  if (task.kind === 'cover') {
    const { cells } = task.args as { readonly cells: readonly number[] };
    const first = cells[0];
    if (first === undefined) return 'there is nothing to cover';
    const workM = (cells.length * site.metresPerCell * site.metresPerCell) / SENSING_RADIUS_M;
    return { first, last: cells.at(-1) ?? first, workM, workS: 0 };
  }
  const stops = stopsOf(desk.ground, task, 0);
  if (typeof stops === 'string') return stops;
  const first = stops[0] as Stop;
  const last = stops.at(-1) as Stop;
  return { first: first.cell, last: last.cell, workM: lengthOf(desk, stops), workS: actionsOf(stops) * ACTION_S };
}

const actionsOf = (stops: readonly Stop[]): number => stops.filter(({ action }) => action !== null).length;

/** Metres along the roads from stop to stop; Infinity where one cannot be reached from the one before. */
function lengthOf(desk: TrafficDesk, stops: readonly Stop[]): number {
  let cells = 0;
  for (let i = 1; i < stops.length; i++) {
    const steps = desk.fields.to((stops[i] as Stop).cell)[(stops[i - 1] as Stop).cell] as number;
    if (steps < 0) return Number.POSITIVE_INFINITY;
    cells += steps;
  }
  return cells * desk.ground.site.metresPerCell;
}

function metres(desk: TrafficDesk, from: number, to: number): number {
  const steps = from < 0 ? -1 : (desk.fields.to(to)[from] as number);
  return steps < 0 ? Number.POSITIVE_INFINITY : steps * desk.ground.site.metresPerCell;
}

function costs(
  desk: TrafficDesk,
  views: readonly TaskView[],
  routes: ReadonlyMap<string, Rough>,
  agents: ReadonlyMap<string, AgentMemory>,
): LegCosts {
  const triedBy = new Map(views.map((view) => [view.task.id, new Set(triesOf(view).map(({ agentId }) => agentId))]));
  const travel = (agent: string, before: string | null, task: string): number => {
    const route = routes.get(task) as Rough;
    if (triedBy.get(task)?.has(agent) === true) return Number.POSITIVE_INFINITY;
    const from = before === null ? (agents.get(agent)?.cell ?? -1) : (routes.get(before) as Rough).last;
    return metres(desk, from, route.first) + route.workM + route.workS * PACE_MPS;
  };
  return {
    travel,
    energy: (agent, before, task) => (travel(agent, before, task) * WH_PER_M) / bodyOf(agents.get(agent)).batteryWh,
  };
}

const bodyOf = (memory: AgentMemory | undefined): Body =>
  memory?.report.body === 'carrier' ? BODIES.carrier : BODIES.humanoid;

/** What a body must be able to do for each kind of task, in the words of its actuators. */
const SKILLS: Readonly<Record<string, readonly string[]>> = {
  goto: [DRIVE],
  cover: [DRIVE],
  patrol: [DRIVE],
  deliver: [DRIVE, LOAD, UNLOAD],
  dock: [DRIVE, DOCK],
};

const taskOf = (view: TaskView): AllocationTask => ({
  id: view.task.id,
  needs: [...(SKILLS[view.task.kind] ?? [view.task.kind]), ...(view.agentId === null ? [] : [`is:${view.agentId}`])],
  priority: view.task.priority,
});

/** Auctions of one round ask for the same bidders again and again. */
const knownBidders = new WeakMap<AgentMemory, AllocationAgent>();

function bidderOf(memory: AgentMemory): AllocationAgent {
  const known = knownBidders.get(memory);
  if (known !== undefined) return known;
  const found = bidder(memory);
  knownBidders.set(memory, found);
  return found;
}

function bidder(memory: AgentMemory): AllocationAgent {
  const { report, errand } = memory;
  const charging = report.battery < RESERVE;
  return {
    id: report.agentId,
    abilities: [...report.capabilities, `is:${report.agentId}`],
    capacity: 1,
    energyLeft: charging ? RESERVE : report.battery - RESERVE / 2,
    halted: report.halted || !report.linked || report.mode !== 'automatic',
    busy: errand !== null && errand.missionId !== 'traffic',
  };
}

/** Who would do a mission, and how long the longest share would take. */
export function previewTasks(
  desk: AuctionDesk,
  mission: MissionView,
  agents: ReadonlyMap<string, AgentMemory>,
): MissionPreview {
  if (mission.status === 'failed') return { tasks: [], seconds: 0, detail: mission.detail };
  const offers = assignTasks(desk, mission, agents);
  let seconds = 0;
  const tasks = offers.map(({ view, agentId, errand, detail }): TaskView => {
    if (errand !== null && agentId !== null)
      seconds = Math.max(seconds, secondsOf(desk, errand, agents.get(agentId)?.cell ?? -1));
    return { ...view, agentId, detail };
  });
  const taken = tasks.filter(({ agentId }) => agentId !== null).length;
  return { tasks, seconds, detail: `${taken} of ${tasks.length} shares have a robot` };
}

function secondsOf(desk: TrafficDesk, errand: Errand, from: number): number {
  const first = errand.stops[0];
  if (first === undefined) return 0;
  const way = metres(desk, from, first.cell) + lengthOf(desk, errand.stops);
  return way / PACE_MPS + actionsOf(errand.stops) * ACTION_S;
}
