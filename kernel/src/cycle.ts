import type { Agent, Draft, Outputs, RuledAction } from './agent.ts';
import { arbitrate } from './arbiter.ts';
import { silentUs, walkChain } from './chain.ts';
import { type Action, commandEnd } from './command.ts';
import { type Cycle, conclude } from './conclude.ts';
import { type Interventions, updateFailsafe } from './failsafe-framework.ts';
import { type Arrivals, foldInbox } from './inbox.ts';
import type { Intent, PlanState } from './mission.ts';
import type { Situation, TerrainModel } from './model.ts';
import type { CommandProposal, Proposal } from './proposal.ts';
import type { Stimulus } from './stimulus.ts';
import { activeTask, followPlan, parametrizeIntent, replan, superviseTask } from './tasks.ts';
import { compareDue, judgePromises } from './violations.ts';

const NOTHING: readonly never[] = [];

/**
 * One cycle of one agent: fold, reflexes, comparison with what was expected, supervision, arbitration. Pure: the same
 * agent, inbox and time give the same answer in every engine, for ever (L2).
 *
 * @param inbox stimuli in the order of their arrival; part of the recording
 * @param atUs agent time, microseconds since the recording began, not before the last wake
 */
export function step<World>(
  model: TerrainModel<World>,
  agent: Agent<World>,
  inbox: readonly Stimulus[],
  atUs: number,
): { readonly agent: Agent<World>; readonly outputs: Outputs } {
  if (!(Number.isSafeInteger(atUs) && atUs >= agent.wokeUs))
    throw new TimeRunsBackwardsError(agent.id, agent.wokeUs, atUs);
  const draft: Draft<World> = { ...agent };
  const arrivals = foldInbox(model, draft, inbox, atUs);
  const { events } = arrivals;
  const cycle: Cycle<World> = {
    model,
    agent: draft,
    before: agent,
    atUs,
    events,
    messages: [],
    question: null,
    interrupt: arrivals.interrupt,
  };
  draft.wakes++;
  draft.wokeUs = atUs;
  walkPlanners(cycle);
  watchActions(cycle);
  compareDue(cycle);
  judgePromises(cycle);

  const reflexSituation = situate(cycle);
  const reflexProposals = proposeReflexes(cycle, reflexSituation);
  const failsafeProposals = applyFailsafe(cycle, reflexSituation, reflexProposals.actions, arrivals);
  const supervise = cycle.interrupt || draft.wakes % model.rates.supervisionEvery === 0;
  const assess = supervise || draft.wakes % model.rates.situationEvery === 0;
  if (assess) assessSituation(cycle, supervise);

  const proposals = gather(cycle, reflexProposals.restrictions, failsafeProposals);
  const verdict = arbitrate(proposals, model.rest, (command, restriction) =>
    model.clamp(command, restriction, draft.world),
  );
  return { outputs: conclude(cycle, verdict, assess), agent: draft };
}

export class TimeRunsBackwardsError extends Error {
  constructor(agent: string, wokeUs: number, atUs: number) {
    super(
      `Agent ${agent} woke at ${wokeUs} us and cannot wake at ${atUs}: time is whole microseconds, never backwards`,
    );
    this.name = 'TimeRunsBackwardsError';
  }
}

function situate<World>(cycle: Cycle<World>): Situation<World> {
  const { agent, atUs, model } = cycle;
  return {
    atUs,
    world: agent.world,
    mode: agent.mode,
    task: activeTask(agent)?.task ?? null,
    plan: agent.plan,
    command: agent.command,
    commandSinceUs: agent.commandSinceUs,
    operator: operatorSpeaks(cycle) ? (agent.operator?.command ?? null) : null,
    chain: agent.chain.active,
    linkSilentUs: agent.linkHeardUs === null ? 0 : atUs - agent.linkHeardUs,
    primarySilentUs: silentUs(agent.chain, model.chain, 'primary', atUs),
    secondarySilentUs: silentUs(agent.chain, model.chain, 'secondary', atUs),
    stop: agent.stop,
    confidence: agent.plan?.confidence ?? 1,
    recentViolations: agent.violations.length,
    signals: agent.signals,
  };
}

/** A link of the chain that falls or recovers takes its plan with it; the new one is asked. */
function walkPlanners<World>(cycle: Cycle<World>): void {
  const { agent, model, atUs } = cycle;
  const { chain, reason } = walkChain(agent.chain, model.chain, atUs);
  if (reason === null) return;
  cycle.events.push({ type: 'chain', from: agent.chain.active, to: chain.active, reason });
  agent.chain = chain;
  agent.plan = null;
  agent.asked = null;
  cycle.interrupt = true;
}

