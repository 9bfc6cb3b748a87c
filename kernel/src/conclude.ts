import type { Agent, Ask, Draft, KernelEvent, OutgoingMessage, Outputs } from './agent.ts';
import type { Verdict } from './arbiter.ts';
import { type Action, type Command, commandEnd, type Restriction, sameCommand } from './command.ts';
import type { Decision } from './decision.ts';
import type { TerrainModel } from './model.ts';
import { ASK_AGAIN_US, activeTask } from './tasks.ts';
import { compareInterrupted } from './violations.ts';

const NOTHING: readonly never[] = [];

/** The draft of one cycle and what it has said so far. */
export interface Cycle<World> {
  readonly model: TerrainModel<World>;
  readonly agent: Draft<World>;
  readonly before: Agent<World>;
  readonly atUs: number;
  readonly events: KernelEvent[];
  readonly messages: OutgoingMessage[];
  /** Reason for a new question to a planner, if one goes out. */
  question: string | null;
  interrupt: boolean;
}

/** Puts the verdict in force: decision if it differs, expectation, action in flight, outputs. */
export function conclude<World>(cycle: Cycle<World>, verdict: Verdict, assess: boolean): Outputs {
  const { agent, before, model, atUs } = cycle;
  const { command } = verdict;
  const tightened = tighter(before.restriction, verdict.restriction);
  const decision = decisionFor(cycle, verdict);
  if (decision !== null) {
    agent.decision = decision;
    agent.decisionSequence = decision.sequence;
    compareInterrupted(cycle);
  }
  const commandChanged = !sameCommand(before.command, command) || decision?.forbiddenBy != null;
  if (command.name !== before.command.name) agent.commandSinceUs = atUs;
  agent.command = command;
  agent.commandUntilUs =
    verdict.chosen === null || command === model.rest ? Number.MAX_SAFE_INTEGER : commandEnd(command, atUs);
  agent.restriction = verdict.restriction;
  if (command.kind === 'action') launch(cycle, command);
  if ((assess || decision !== null) && agent.expectation === null && command !== model.rest) expect(cycle, command);
  const stops = model.hazard(command) === 0 || verdict.chosen?.authority === 'safety';
  const wakeAtUs = nextWake(cycle);
  agent.nextWakeUs = wakeAtUs;
  return {
    command,
    commandChanged,
    urgent: tightened || (commandChanged && stops),
    restriction: verdict.restriction,
    decision,
    events: cycle.events,
    messages: cycle.messages,
    asks: asks(cycle),
    wakeAtUs,
  };
}

/** True when `next` bounds anything more closely than `before` did. */
function tighter(before: Restriction, next: Restriction): boolean {
  if (before === next) return false;
  for (const name of Object.keys(next.atMost)) {
    const old = before.atMost[name];
    if (old === undefined || (next.atMost[name] as number) < old) return true;
  }
  return next.forbid.some((thing) => !before.forbid.includes(thing));
}

function launch<World>(cycle: Cycle<World>, action: Action): void {
  const { agent, atUs } = cycle;
  if (agent.actions.some((flight) => flight.action.id === action.id)) return;
  const open = agent.actions.filter(
    ({ status }) => status === 'accepted' || status === 'running' || status === 'unknown',
  );
  const recent = agent.actions.filter((flight) => !open.includes(flight)).slice(-8);
  agent.actions = [...recent, ...open, { action, status: 'accepted', sinceUs: atUs, detail: null }];
  cycle.events.push({ type: 'action', actionId: action.id, name: action.name, status: 'accepted', detail: null });
}

function expect<World>(cycle: Cycle<World>, command: Command): void {
  const { agent, model, atUs } = cycle;
  const expectation = model.expect(agent.world, command, atUs);
  if (expectation === null) return;
  const planner = agent.decision?.planner ?? null;
  agent.expectation = {
    ...expectation,
    decisionSequence: agent.decisionSequence,
    planner,
    command: command.name,
    madeUs: atUs,
  };
}

/** A new decision when who wins, with what kind of command, against whom or under what bounds differs; else null. */
function decisionFor<World>(cycle: Cycle<World>, verdict: Verdict): Decision | null {
  const { agent, model, atUs } = cycle;
  const { chosen } = verdict;
  const serves = chosen?.authority === 'mission' ? agent.plan : null;
  if (agent.decision !== null && !differs(agent.decision, verdict)) return null;
  return {
    sequence: agent.decisionSequence + 1,
    atUs,
    context: { epoch: agent.epoch, inputSequence: agent.inputSequence, policyHash: model.policy.hash },
    chosen,
    command: verdict.command,
    authority: chosen === null ? 'rest' : chosen.authority,
    rationale: rationaleOf(verdict),
    confidence: chosen?.confidence ?? 1,
    rejected: verdict.rejected,
    restrictions: verdict.restrictions,
    restriction: verdict.restriction,
    clamped: verdict.clamped,
    forbiddenBy: verdict.forbiddenBy,
    taskId: serves?.taskId ?? null,
    planRevision: serves?.revision ?? null,
    planner: serves?.from ?? null,
    planBasis: serves?.basis ?? null,
  };
}

