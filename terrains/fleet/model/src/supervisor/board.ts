import type { AuctionDesk } from './assignment/assign.ts';
import { openMission, summarize } from './assignment/missions.ts';
import type {
  AgentMemory,
  DrawnFence,
  Errand,
  MissionView,
  NewMission,
  SupervisorOutput,
  SupervisorState,
  TaskHolder,
  TaskView,
} from './port.ts';
import { nextStop } from './traffic/traffic-desk.ts';

/** Ended missions that are remembered, so that one sent twice is recognised. */
const ENDED_MISSIONS_KEPT = 100;
/** A task that so many robots gave back or failed is given up. */
const MOST_TRIES = 4;

/** The mission that errands to make way belong to. */
export const TRAFFIC = 'traffic';
/** Who creates missions to charge. */
export const UPKEEP = 'upkeep';

type DeskFor = (fences: readonly DrawnFence[]) => AuctionDesk;

export const isOpen = ({ status }: MissionView): boolean => status === 'queued' || status === 'active';

/**
 * What the supervisor has before it during one call: a copy of its state that its rooms write on in turn, and what they
 * want said. Lives no longer than the call.
 */
export class Board {
  readonly outputs: SupervisorOutput[] = [];
  readonly atUs: number;
  /** In order of id. */
  readonly agents: Map<string, AgentMemory>;
  /** In order of arrival. */
  readonly missions: Map<string, MissionView>;
  readonly auctions: Record<string, SupervisorState['auctions'][string]>;
  obstacles: SupervisorState['obstacles'];
  readonly #changed = new Set<string>();
  readonly #deskFor: DeskFor;
  #desk: AuctionDesk;
  #fences: readonly DrawnFence[];
  #traffic: SupervisorState['traffic'];
  #paths: ReadonlyMap<string, readonly number[]> | null = null;
  #madeUp: number;

  constructor(deskFor: DeskFor, state: SupervisorState, atUs: number) {
    this.#deskFor = deskFor;
    this.#fences = state.fences;
    this.#desk = deskFor(state.fences);
    this.atUs = atUs;
    this.agents = sorted(state.agents);
    this.missions = new Map(state.missions.map((mission) => [mission.id, mission]));
    this.auctions = { ...state.auctions };
    this.#traffic = state.traffic;
    this.obstacles = state.obstacles.filter(({ untilUs }) => atUs < untilUs);
    this.#madeUp = state.madeUp;
  }

  /** What is to be remembered of it. */
  state(): SupervisorState {
    const missions = [...this.missions.values()];
    let spare = missions.filter((mission) => !isOpen(mission)).length - ENDED_MISSIONS_KEPT;
    const kept = spare > 0 ? missions.filter((mission) => isOpen(mission) || spare-- <= 0) : missions;
    const auctions: Record<string, SupervisorState['auctions'][string]> = {};
    for (const { id, tasks } of kept) {
      const auction = this.auctions[id];
      if (auction !== undefined && tasks.some(({ status }) => status === 'waiting')) auctions[id] = auction;
    }
    return {
      agents: Object.fromEntries(this.agents),
      missions: kept,
      auctions,
      traffic: this.#traffic,
      obstacles: this.obstacles,
      fences: this.#fences,
      madeUp: this.#madeUp,
    };
  }

  /** The ground as it is drawn on now, and what is known of the ways on it. */
  get desk(): AuctionDesk {
    return this.#desk;
  }

  set fences(fences: readonly DrawnFence[]) {
    this.#fences = fences;
    this.#desk = this.#deskFor(fences);
  }

  get traffic(): SupervisorState['traffic'] {
    return this.#traffic;
  }

  set traffic(traffic: SupervisorState['traffic']) {
    this.#traffic = traffic;
    this.#paths = null;
  }

  /** The cells an agent was granted and has not reached. */
  pathOf(agentId: string): readonly number[] {
    this.#paths ??= new Map(this.#traffic.members.map((member) => [member.id, member.path]));
    return this.#paths.get(agentId) ?? [];
  }

