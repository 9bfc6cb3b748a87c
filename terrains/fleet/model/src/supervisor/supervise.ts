import type { Json } from '@sigma/kernel';
import { DistanceFields, emptyTraffic, type Wait } from '@sigma/swarm';
import { type Ground, groundOf } from '../ground.ts';
import type { Site } from '../site/site.ts';
import { type AuctionDesk, assignTasks, previewTasks } from './assign.ts';
import { joinState, splitState } from './keep.ts';
import { freePlace, openMission, summarize } from './missions.ts';
import type {
  AgentMemory,
  AgentReport,
  Errand,
  MissionView,
  NewMission,
  PlannedTask,
  SupervisorInput,
  SupervisorOutput,
  SupervisorState,
  TaskView,
} from './port.ts';
import {
  cellOnWay,
  directTraffic,
  hasReleased,
  isHaltedLong,
  isStuck,
  nextPlan,
  nextStop,
  whyWait,
} from './traffic-desk.ts';

/** A robot that cannot work for this long loses its task to another. */
const REASSIGN_HALTED_US = 20_000_000;
const REASSIGN_UNLINKED_US = 10_000_000;
/** Below this charge a robot gives its task up and goes to charge; below the other it charges when it has nothing to do. */
const BATTERY_GIVES_UP = 0.15;
const BATTERY_CHARGES = 0.4;
/** A task that so many robots gave back or failed is given up. */
const MOST_TRIES = 4;

/** An action that failed is tried again after this long, and so many times at one stop. */
const RETRY_US = 3_000_000;
const MOST_FAILURES = 3;

/** A robot that asks for another plan after standing for so long before a cell it may enter has found it blocked. */
const BLOCKED_US = 8_000_000;
/** So long the others are led around; then somebody looks again. */
const AROUND_US = 30_000_000;

/** What the kernel says when the steps it was given are done. */
const FINISHED = 'the plan is finished';

/** A mission that found nobody is auctioned again after this long, or as soon as other robots are free. */
const AUCTION_AGAIN_US = 1_000_000;
/** Ended missions that are remembered, so that one sent twice is recognised. */
const ENDED_MISSIONS_KEPT = 100;

const TRAFFIC = 'traffic';
const UPKEEP = 'upkeep';

/** The supervisor of a fleet: missions to tasks to robots, and right of way between them. Pure. */
export interface FleetSupervisor {
  /** Raised whenever the state changes its shape: a hub that restarts drops what it cannot read. */
  readonly stateVersion: number;
  readonly initial: () => SupervisorState;
  /**
   * @param inputs in order of arrival
   * @param atUs the hub's time, microseconds, never backwards
   */
  readonly supervise: (
    state: SupervisorState,
    inputs: readonly SupervisorInput[],
    atUs: number,
  ) => { readonly state: SupervisorState; readonly outputs: readonly SupervisorOutput[] };
  /** What sending this mission now would do. Changes nothing. */
  readonly preview: (state: SupervisorState, mission: NewMission) => MissionPreview;
  readonly split: typeof splitState;
  readonly join: typeof joinState;
}

export interface MissionPreview {
  readonly tasks: readonly TaskView[];
  readonly seconds: number;
  readonly detail: string;
}

export function fleetSupervisor(site: Site): FleetSupervisor {
  const ground = groundOf(site);
  const desk: AuctionDesk = { ground, fields: new DistanceFields(ground.permitted), estimates: new WeakMap() };
  return {
    stateVersion: 3,
    initial: () => ({ agents: {}, missions: [], auctions: {}, traffic: emptyTraffic, obstacles: [], madeUp: 0 }),
    supervise: (state, inputs, atUs) => {
      const shift = new Shift(desk, state, atUs);
      for (const input of inputs) shift.hear(input);
      shift.work();
      return { state: shift.state(), outputs: shift.outputs };
    },
    preview: (state, mission) => {
      const agents = sorted(state.agents);
      return previewTasks(desk, openMission(ground, mission, agents), agents);
    },
    split: splitState,
    join: joinState,
  };
}

const isOpen = ({ status }: MissionView): boolean => status === 'queued' || status === 'active';

const sorted = (agents: Readonly<Record<string, AgentMemory>>): Map<string, AgentMemory> =>
  new Map(Object.entries(agents).sort(([a], [b]) => (a < b ? -1 : 1)));

