import type { Draft, KernelEvent, Lease } from './agent.ts';
import { hear } from './chain.ts';
import { commandEnd, isFinal } from './command.ts';
import type { Interventions } from './failsafe-framework.ts';
import type { PlanState } from './mission.ts';
import type { TerrainModel } from './model.ts';
import type { Beat, Order, OrderStimulus, PlanStimulus, ResultStimulus, Stimulus } from './stimulus.ts';
import { assignTask, cancelTask } from './tasks.ts';

/** What the inbox brought besides new beliefs. */
export interface Arrivals {
  readonly events: KernelEvent[];
  people: { -readonly [Field in keyof Interventions]: Interventions[Field] };
  /** True when the layers above the reflexes must run now: a new order, plan or result. */
  interrupt: boolean;
}

/** Folds every stimulus, in order, into the draft. */
export function foldInbox<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  inbox: readonly Stimulus[],
  atUs: number,
): Arrivals {
  const arrivals: Arrivals = {
    events: [],
    people: {
      acknowledgedBy: null,
      resetBy: null,
      modeChanged: false,
      takeoverAsked: false,
      leaseHeld: false,
      deferForUs: null,
    },
    interrupt: false,
  };
  for (const stimulus of inbox) {
    agent.inputSequence++;
    agent.world = model.fold(agent.world, stimulus, atUs);
    switch (stimulus.kind) {
      case 'percept':
      case 'observation':
        break;
      case 'order':
        receiveOrder(model, agent, stimulus, arrivals, atUs);
        break;
      case 'plan':
        receivePlan(model, agent, stimulus, arrivals, atUs);
        break;
      case 'message':
        if (stimulus.promise !== undefined) {
          agent.promises = [...agent.promises, { ...stimulus.promise, peer: stimulus.from, madeUs: atUs }];
        }
        break;
      case 'result':
        receiveResult(agent, stimulus, arrivals, atUs);
        break;
      case 'beat':
        receiveBeat(model, agent, stimulus, atUs);
        break;
      case 'signal':
        agent.signals = { ...agent.signals, [stimulus.name]: stimulus.value };
        if (stimulus.name === 'restarted') loseSightOfActions(agent, arrivals, atUs);
        arrivals.interrupt = true;
        break;
    }
  }
  if (agent.lease !== null && atUs > agent.lease.expiresAtUs) endLease(agent, arrivals, 'expired');
  arrivals.people.leaseHeld = agent.lease !== null;
  return arrivals;
}

function receiveBeat<World>(model: TerrainModel<World>, agent: Draft<World>, beat: Beat, atUs: number): void {
  if (beat.from === 'link') agent.linkHeardUs = atUs;
  else agent.chain = hear(agent.chain, model.chain, beat.from, atUs);
}

/** After a crash nobody knows how far an action came: only its world can say (`reconcile`). */
function loseSightOfActions<World>(agent: Draft<World>, arrivals: Arrivals, atUs: number): void {
  agent.actions = agent.actions.map((flight) => {
    if (flight.status !== 'accepted' && flight.status !== 'running') return flight;
    arrivals.events.push({
      type: 'action',
      actionId: flight.action.id,
      name: flight.action.name,
      status: 'unknown',
      detail: null,
    });
    arrivals.events.push({ type: 'reconcile', actionId: flight.action.id });
    return { ...flight, status: 'unknown', sinceUs: atUs };
  });
}

/** An order acts once: an older sequence is a replay, a late one has expired (L11). Refusals are recorded. */
function receiveOrder<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  stimulus: OrderStimulus,
  arrivals: Arrivals,
  atUs: number,
): void {
  const { issuer, sequence, order } = stimulus;
  const last = agent.orderSequences[issuer] ?? 0;
  let reason: string | null;
  if (!(sequence > last)) reason = `replayed: sequence ${sequence} is not above ${last}`;
  else if (!(atUs <= stimulus.expiresAtUs)) reason = `expired at ${stimulus.expiresAtUs} us, arrived at ${atUs} us`;
  else reason = obey(model, agent, sequence, order, arrivals, atUs);
  if (sequence > last) agent.orderSequences = { ...agent.orderSequences, [issuer]: sequence };
  arrivals.events.push(
    reason === null
      ? { type: 'order_accepted', issuer, sequence, order: order.type }
      : { type: 'order_refused', issuer, sequence, order: order.type, reason },
  );
  arrivals.interrupt = true;
}

/** Carries the order out. @returns the reason for a refusal, or null */
function obey<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  sequence: number,
  order: Order,
  arrivals: Arrivals,
  atUs: number,
): string | null {
  switch (order.type) {
    case 'assign':
      return assignTask(model, agent, order.task, arrivals.events, atUs);
    case 'cancel':
      return cancelTask(agent, order.taskId, order.reason, arrivals.events, atUs);
    case 'lease':
      return grantLease(agent, { id: order.leaseId, holder: order.holder, expiresAtUs: order.expiresAtUs }, arrivals);
    case 'release':
      if (agent.lease?.id !== order.leaseId) return 'this lease is not in force';
      endLease(agent, arrivals, 'returned');
      return null;
    case 'command':
      if (agent.lease?.id !== order.leaseId) return 'no control lease: take it first';
      agent.operator = {
        command: order.command,
        by: agent.lease.holder,
        rationale: order.rationale,
        sequence,
        untilUs: commandEnd(order.command, atUs),
      };
      return null;
    case 'takeover':
      if (agent.lease?.id !== order.leaseId) return 'no control lease: take it first';
      arrivals.people.takeoverAsked = true;
      return null;
    case 'stop':
      return setStop(agent, order.stop, order.by);
    case 'acknowledge':
      if (agent.failsafe.entries.length === 0) return 'there is nothing to acknowledge';
      arrivals.people.acknowledgedBy = order.by;
      return null;
    case 'reset':
      return reset(model, agent, order.by, arrivals);
    case 'mode':
      if (order.mode === agent.mode) return null;
      arrivals.events.push({ type: 'mode', from: agent.mode, to: order.mode, by: order.by });
      agent.mode = order.mode;
      agent.operator = null;
      arrivals.people.modeChanged = true;
      return null;
    case 'defer':
      if (!(order.forUs > 0)) return 'a deferral needs a time above 0';
      if (agent.failsafe.deferUntilUs !== null) return 'failsafe actions are deferred already';
      arrivals.people.deferForUs = order.forUs;
      return null;
  }
}