  remember(memory: AgentMemory): AgentMemory {
    this.agents.set(memory.report.agentId, memory);
    return memory;
  }

  /** A number for a task or mission that the supervisor makes up. */
  newNumber(): number {
    return ++this.#madeUp;
  }

  open(mission: NewMission): void {
    this.put(openMission(this.desk.ground, mission, this.agents));
  }

  put(mission: MissionView): void {
    this.missions.set(mission.id, summarize(mission));
    this.#changed.add(mission.id);
  }

  putTask(missionId: string, view: TaskView): void {
    const mission = this.missions.get(missionId);
    if (mission === undefined) return;
    const tasks = mission.tasks.map((other) => (other.task.id === view.task.id ? view : other));
    this.put({ ...mission, tasks });
  }

  taskOf({ missionId, taskId }: Errand): TaskView | undefined {
    return this.missions.get(missionId)?.tasks.find(({ task }) => task.id === taskId);
  }

  /** Takes a task away from a robot, if it has it. */
  recall(agentId: string, taskId: string, reason: string): void {
    const memory = this.agents.get(agentId);
    if (memory?.errand?.taskId !== taskId) return;
    this.remember({ ...memory, errand: null, told: null, asked: null, failures: 0 });
    this.outputs.push({ type: 'cancel_task', agentId, taskId, reason });
  }

  /** Takes a task away from a robot that could not do it, to be given to another. */
  giveBack(agentId: string, errand: Errand, reason: string): void {
    this.recall(agentId, errand.taskId, reason);
    const view = this.taskOf(errand);
    if (view !== undefined) this.putTask(errand.missionId, givenBack(view, agentId, reason, this.atUs));
  }

  /** What changed of missions is said last, once for each. */
  tellMissions(): void {
    for (const id of this.#changed) {
      const mission = this.missions.get(id);
      if (mission !== undefined) this.outputs.push({ type: 'mission', mission });
    }
  }
}

/** The agents in order of id, which is how a state holds them but for those heard of for the first time. */
export function sorted(agents: Readonly<Record<string, AgentMemory>>): Map<string, AgentMemory> {
  const entries = Object.entries(agents);
  for (let i = 1; i < entries.length; i++) {
    if ((entries[i - 1] as [string, AgentMemory])[0] < (entries[i] as [string, AgentMemory])[0]) continue;
    return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return new Map(entries);
}

/** Back to be given out again, or failed when too many have tried. */
export function givenBack(view: TaskView, agentId: string, reason: string, atUs: number): TaskView {
  const left = handedOver(view, { agentId, reason }, atUs);
  const over = triesOf(left).length >= MOST_TRIES;
  const detail = `${agentId}: ${reason}`;
  return { ...left, agentId: over ? agentId : null, status: over ? 'failed' : 'waiting', detail };
}

/** The task without its robot, which stands in its history from now on. */
export function handedOver(view: TaskView, holder: TaskHolder, atUs: number): TaskView {
  const { sinceUs, untilUs: _, ...rest } = view;
  const held = sinceUs === undefined ? { untilUs: atUs } : { sinceUs, untilUs: atUs };
  return { ...rest, history: [...view.history, { ...holder, ...held }] };
}

/** Who tried it and could not: not those that were taken from it for something more urgent. */
export const triesOf = ({ history }: TaskView): readonly TaskHolder[] =>
  history.filter(({ gaveWay }) => gaveWay !== true);

/** A stop without action is made by standing in its cell; the last one ends with the task. */
export function passStop(memory: AgentMemory): AgentMemory {
  const { errand } = memory;
  const stop = nextStop(memory);
  if (errand === null || stop === null || stop.action !== null || stop.cell !== memory.cell) return memory;
  if (errand.next + 1 >= errand.stops.length) return memory;
  return { ...memory, errand: { ...errand, next: errand.next + 1 } };
}