/** One call's work on a copy of the state. Lives no longer than the call. */
class Shift {
  readonly outputs: SupervisorOutput[] = [];
  readonly #desk: AuctionDesk;
  readonly #ground: Ground;
  readonly #atUs: number;
  readonly #agents: Map<string, AgentMemory>;
  readonly #missions: Map<string, MissionView>;
  readonly #auctions: Record<string, SupervisorState['auctions'][string]>;
  readonly #changed = new Set<string>();
  #traffic: SupervisorState['traffic'];
  #obstacles: SupervisorState['obstacles'];
  #madeUp: number;

  constructor(desk: AuctionDesk, state: SupervisorState, atUs: number) {
    this.#desk = desk;
    this.#ground = desk.ground;
    this.#atUs = atUs;
    this.#agents = sorted(state.agents);
    this.#missions = new Map(state.missions.map((mission) => [mission.id, mission]));
    this.#auctions = { ...state.auctions };
    this.#traffic = state.traffic;
    this.#obstacles = state.obstacles.filter(({ untilUs }) => atUs < untilUs);
    this.#madeUp = state.madeUp;
  }

  state(): SupervisorState {
    const missions = [...this.#missions.values()];
    let spare = missions.filter((mission) => !isOpen(mission)).length - ENDED_MISSIONS_KEPT;
    const kept = spare > 0 ? missions.filter((mission) => isOpen(mission) || spare-- <= 0) : missions;
    const auctions = kept.flatMap(({ id, tasks }) => {
      const auction = tasks.some(({ status }) => status === 'waiting') ? this.#auctions[id] : undefined;
      return auction === undefined ? [] : [[id, auction] as const];
    });
    return {
      agents: Object.fromEntries(this.#agents),
      missions: kept,
      auctions: Object.fromEntries(auctions),
      traffic: this.#traffic,
      obstacles: this.#obstacles,
      madeUp: this.#madeUp,
    };
  }

  hear(input: SupervisorInput): void {
    switch (input.type) {
      case 'agent':
        this.#report(input);
        break;
      case 'task':
        this.#taskReport(input);
        break;
      case 'asked':
        this.#asked(input);
        break;
      case 'mission':
        if (this.#missions.has(input.mission.id)) break;
        this.#put(openMission(this.#ground, input.mission, this.#agents));
        break;
      case 'cancel':
        this.#cancelMission(input.missionId, input.reason);
        break;
      case 'tick':
        break;
    }
  }

  /** What follows from all that was heard: reassignment, assignment, upkeep, right of way. */
  work(): void {
    for (const id of this.#agents.keys()) this.#watch(id);
    this.#assign();
    this.#direct();
    for (const id of this.#changed) {
      const mission = this.#missions.get(id);
      if (mission !== undefined) this.outputs.push({ type: 'mission', mission });
    }
  }

  #put(mission: MissionView): void {
    this.#missions.set(mission.id, summarize(mission));
    this.#changed.add(mission.id);
  }

  #report(report: AgentReport): void {
    const before = this.#agents.get(report.agentId);
    const atUs = this.#atUs;
    const path = this.#pathOf(report.agentId);
    const memory: AgentMemory = {
      errand: null,
      planRevision: 0,
      told: null,
      asked: null,
      waitsFor: null,
      cell: -1,
      cellSinceUs: atUs,
      failures: 0,
      retryUs: 0,
      withdrawn: null,
      ...before,
      report,
      haltedUs: report.halted ? (before?.haltedUs ?? atUs) : null,
      unlinkedUs: report.linked ? null : (before?.unlinkedUs ?? atUs),
    };
    const cell = cellOnWay(this.#desk, memory, path);
    const moved = cell !== memory.cell;
    const planRevision = Math.max(memory.planRevision, report.planRevision);
    const next = { ...memory, planRevision, cell, cellSinceUs: moved || report.halted ? atUs : memory.cellSinceUs };
    this.#agents.set(report.agentId, this.#passStop(next));
  }

  /** A stop without action is made by standing in its cell; the last one ends with the task. */
  #passStop(memory: AgentMemory): AgentMemory {
    const { errand } = memory;
    const stop = nextStop(memory);
    if (errand === null || stop === null || stop.action !== null || stop.cell !== memory.cell) return memory;
    if (errand.next + 1 >= errand.stops.length) return memory;
    return { ...memory, errand: { ...errand, next: errand.next + 1 } };
  }

  #pathOf(agentId: string): readonly number[] {
    return this.#traffic.members.find(({ id }) => id === agentId)?.path ?? [];
  }

  #asked(input: Extract<SupervisorInput, { type: 'asked' }>): void {
    const memory = this.#agents.get(input.agentId);
    if (memory === undefined) return;
    const { errand, told } = memory;
    if (errand?.taskId !== input.taskId) {
      const reason = 'the supervisor does not know this task';
      this.outputs.push({ type: 'cancel_task', agentId: input.agentId, taskId: input.taskId, reason });
      return;
    }
    const stop = nextStop(memory);
    const acted = told !== null && told.action !== null && told.revision === input.planRevision;
    const finished = input.reason === FINISHED && acted && stop?.action?.name === told.action;
    if (finished) {
      const next = { ...errand, next: errand.next + 1 };
      this.#remember({ ...memory, errand: next, asked: input.reason, failures: 0 });
    } else if (acted) {
      this.#failed(memory, errand, input.reason);
    } else {
      if (input.reason !== FINISHED) this.#findObstacle(memory);
      this.#remember({ ...memory, asked: input.reason });
    }
  }