function grantLease<World>(agent: Draft<World>, lease: Lease, arrivals: Arrivals): string | null {
  const before = agent.lease;
  agent.lease = lease;
  if (before?.id === lease.id) return null;
  if (before !== null) agent.operator = null;
  const change = before === null || before.holder === lease.holder ? 'taken' : 'taken_over';
  arrivals.events.push({ type: 'lease', holder: lease.holder, change });
  return null;
}

function endLease<World>(agent: Draft<World>, arrivals: Arrivals, change: 'returned' | 'expired'): void {
  arrivals.events.push({ type: 'lease', holder: agent.lease?.holder ?? null, change });
  agent.lease = null;
  agent.operator = null;
}

const STOP_RANK = { none: 0, normal: 1, protective: 2, emergency: 3 } as const;

/** A stop can be made harder by anyone and ended only by `none`, which does not end an emergency stop: that is reset's. */
function setStop<World>(agent: Draft<World>, stop: keyof typeof STOP_RANK, by: string): string | null {
  if (stop === 'none') {
    if (agent.stop === 'emergency') return 'an emergency stop ends by acknowledge and reset only';
    agent.stop = 'none';
    agent.stopBy = '';
    return null;
  }
  if (STOP_RANK[stop] < STOP_RANK[agent.stop]) return `a ${agent.stop} stop is in force`;
  agent.stop = stop;
  agent.stopBy = by;
  return null;
}

/** Reset follows acknowledge; it releases the emergency stop and lets `on_reset` entries whose condition is gone clear. */
function reset<World>(model: TerrainModel<World>, agent: Draft<World>, by: string, arrivals: Arrivals): string | null {
  const needsReset = (id: string) => model.failsafe.conditions.some((c) => c.id === id && c.clear === 'on_reset');
  const open = agent.failsafe.entries.find((entry) => entry.acknowledgedBy === null && needsReset(entry.condition));
  if (open !== undefined && arrivals.people.acknowledgedBy === null) return `acknowledge '${open.condition}' first`;
  if (agent.stop === 'emergency') {
    agent.stop = 'none';
    agent.stopBy = '';
  }
  arrivals.people.resetBy = by;
  return null;
}

/** A plan is an untrusted party's word (L9): it must be newer, for the active task, from the link of the chain in force. */
function receivePlan<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  plan: PlanStimulus,
  arrivals: Arrivals,
  atUs: number,
): void {
  agent.chain = hear(agent.chain, model.chain, plan.from, atUs);
  const reason = planRefusal(agent, plan);
  if (plan.revision > agent.planRevisions[plan.from]) {
    agent.planRevisions = { ...agent.planRevisions, [plan.from]: plan.revision };
  }
  arrivals.interrupt = true;
  if (reason !== null) {
    arrivals.events.push({ type: 'plan_refused', from: plan.from, revision: plan.revision, reason });
    return;
  }
  agent.asked = null;
  agent.plan = planState(plan, atUs);
}

function planRefusal<World>(agent: Draft<World>, plan: PlanStimulus): string | null {
  const active = agent.tasks.find(({ status }) => status === 'active');
  if (!(plan.revision > agent.planRevisions[plan.from])) return 'an older or repeated revision';
  if (active?.task.id !== plan.taskId) return `task ${plan.taskId} is not active`;
  if (agent.chain.active !== plan.from) return `the ${agent.chain.active} link plans now`;
  if (!(plan.confidence >= 0 && plan.confidence <= 1)) return `confidence ${plan.confidence} is outside 0 to 1`;
  return null;
}

const planState = (plan: PlanStimulus, atUs: number): PlanState => ({
  from: plan.from,
  taskId: plan.taskId,
  revision: plan.revision,
  intents: plan.intents,
  cursor: 0,
  confidence: plan.confidence,
  rationale: plan.rationale,
  basis: plan.basis,
  startedUs: atUs,
  intentSinceUs: atUs,
  command: null,
  commandSinceUs: atUs,
});

function receiveResult<World>(agent: Draft<World>, result: ResultStimulus, arrivals: Arrivals, atUs: number): void {
  const index = agent.actions.findIndex(({ action }) => action.id === result.actionId);
  const flight = agent.actions[index];
  if (flight === undefined || isFinal(flight.status) || flight.status === result.status) return;
  agent.actions = agent.actions.with(index, {
    ...flight,
    status: result.status,
    sinceUs: atUs,
    detail: result.detail,
  });
  arrivals.events.push({
    type: 'action',
    actionId: result.actionId,
    name: flight.action.name,
    status: result.status,
    detail: result.detail,
  });
  arrivals.interrupt = true;
}