/** An action without result by its deadline is unknown; its world is asked. Ended ones are forgotten with their plan. */
function watchActions<World>(cycle: Cycle<World>): void {
  const { agent, atUs } = cycle;
  if (agent.actions.length === 0) return;
  for (const flight of agent.actions) {
    const open = flight.status === 'accepted' || flight.status === 'running';
    if (!open || atUs <= flight.action.deadlineUs) continue;
    const { id, name } = flight.action;
    agent.actions = agent.actions.map((other) =>
      other === flight ? { ...flight, status: 'unknown' as const, sinceUs: atUs } : other,
    );
    cycle.events.push(
      { type: 'action', actionId: id, name, status: 'unknown', detail: null },
      { type: 'reconcile', actionId: id },
    );
  }
}

/** Reflexes and the policy's reflex rules. */
function proposeReflexes<World>(
  cycle: Cycle<World>,
  situation: Situation<World>,
): { readonly restrictions: readonly Proposal[]; readonly actions: readonly RuledAction[] } {
  const { agent, model, atUs } = cycle;
  const windowStart = atUs - model.chain.strikeWindowUs;
  if (agent.violations.length > 0 && (agent.violations[0]?.atUs ?? 0) < windowStart) {
    agent.violations = agent.violations.filter((violation) => violation.atUs >= windowStart);
  }
  let restrictions: Proposal[] | null = null;
  for (const reflex of model.reflexes) {
    const answer = reflex.propose(situation);
    if (answer === null) continue;
    restrictions ??= [];
    const { restriction, rationale } = answer;
    restrictions.push({
      ...SAFETY,
      type: 'restriction',
      source: sourceOf('reflex', reflex.id),
      restriction,
      rationale,
    });
  }
  const ruled = applyRules(cycle, situation, 'reflex');
  if (ruled === null) return { restrictions: restrictions ?? NOTHING, actions: agent.ruledActions };
  return {
    restrictions: [...(restrictions ?? NOTHING), ...ruled.restrictions],
    actions: [...agent.ruledActions, ...ruled.actions],
  };
}

const SAFETY = {
  authority: 'safety',
  severity: 0,
  priority: 0,
  sequence: 0,
  confidence: 1,
  ruleHash: null,
} as const;

/** Rules of one rate that fire. A rule that cannot be evaluated acts as if it had fired, and says so. */
function applyRules<World>(
  cycle: Cycle<World>,
  situation: Situation<World>,
  rate: 'reflex' | 'situation',
): { readonly restrictions: Proposal[]; readonly actions: RuledAction[] } | null {
  let found: { restrictions: Proposal[]; actions: RuledAction[] } | null = null;
  for (const rule of cycle.model.policy.rules) {
    if (rule.rate !== rate) continue;
    const verdict = rule.evaluate(situation);
    if (verdict === 'quiet') continue;
    if (verdict === 'error') cycle.events.push({ type: 'rule_error', rule: rule.id });
    found ??= { restrictions: [], actions: [] };
    const { effect, id, hash, rationale } = rule;
    if (effect.type === 'failsafe') {
      found.actions.push({ rule: id, hash, action: effect.action, rationale });
    } else {
      const { restriction } = effect;
      const source = sourceOf('rule', id);
      found.restrictions.push({ ...SAFETY, type: 'restriction', source, restriction, rationale, ruleHash: hash });
    }
  }
  return found;
}

function applyFailsafe<World>(
  cycle: Cycle<World>,
  situation: Situation<World>,
  ruled: readonly RuledAction[],
  arrivals: Arrivals,
): readonly Proposal[] {
  const { agent, model } = cycle;
  const people: Interventions = arrivals.people;
  const update = updateFailsafe(model.failsafe, agent.failsafe, situation, ruled, people);
  agent.failsafe = update.state;
  for (const event of update.events) cycle.events.push(event);
  for (const action of update.broadcasts) {
    if (!action.broadcast) continue;
    cycle.messages.push({
      to: '*',
      topic: 'failsafe',
      body: { agent: agent.id, action: action.id, atUs: situation.atUs },
    });
  }
  if (update.events.length > 0) cycle.interrupt = true;
  return update.proposals;
}

