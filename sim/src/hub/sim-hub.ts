import { create, toBinary } from '@bufbuild/protobuf';
import type {
  FleetSupervisor,
  MissionView,
  NewMission,
  SupervisorInput,
  SupervisorPlan,
  SupervisorState,
} from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import { type ConnectRequest, StateChangeSchema } from '@sigma/proto';
import { EVENT_TYPE, type EventDraft, type Sha256, signalEvent } from '@sigma/recorder';
import type { OrderKey } from '../order-key.ts';
import { AgentBoard } from './agent-board.ts';
import { AlertDesk, type AlertNews, type SimAlert } from './alert-desk.ts';
import { CORE, type DownOrder, OrderDesk, orderOf } from './order-desk.ts';

type Frame = Exclude<ConnectRequest['frame'], { case: undefined }>;

/** The supervisor looks at everything this often, and at once when a robot asks. */
const SUPERVISE_US = 100_000;

export interface SimHubOptions {
  readonly tenant: string;
  readonly epochTimeUs: number;
  readonly supervisor: FleetSupervisor;
  readonly agents: readonly { readonly id: string; readonly body: string }[];
  readonly stateFields: readonly string[];
  readonly key: OrderKey;
  readonly sha256: Sha256;
}

/**
 * The hub of a simulation: what it hears becomes inputs of the fleet's supervisor, what that wants becomes signed
 * orders, and every order, mission and alert stands on the hub's own chain.
 */
export class SimHub {
  readonly #options: SimHubOptions;
  readonly #board: AgentBoard;
  readonly #desk: OrderDesk;
  readonly #alerts = new AlertDesk();
  readonly #missions = new Map<string, { readonly view: MissionView; readonly hash: Uint8Array }>();
  #state: SupervisorState;
  #wishes: SupervisorInput[] = [];
  #events: EventDraft[] = [];
  #superviseUs = 0;
  #openTasks = 0;
  /** Robots to which the planner lies (fault `planner_lies`). */
  readonly liars = new Set<string>();

  constructor(options: SimHubOptions) {
    this.#options = options;
    const { supervisor, agents, stateFields, tenant, key, epochTimeUs } = options;
    this.#state = supervisor.initial();
    this.#board = new AgentBoard(agents, stateFields);
    this.#desk = new OrderDesk(tenant, key, epochTimeUs);
  }

  get alerts(): readonly SimAlert[] {
    return this.#alerts.all;
  }

  get missions(): readonly MissionView[] {
    return [...this.#missions.values()].map(({ view }) => view);
  }

  /** Tasks of missions under way that are not done. */
  get openTasks(): number {
    return this.#openTasks;
  }

  hear(agentId: string, frame: Frame, atUs: number): void {
    const event = this.#board.hear(agentId, frame, atUs);
    if (frame.case === 'status') this.#alerts.status(frame.value);
    const news = event === null ? null : this.#alerts.hear(agentId, event, atUs);
    if (news !== null) this.#tellAlert(news, atUs);
  }

  wish(mission: NewMission): void {
    this.#wishes.push({ type: 'mission', mission });
  }

  /** Missions wished for that the supervisor has not heard of yet. */
  get waitingWishes(): number {
    return this.#wishes.length;
  }

  /** @returns orders that leave now */
  tick(atUs: number): readonly DownOrder[] {
    if (atUs < this.#superviseUs && !this.#board.asked) return NOTHING;
    const due = atUs >= this.#superviseUs;
    const inputs: SupervisorInput[] = [...this.#board.take(atUs), ...this.#wishes];
    this.#wishes = [];
    if (due) {
      inputs.push({ type: 'tick' });
      this.#superviseUs = atUs + SUPERVISE_US;
    }
    for (const input of inputs) {
      if (input.type !== 'agent') continue;
      const news = this.#alerts.link(input.agentId, input.linked, atUs);
      if (news !== null) this.#tellAlert(news, atUs);
    }
    const { state, outputs } = this.#options.supervisor.supervise(this.#state, inputs, atUs);
    this.#state = state;
    const down: DownOrder[] = [];
    for (const output of outputs) {
      if (output.type === 'mission') this.#tellMission(output.mission, atUs);
      if (output.type === 'mission' || output.type === 'waits') continue;
      const lies = output.type === 'plan' && this.liars.has(output.agentId);
      const order = orderOf(lies ? { ...output, plan: lieOf(output.plan) } : output);
      if (order !== null) down.push(this.#issue(output.agentId, CORE, order.content, order.summary, atUs));
    }
    return down;
  }

  /** What happened since the last cut, for the hub's chain. */
  cut(): readonly EventDraft[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #issue(...order: Parameters<OrderDesk['issue']>): DownOrder {
    const { down, event } = this.#desk.issue(...order);
    this.#events.push(event);
    return down;
  }

  #tellAlert({ change, alert }: AlertNews, atUs: number): void {
    const timeUs = this.#options.epochTimeUs + atUs;
    this.#events.push({ ...signalEvent(`hub.alert_${change}`, alert, atUs, timeUs), subject: alert.agentId });
  }

  /** A mission's status goes on record when it changes; its progress between is the robots' own record. */
  #tellMission(mission: MissionView, atUs: number): void {
    const before = this.#missions.get(mission.id);
    this.#openTasks += openTasks(mission) - (before === undefined ? 0 : openTasks(before.view));
    const { id, name, goal, status, priority, createdBy, detail } = mission;
    const tasks = mission.tasks.map(({ task, agentId, status: of }) => ({ id: task.id, agentId, status: of }));
    const patch = { id, name, goal, status, priority, createdBy, detail, tasks } as unknown as Json;
    const patchJson = JSON.stringify(patch);
    const hash = this.#options.sha256(new TextEncoder().encode(patchJson));
    const same = before !== undefined && before.view.status === status && sameShares(before.view, mission);
    this.#missions.set(id, { view: mission, hash: same ? before.hash : hash });
    if (same) return;
    const change = create(StateChangeSchema, {
      target: `mission/${id}`,
      beforeHash: before?.hash ?? new Uint8Array(),
      afterHash: hash,
      patchJson,
      reversible: false,
      by: CORE,
    });
    const timeUs = this.#options.epochTimeUs + atUs;
    const data = toBinary(StateChangeSchema, change);
    this.#events.push({ type: EVENT_TYPE.stateChange, subject: id, atUs, timeUs, traceparent: '', data });
  }
}

const NOTHING: readonly never[] = [];

/** Off its way by so much, m: through shelves and into other robots' aisles. */
const LIE_M = 2;

/** What a planner says that has lost its mind and not its voice: well-formed, sure of itself, and wrong. */
const lieOf = (plan: SupervisorPlan): SupervisorPlan => ({
  ...plan,
  confidence: 1,
  intents: plan.intents.map((intent) => {
    const { xM, yM } = intent.args;
    if (typeof xM !== 'number' || typeof yM !== 'number') return intent;
    return { ...intent, args: { ...intent.args, xM: xM + LIE_M, yM: yM - LIE_M } };
  }),
});

function openTasks({ status, tasks }: MissionView): number {
  if (status !== 'queued' && status !== 'active') return 0;
  return tasks.filter(({ status: of }) => of === 'waiting' || of === 'queued' || of === 'active').length;
}

const sameShares = (a: MissionView, b: MissionView): boolean =>
  a.tasks.length === b.tasks.length &&
  a.tasks.every((task, i) => task.agentId === b.tasks[i]?.agentId && task.status === b.tasks[i]?.status);