  /** Reality was not as expected: if the robot has stood before the next cell all the while, that cell is blocked. */
  #findObstacle({ report, cell, cellSinceUs }: AgentMemory): void {
    const cells = this.#pathOf(report.agentId);
    const next = cells[cells.indexOf(cell) + 1];
    const stands = Math.abs(report.speedMps) < 0.05 && this.#atUs - cellSinceUs > BLOCKED_US;
    if (next === undefined || !stands || report.halted) return;
    const others = this.#obstacles.filter((known) => known.cell !== next);
    this.#obstacles = [...others, { cell: next, foundBy: report.agentId, untilUs: this.#atUs + AROUND_US }];
  }

  /** An action failed: it is tried again after a while, and after some tries the task goes to another robot. */
  #failed(memory: AgentMemory, errand: Errand, reason: string): void {
    const failures = memory.failures + 1;
    const { agentId } = memory.report;
    if (failures < MOST_FAILURES) {
      this.#remember({ ...memory, failures, retryUs: this.#atUs + RETRY_US, told: null, asked: reason });
      return;
    }
    this.#recall(agentId, errand.taskId, reason);
    const mission = this.#missions.get(errand.missionId);
    const view = mission?.tasks.find(({ task }) => task.id === errand.taskId);
    if (mission !== undefined && view !== undefined)
      this.#put(this.#withTask(mission, giveBack(view, agentId, reason)));
  }

  #taskReport(input: Extract<SupervisorInput, { type: 'task' }>): void {
    const memory = this.#agents.get(input.agentId);
    const over =
      input.status === 'done' ||
      input.status === 'failed' ||
      input.status === 'cancelled' ||
      input.status === 'refused';
    if (memory !== undefined && over && memory.errand?.taskId === input.taskId) {
      this.#agents.set(input.agentId, { ...memory, errand: null, told: null, asked: null, failures: 0 });
    }
    for (const mission of this.#missions.values()) {
      const task = mission.tasks.find((view) => view.task.id === input.taskId && view.agentId === input.agentId);
      if (task === undefined || task.status === 'done' || task.status === 'cancelled') continue;
      this.#put(this.#withTask(mission, this.#afterReport(task, input)));
    }
  }

  /** A task that was refused or failed goes back to be given to another, until too many have tried. */
  #afterReport(view: TaskView, input: Extract<SupervisorInput, { type: 'task' }>): TaskView {
    const { status, detail, agentId } = input;
    if (status === 'done') return { ...view, status, progress: 1, detail };
    if (status === 'queued' || status === 'active') {
      return { ...view, status, progress: Math.max(view.progress, input.progress), detail };
    }
    return giveBack(view, agentId, detail === '' ? status : detail);
  }

  #withTask(mission: MissionView, view: TaskView): MissionView {
    return { ...mission, tasks: mission.tasks.map((other) => (other.task.id === view.task.id ? view : other)) };
  }

  #cancelMission(missionId: string, reason: string): void {
    const mission = this.#missions.get(missionId);
    if (mission === undefined || (mission.status !== 'queued' && mission.status !== 'active')) return;
    for (const view of mission.tasks) if (view.agentId !== null) this.#recall(view.agentId, view.task.id, reason);
    const tasks = mission.tasks.map((view) =>
      view.status === 'done' ? view : { ...view, status: 'cancelled' as const },
    );
    this.#put({ ...mission, tasks, status: 'cancelled', detail: reason });
  }

  /** Takes a task away from a robot. */
  #recall(agentId: string, taskId: string, reason: string): void {
    const memory = this.#agents.get(agentId);
    if (memory?.errand?.taskId !== taskId) return;
    this.#agents.set(agentId, { ...memory, errand: null, told: null, asked: null, failures: 0 });
    this.outputs.push({ type: 'cancel_task', agentId, taskId, reason });
  }

  /** Reassigns the task of a robot that dropped out, and sends an empty one to charge. */
  #watch(id: string): void {
    const memory = this.#agents.get(id);
    if (memory === undefined) return;
    const { report, errand } = memory;
    const reason = this.#dropOut(memory);
    if (errand !== null && reason !== null) {
      this.#recall(id, errand.taskId, reason);
      const mission = this.#missions.get(errand.missionId);
      const view = mission?.tasks.find(({ task }) => task.id === errand.taskId);
      if (mission !== undefined && view !== undefined) this.#put(this.#withTask(mission, giveBack(view, id, reason)));
    }
    const free = this.#agents.get(id)?.errand ?? null;
    const tired = report.battery < BATTERY_CHARGES && report.linked && !report.halted;
    if (free === null && tired && !this.#atCharger(memory)) this.#sendToCharge(id);
  }

  #dropOut(memory: AgentMemory): string | null {
    const { report, haltedUs, unlinkedUs, errand } = memory;
    if (unlinkedUs !== null && this.#atUs - unlinkedUs > REASSIGN_UNLINKED_US)
      return `${report.agentId} is out of reach`;
    if (haltedUs !== null && this.#atUs - haltedUs > REASSIGN_HALTED_US) return `${report.agentId} cannot move`;
    const charging = errand !== null && this.#missions.get(errand.missionId)?.createdBy === UPKEEP;
    if (report.battery < BATTERY_GIVES_UP && !charging && errand?.missionId !== TRAFFIC) {
      return `the battery of ${report.agentId} will not last`;
    }
    return null;
  }

  #atCharger(memory: AgentMemory): boolean {
    const { chargers, docks } = this.#ground.site;
    return chargers.some(({ cell }) => cell === memory.cell) || docks.some(({ cell }) => cell === memory.cell);
  }

  #sendToCharge(agentId: string): void {
    const dockId = freePlace(this.#ground, this.#agents, agentId);
    const waiting = [...this.#missions.values()].some(
      ({ createdBy, goal, status }) =>
        createdBy === UPKEEP &&
        goal.kind === 'dock' &&
        goal.agentId === agentId &&
        (status === 'queued' || status === 'active'),
    );
    if (dockId === null || waiting) return;
    const id = `charge-${agentId}-${++this.#madeUp}`;
    const mission: NewMission = {
      id,
      name: `Charge ${agentId}`,
      goal: { kind: 'dock', agentId, dockId },
      priority: 100,
      createdBy: UPKEEP,
    };
    this.#put(openMission(this.#ground, mission, this.#agents));
  }

  #assign(): void {
    const open = [...this.#missions.values()].filter(isOpen);
    const urgent = open.filter(({ tasks }) => tasks.some(({ status }) => status === 'waiting'));
    urgent.sort((a, b) => b.priority - a.priority);
    let bidders = this.#bidders();
    for (const mission of urgent) {
      const last = this.#auctions[mission.id];
      if (last !== undefined && last.bidders === bidders && this.#atUs - last.atUs < AUCTION_AGAIN_US) continue;
      this.#auctions[mission.id] = { bidders, atUs: this.#atUs };
      const offers = assignTasks(this.#desk, mission, this.#agents);
      for (const { view, agentId, errand, detail } of offers) {
        const present = this.#missions.get(mission.id) ?? mission;
        if (agentId === null || errand === null) {
          if (view.detail !== detail) this.#put(this.#withTask(present, { ...view, detail }));
          continue;
        }
        this.#send(agentId, view.task, errand);
        this.#put(this.#withTask(present, { ...view, agentId, status: 'queued', detail }));
        bidders = this.#bidders();
      }
    }
  }

  /** Who could take a task now: while they are the same, an auction held a moment ago would end the same. */
  #bidders(): string {
    const free = [...this.#agents.values()].filter(({ report, errand }) => {
      const able = report.linked && !report.halted && report.mode === 'automatic';
      return able && (errand === null || errand.missionId === TRAFFIC);
    });
    return free.map(({ report }) => report.agentId).join(' ');
  }

  /** Gives a robot its task; one that was only making way drops that. */
  #send(agentId: string, task: PlannedTask, errand: Errand): void {
    const present = this.#agents.get(agentId)?.errand ?? null;
    if (present !== null) this.#recall(agentId, present.taskId, 'work to do');
    const memory = this.#agents.get(agentId);
    if (memory === undefined) return;
    this.#agents.set(agentId, this.#passStop({ ...memory, errand, told: null, asked: null, cellSinceUs: this.#atUs }));
    this.outputs.push({ type: 'assign', agentId, task });
  }

  /** A round of right of way, and a plan for everyone to whom it brings something new. */
  #direct(): void {
    const { traffic, waits, after } = directTraffic(
      this.#desk,
      this.#traffic,
      this.#agents,
      this.#obstacles,
      this.#atUs,
    );
    this.#traffic = traffic;
    const paths = new Map(traffic.members.map((member) => [member.id, member.path]));
    for (const [id, before] of [...this.#agents]) {
      const path = paths.get(id) ?? [];
      const memory =
        hasReleased(before) && !before.report.halted ? { ...before, withdrawn: null, cellSinceUs: this.#atUs } : before;
      this.#agents.set(id, memory);
      this.#tellWait(id, memory, waits.get(id));
      if (memory.report.linked) this.#tellPlan(id, path, waits.get(id), after.get(id));
    }
  }

  #tellWait(id: string, memory: AgentMemory, wait: Wait | undefined): void {
    const waitsFor = wait === undefined ? null : (wait.blockedBy ?? whyWait(wait));
    if (waitsFor === memory.waitsFor) return;
    this.#agents.set(id, { ...memory, waitsFor });
    this.outputs.push({ type: 'waits', agentId: id, blockedBy: waitsFor });
  }

  #tellPlan(id: string, path: readonly number[], wait: Wait | undefined, after: string | undefined): void {
    let memory = this.#agents.get(id);
    if (memory === undefined) return;
    const ahead = path.slice(path.indexOf(memory.cell) + 1);
    if (memory.withdrawn !== null && memory.asked === null) return;
    if (ahead.length === 0) memory = this.#remember({ ...memory, cellSinceUs: this.#atUs });
    if (memory.errand === null && ahead.length > 0) {
      this.#makeWay(id, ahead);
      memory = this.#agents.get(id);
    }
    if (memory?.errand == null) return;
    const task = this.#taskOf(memory.errand);
    const blocked = this.#obstacles.some(({ cell }) => cell === ahead[0]);
    const stopped = isStuck(memory, ahead, this.#atUs) || isHaltedLong(memory, this.#atUs);
    const retract = blocked || stopped || memory.withdrawn !== null;
    const plan = nextPlan(this.#desk, memory, task, retract ? [] : path, { wait, after, atUs: this.#atUs });
    if (plan === null) return;
    this.#remember({ ...plan.memory, withdrawn: retract ? plan.memory.planRevision : null });
    this.outputs.push(plan.output);
  }

  #remember(memory: AgentMemory): AgentMemory {
    this.#agents.set(memory.report.agentId, memory);
    return memory;
  }

  #taskOf(errand: Errand): Pick<PlannedTask, 'id' | 'kind'> {
    const view = this.#missions.get(errand.missionId)?.tasks.find(({ task }) => task.id === errand.taskId);
    return view?.task ?? { id: errand.taskId, kind: 'make way' };
  }

  /** An idle robot that stands in somebody's way is given the task to step aside. */
  #makeWay(id: string, ahead: readonly number[]): void {
    const memory = this.#agents.get(id);
    const cell = ahead.at(-1);
    if (memory === undefined || cell === undefined) return;
    const { site } = this.#ground;
    const column = cell % site.width;
    const row = (cell - column) / site.width;
    const args: Json = {
      xM: (column + 0.5) * site.metresPerCell,
      yM: (site.height - 1 - row + 0.5) * site.metresPerCell,
    };
    const taskId = `way-${id}-${++this.#madeUp}`;
    const errand: Errand = { taskId, missionId: TRAFFIC, stops: [], next: 0 };
    this.#agents.set(id, { ...memory, errand, told: null, asked: null });
    this.outputs.push({
      type: 'assign',
      agentId: id,
      task: { id: taskId, missionId: TRAFFIC, kind: 'goto', args, priority: 0 },
    });
  }
}

/** Back to be given out again, or failed when too many have tried. */
function giveBack(view: TaskView, agentId: string, reason: string): TaskView {
  const history = [...view.history, { agentId, reason }];
  const over = history.length >= MOST_TRIES;
  const detail = `${agentId}: ${reason}`;
  return { ...view, agentId: over ? agentId : null, status: over ? 'failed' : 'waiting', history, detail };
}