function rationaleOf(verdict: Verdict): string {
  if (verdict.chosen === null) return 'nobody proposes anything';
  if (verdict.forbiddenBy !== null) return `${verdict.chosen.source} is forbidden by ${verdict.forbiddenBy}`;
  return verdict.chosen.rationale;
}

function differs(decision: Decision, verdict: Verdict): boolean {
  const { chosen } = verdict;
  if ((decision.chosen === null) !== (chosen === null) || decision.forbiddenBy !== verdict.forbiddenBy) return true;
  if (decision.chosen !== null && chosen !== null) {
    const old = decision.chosen;
    if (old.source !== chosen.source || old.sequence !== chosen.sequence || old.severity !== chosen.severity)
      return true;
    if (old.rationale !== chosen.rationale || old.command.name !== chosen.command.name) return true;
    if (old.command.kind === 'action' && !sameCommand(old.command, chosen.command)) return true;
  }
  if (decision.restrictions.length !== verdict.restrictions.length) return true;
  for (let i = 0; i < verdict.restrictions.length; i++) {
    if (decision.restrictions[i]?.source !== verdict.restrictions[i]?.source) return true;
  }
  if (decision.rejected.length !== verdict.rejected.length) return true;
  for (let i = 0; i < verdict.rejected.length; i++) {
    const old = decision.rejected[i];
    const now = verdict.rejected[i];
    if (old?.proposal.source !== now?.proposal.source || old?.reason !== now?.reason) return true;
  }
  return false;
}

function asks<World>(cycle: Cycle<World>): readonly Ask[] {
  const { agent, question } = cycle;
  const task = activeTask(agent)?.task;
  if (question === null || agent.asked === null || task === undefined) return NOTHING;
  const basis = { epoch: agent.epoch, inputSequence: agent.inputSequence };
  const { of } = agent.asked;
  return [{ of, task, reason: question, basis, planRevision: agent.planRevisions[of] }];
}

/** The next moment at which something happens without a stimulus. */
function nextWake<World>(cycle: Cycle<World>): number {
  const { agent, model, atUs } = cycle;
  const { rates, chain: limits } = model;
  if (rates.reflexUs !== null) return atUs + rates.reflexUs;
  let next = Number.POSITIVE_INFINITY;
  const consider = (at: number): void => {
    if (at < next) next = Math.max(at, atUs + 1);
  };
  if (agent.commandUntilUs < Number.MAX_SAFE_INTEGER) consider(agent.commandUntilUs + 1);
  if (agent.expectation !== null) consider(agent.expectation.dueUs);
  if (agent.lease !== null) consider(agent.lease.expiresAtUs + 1);
  if (agent.failsafe.deferUntilUs !== null && agent.failsafe.deferUntilUs > atUs) consider(agent.failsafe.deferUntilUs);
  for (const promise of agent.promises) consider(promise.dueUs + 1);
  for (const flight of agent.actions) {
    if (flight.status === 'accepted' || flight.status === 'running') consider(flight.action.deadlineUs + 1);
  }
  for (const entry of agent.failsafe.entries) {
    if (entry.holding)
      consider(atUs + (agent.failsafe.delayLeftUs[entry.condition] ?? delayOf(model, entry.condition)));
  }
  if (agent.asked !== null) consider(agent.asked.atUs + ASK_AGAIN_US);
  for (const planner of ['primary', 'secondary'] as const) {
    const timeout = planner === 'primary' ? limits.primaryTimeoutUs : limits.secondaryTimeoutUs;
    const state = agent.chain[planner];
    if (state.suspendedUntilUs !== null && state.suspendedUntilUs > atUs) consider(state.suspendedUntilUs);
    if (timeout !== null && atUs - (state.heardUs ?? 0) <= timeout) consider((state.heardUs ?? 0) + timeout + 1);
  }
  return next;
}

const delayOf = <World>(model: TerrainModel<World>, condition: string): number =>
  model.failsafe.conditions.find(({ id }) => id === condition)?.holdDelayUs ?? 0;
