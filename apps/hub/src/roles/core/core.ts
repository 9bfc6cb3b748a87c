import { fromBinary } from '@bufbuild/protobuf';
import type { Bus } from '@sigma/bus';
import { type AgentEvent, AgentEventSchema, type AgentStatus, PlanAskedSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import { type LiveAgent, LiveFleet } from '../../live/live-fleet.ts';
import { about, all, openedMessage, packed, type Topic, tell, unpacked } from '../../subjects.ts';
import { decodeParts } from './kept-parts.ts';
import { PlannerMemory, type PlannerStore } from './planner-memory.ts';
import type {
  AgentReport,
  MetricPoint,
  MissionPreview,
  NewMission,
  PlanBasis,
  ReportedTaskStatus,
  Supervisor,
  SupervisorInput,
  SupervisorOutput,
} from './supervisor.ts';

/** What people want of core. */
export type MissionWish =
  | { readonly type: 'mission'; readonly mission: NewMission }
  | Extract<SupervisorInput, { readonly type: 'cancel' | 'priority' | 'fences' }>;

const TICK_US = 100_000;
/**
 * A supervision that takes longer than this leaves as much time again to everyone else, and what comes meanwhile is one
 * batch: a supervisor at its limit must not starve links, record and database of the process they share.
 */
const DEAR_US = 4_000;
const MOST_PAUSE_US = 25_000;
/** What agents report is kept anew this often: after a restart each is heard again before anything else. */
const REPORTS_KEPT_US = 1_000_000;
/** Keys of kept parts: of the supervisor's own, and of reports. */
const OWN = 'own ';
const REPORT = 'report ';
const TASKS_REMEMBERED = 20_000;
const ENDED = new Set(['done', 'failed', 'cancelled', 'refused']);
/** A task that has come on by less is no news. */
const PROGRESS_STEP = 0.01;
const REPORTED = new Set<string>(['queued', 'active', 'done', 'failed', 'cancelled', 'refused']);

/**
 * F3 and F4: hosts the supervisor. Ticks at 10 Hz, and at once when a planner is asked, a task or a plan has moved on, or
 * an agent stopped or came and went. What arrives in one turn of the event loop is one batch of inputs.
 */
export class Core {
  /** Supervisions run, for health. */
  supervisions = 0;
  readonly fleet: LiveFleet;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #supervisor: Supervisor;
  readonly #changed = new Set<string>();
  readonly #told = new Map<string, string>();
  /** What was last heard of each task. */
  readonly #tasks = new Map<string, { readonly status: string; readonly progress: number }>();
  /** What each agent had folded when it last asked; its telemetry may lag behind. */
  readonly #askedOn = new Map<string, PlanBasis>();
  readonly #end: () => void;
  readonly #planners: PlannerStore | null;
  readonly #memory: PlannerMemory | null;
  readonly #version: string;
  /** The last report of each agent, kept with the state. */
  readonly #reports = new Map<string, AgentReport>();
  #keptReports = new Map<string, AgentReport>();
  #keptReportsUs = 0;
  #state: unknown;
  #inputs: SupervisorInput[] = [];
  #soon = false;
  /** What the last supervision took. */
  #costUs = 0;

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly supervisor: Supervisor;
    /** Where the supervisor's state rests between starts; without it each start begins anew. */
    readonly planners?: PlannerStore;
    /** What the state is about: a state of another site is not taken up. */
    readonly siteDigest?: string;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#supervisor = options.supervisor;
    this.#state = this.#supervisor.initial();
    this.#version = `parts ${this.#supervisor.stateVersion ?? 0} ${Object.keys(this.#state as object).sort()} ${options.siteDigest ?? ''}`;
    this.#planners = options.planners ?? null;
    this.#memory =
      this.#planners === null
        ? null
        : new PlannerMemory({
            store: this.#planners,
            clock: this.#clock,
            version: this.#version,
            parts: () => this.#parts(),
            say: (output) => this.#say(output),
          });
    this.fleet = new LiveFleet(this.#bus, this.#tenant, 'core');
    this.fleet.onChange((agent, topic) => this.#heard(agent, topic));
    const { bus, tenant } = options;
    bus.subscribe(all(tenant, 'asked'), (message) => this.#asked(message.data), { name: 'core.asked' });
    bus.subscribe(all(tenant, 'event'), (message) => this.#event(openedMessage(AgentEventSchema, message.data)), {
      name: 'core.event',
    });
    bus.subscribe(all(tenant, 'wish'), (message) => this.#now(unpacked<MissionWish>(message.data)), {
      name: 'core.wish',
    });
    this.#end = this.#clock.every(TICK_US, () => this.#supervise([{ type: 'tick' }]));
  }

  /** Who would do it, and how long it would take. */
  preview(mission: NewMission): MissionPreview {
    return this.#supervisor.preview(this.#state, mission);
  }

  /** What is wrong with an area that a person drew; null: nothing. */
  areaFault(points: readonly MetricPoint[]): string | null {
    return this.#supervisor.areaFault?.(points) ?? null;
  }

  /** Why the supervisor's state cannot be kept at present, or null. */
  get forgetful(): Error | null {
    return this.#memory?.failure ?? null;
  }

  /**
   * Takes up the state of before. Every robot counts as out of reach until it is heard again, which it is within the time
   * that its task waits for it; what it then says of its task and plan goes on from there.
   * @returns why the state was left behind, or null
   */
  async restore(): Promise<string | null> {
    const kept = (await this.#planners?.load()) ?? null;
    if (kept === null) return null;
    if (kept.version !== this.#version) return `it was kept by '${kept.version}', and this is '${this.#version}'`;
    try {
      const { state, reports } = this.#joined(kept.parts);
      const away = [...reports.values()].map((report) => ({ ...report, linked: false }));
      const after = this.#supervisor.supervise(state, away, this.#clock.nowUs());
      for (const report of away) this.#reports.set(report.agentId, report);
      this.#state = after.state;
      this.#tell(after.outputs);
      return null;
    } catch (error) {
      return `the supervisor cannot read it (${(error as Error).message})`;
    }
  }

  /** All that has to be kept: the supervisor's parts, and what the agents reported last or a moment ago. */
  #parts(): ReadonlyMap<string, unknown> {
    const parts = new Map<string, unknown>();
    const own = this.#supervisor.split?.(this.#state) ?? new Map([['state', this.#state]]);
    for (const [key, part] of own) parts.set(OWN + key, part);
    const nowUs = this.#clock.nowUs();
    const all = this.#keptReports.size === this.#reports.size;
    if (!all || nowUs - this.#keptReportsUs >= REPORTS_KEPT_US) {
      this.#keptReports = new Map(this.#reports);
      this.#keptReportsUs = nowUs;
    }
    for (const [agentId, report] of this.#keptReports) parts.set(REPORT + agentId, report);
    return parts;
  }

  #joined(texts: ReadonlyMap<string, string>) {
    const parts = decodeParts(texts);
    const under = (prefix: string): Map<string, unknown> =>
      new Map([...parts].flatMap(([key, part]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), part]] : [])));
    const own = under(OWN);
    const reports = under(REPORT) as Map<string, AgentReport>;
    const { join } = this.#supervisor;
    return { state: join === undefined ? own.get('state') : join(own, reports), reports };
  }

  async close(): Promise<void> {
    this.#end();
    await this.#memory?.close();
  }

  #heard(agent: LiveAgent, topic: Topic): void {
    if (topic === 'decision' || topic === 'wanted') return;
    this.#changed.add(agent.agentId);
    if (topic === 'status' && agent.status !== null) this.#taskOf(agent.status);
    const { status, pose, link } = agent;
    const stands = [
      link.linked,
      link.epoch,
      pose !== null,
      status?.stop,
      status?.mode,
      status?.chain,
      status?.failsafe,
      status?.taskId,
      status?.taskStatus,
      status?.planRevision,
      status?.planCursor,
    ].join(' ');
    if (this.#told.get(agent.agentId) === stands) return;
    this.#told.set(agent.agentId, stands);
    this.#now(null);
  }

  /**
   * Task news comes as events; a status that was heard first says the same once, and how far the task has come. One that
   * comes late reopens nothing.
   */
  #taskOf(status: AgentStatus): void {
    const known = this.#tasks.get(`${status.agentId} ${status.taskId}`);
    if (status.taskId === '' || (known !== undefined && ENDED.has(known.status))) return;
    this.#task(status.agentId, status.taskId, status.taskStatus, '', status.taskProgress);
  }

  #task(agentId: string, taskId: string, status: string, detail: string, told: number): void {
    const progress = told > 0 ? Math.min(1, told) : 0;
    const known = this.#tasks.get(`${agentId} ${taskId}`);
    const cameOn = progress >= (known?.progress ?? 0) + PROGRESS_STEP;
    if (!REPORTED.has(status) || (known?.status === status && !cameOn)) return;
    this.#tasks.set(`${agentId} ${taskId}`, { status, progress });
    if (this.#tasks.size > TASKS_REMEMBERED) this.#tasks.delete(this.#tasks.keys().next().value as string);
    this.#now({ type: 'task', agentId, taskId, status: status as ReportedTaskStatus, detail, progress });
  }

  #event(event: AgentEvent): void {
    if (event.signal?.name !== 'task') return;
    const body = JSON.parse(event.signal.bodyJson) as {
      taskId?: unknown;
      status?: unknown;
      reason?: unknown;
      progress?: unknown;
    };
    if (typeof body.taskId !== 'string' || typeof body.status !== 'string') return;
    const progress = typeof body.progress === 'number' ? body.progress : 0;
    this.#task(event.agentId, body.taskId, body.status, String(body.reason ?? ''), progress);
  }

  #asked(data: Uint8Array): void {
    const asked = fromBinary(PlanAskedSchema, data);
    const basis =
      asked.basis === undefined ? null : { epoch: asked.basis.epoch, inputSequence: Number(asked.basis.inputSequence) };
    if (basis !== null) this.#askedOn.set(asked.agentId, basis);
    this.#changed.add(asked.agentId);
    this.#now({
      type: 'asked',
      agentId: asked.agentId,
      taskId: asked.task?.id ?? '',
      reason: asked.reason,
      basis,
      planRevision: Number(asked.planRevision),
    });
  }

  #now(input: SupervisorInput | null): void {
    if (input !== null) this.#inputs.push(input);
    if (this.#soon) return;
    this.#soon = true;
    const run = (): void => {
      this.#soon = false;
      if (this.#inputs.length > 0 || this.#changed.size > 0) this.#supervise([]);
    };
    if (this.#costUs < DEAR_US) this.#clock.soon(run);
    else this.#clock.after(Math.min(this.#costUs, MOST_PAUSE_US), run);
  }

  #supervise(last: readonly SupervisorInput[]): void {
    const reports: AgentReport[] = [];
    for (const agentId of this.#changed) {
      const report = reportOf(this.fleet.agents.get(agentId));
      if (report === null) continue;
      const heard = { ...report, basis: newer(report.basis, this.#askedOn.get(agentId) ?? null) };
      this.#reports.set(agentId, heard);
      reports.push(heard);
    }
    this.#changed.clear();
    const inputs = [...reports, ...this.#inputs, ...last];
    this.#inputs = [];
    this.supervisions++;
    const startUs = this.#clock.nowUs();
    const { state, outputs } = this.#supervisor.supervise(this.#state, inputs, startUs);
    this.#state = state;
    this.#costUs = this.#clock.nowUs() - startUs;
    this.#tell(outputs);
  }

  #tell(outputs: readonly SupervisorOutput[]): void {
    if (this.#memory !== null) this.#memory.take(outputs);
    else for (const output of outputs) this.#say(output);
  }

  #say(output: SupervisorOutput): void {
    if (output.type === 'mission') {
      tell(this.#bus, about(this.#tenant, 'mission', output.mission.id), packed(output.mission), 'command');
    } else {
      tell(this.#bus, about(this.#tenant, 'wanted', output.agentId), packed(output), 'command');
    }
  }
}

/** What the supervisor may know of an agent; null until its position is known, or for what no edge drives. */
function reportOf(agent: LiveAgent | undefined): AgentReport | null {
  if (agent === undefined || agent.pose === null || agent.link.role === 'feed') return null;
  const { link, pose, status } = agent;
  return {
    type: 'agent',
    agentId: agent.agentId,
    body: link.body,
    linked: link.linked,
    xM: pose.xM,
    yM: pose.yM,
    headingRad: pose.headingRad,
    speedMps: pose.speedMps,
    battery: pose.battery,
    halted: isHalted(status),
    mode: status?.mode ?? 'automatic',
    capabilities: link.capabilities,
    taskId: status === null || status.taskId === '' ? null : status.taskId,
    taskStatus: status === null || status.taskStatus === '' ? null : status.taskStatus,
    planRevision: Number(status?.planRevision ?? 0n),
    planCursor: status?.planCursor ?? 0,
    basis: { epoch: pose.epoch, inputSequence: pose.inputSequence },
  };
}

function newer(a: PlanBasis | null, b: PlanBasis | null): PlanBasis | null {
  if (a === null || b === null) return a ?? b;
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  return a.inputSequence >= b.inputSequence ? a : b;
}

/** Failsafe actions that warn or slow down, and the cause after which a body goes on by itself. */
const GOES_ON = new Set(['sos_broadcast', 'low_power_stability']);
const PASSING_CAUSE = 'person_too_close';

/** Whether it cannot move by itself: a stop, another mode, another planner, or a failsafe that holds it. */
function isHalted(status: AgentStatus | null): boolean {
  if (status === null) return true;
  const stopped = status.stop !== '' && status.stop !== 'none';
  if (stopped || status.mode !== 'automatic' || status.chain !== 'primary') return true;
  if (status.failsafe === '' || GOES_ON.has(status.failsafe)) return false;
  const asking = status.failsafeEntries.filter((entry) => entry.action === status.failsafe && !entry.holding);
  return asking.length === 0 || asking.some((entry) => entry.condition !== PASSING_CAUSE);
}