/** The situation layer, and supervision above it when it is due: tasks, plan, intent, swarm, slow rules. */
function assessSituation<World>(cycle: Cycle<World>, supervise: boolean): void {
  const { agent, model, atUs } = cycle;
  const need = followPlan(model, agent, atUs);
  if (supervise || need !== null) superviseTask(model, agent, cycle.events, atUs);
  const working = activeTask(agent) !== null && agent.mode === 'automatic';
  if (working && need !== null && replan(agent, need, atUs)) cycle.question = need;
  if (working && agent.plan === null && replan(agent, 'the task needs a plan', atUs)) {
    cycle.question ??= agent.asked?.reason ?? null;
  }
  const situation = situate(cycle);
  if (working) parametrizeIntent(model, agent, situation, atUs);
  agent.swarm = model.swarm(situation);
  const ruled = applyRules(cycle, situation, 'situation');
  agent.ruled = ruled?.restrictions ?? NOTHING;
  agent.ruledActions = ruled?.actions ?? NOTHING;
}

/** Everything proposed at this moment. Outside automatic mode only safety and the operator speak. */
function gather<World>(
  cycle: Cycle<World>,
  reflexes: readonly Proposal[],
  failsafe: readonly Proposal[],
): readonly Proposal[] {
  const { agent, atUs } = cycle;
  const proposals: Proposal[] = [...failsafe, ...reflexes, ...agent.ruled];
  const { operator, plan } = agent;
  if (operator !== null && operatorSpeaks(cycle)) {
    proposals.push({
      ...SAFETY,
      type: 'command',
      authority: 'operator',
      source: `operator:${operator.by}`,
      sequence: operator.sequence,
      rationale: operator.rationale,
      command: operator.command,
    });
  }
  if (agent.mode !== 'automatic') return proposals;
  for (const proposal of agent.swarm) if (proposal.authority === 'swarm') proposals.push(proposal);
  const mission = plan === null ? null : missionProposal(agent, atUs);
  if (mission !== null) proposals.push(mission);
  return proposals;
}

/** An operator's set-point holds for its duration, his action until its world has answered. */
function operatorSpeaks<World>(cycle: Cycle<World>): boolean {
  const { agent, atUs } = cycle;
  const { operator } = agent;
  if (operator === null || agent.lease === null || atUs > operator.untilUs) return false;
  return operator.command.kind === 'setpoint' || actionOpen(agent, operator.command);
}

function actionOpen<World>(agent: Draft<World>, action: Action): boolean {
  const flight = agent.actions.find((other) => other.action.id === action.id);
  return flight === undefined || flight.status === 'accepted' || flight.status === 'running';
}

function missionProposal<World>(agent: Draft<World>, atUs: number): CommandProposal | null {
  const { plan } = agent;
  const command = plan?.command;
  if (plan === null || command === null || command === undefined) return null;
  if (command.kind === 'setpoint' ? atUs > commandEnd(command, plan.commandSinceUs) : !actionOpen(agent, command))
    return null;
  return {
    type: 'command',
    source: sourceOf('plan', plan.from),
    authority: 'mission',
    severity: 0,
    priority: activeTask(agent)?.task.priority ?? 0,
    sequence: plan.revision,
    rationale: rationaleOf(plan),
    confidence: plan.confidence,
    ruleHash: null,
    command,
  };
}

/**
 * The source id of whoever proposes. What is said at every cycle is one text and not as many that are alike: those are
 * made anew each time, and compared letter by letter. A cache: never changes an answer.
 */
function sourceOf(kind: 'reflex' | 'rule' | 'plan', id: string): string {
  const known = SOURCES[kind].get(id);
  if (known !== undefined) return known;
  const source = `${kind}:${id}`;
  if (SOURCES[kind].size < MOST_SOURCES) SOURCES[kind].set(id, source);
  return source;
}

const MOST_SOURCES = 1_000;
const SOURCES = { reflex: new Map<string, string>(), rule: new Map<string, string>(), plan: new Map<string, string>() };

/** Which intent a plan is at, and why. A cache as well. */
function rationaleOf({ intents, cursor, rationale }: PlanState): string {
  const known = rationales.get(intents);
  if (known !== undefined && known.cursor === cursor && known.rationale === rationale) return known.text;
  const text = `${intents[cursor]?.name ?? 'done'} (${cursor + 1} of ${intents.length}): ${rationale}`;
  rationales.set(intents, { cursor, rationale, text });
  return text;
}

const rationales = new WeakMap<
  readonly Intent[],
  { readonly cursor: number; readonly rationale: string; readonly text: string }
>();
