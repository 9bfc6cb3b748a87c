import {
  DEFAULT_POLICY,
  type FleetBelief,
  type Ground,
  groundOf,
  POLICY_CONTEXT,
  type PolicyText,
  reportFields,
  type Site,
  stateReport,
} from '@sigma/fleet-model';
import type { Agent, Situation, Stimulus } from '@sigma/kernel';
import type { Opening } from '@sigma/recorder';
import { namedNumber, number, quantityOf, span, unitOf, words } from '../../../words/quantities.ts';
import type { Model, Moment } from './decision-run.ts';
import type {
  EvidencePlan,
  EvidencePolicy,
  EvidenceReading,
  EvidenceRule,
  InboxLine,
  SeenThing,
} from './evidence-words.ts';

/** Reported for a distance to something that is not there; such a reading says nothing. */
const FAR_M = 1_000;

/** What the robot's own sensors had told it when it decided, with the band each should be in. */
export function readingsAt({ world }: Agent<FleetBelief>): EvidenceReading[] {
  const values = stateReport(world);
  return reportFields.state
    .map(({ name, unit, low, high }, k) => ({
      name,
      unit: unitOf(unit, high),
      low,
      high,
      value: values[k] ?? Number.NaN,
    }))
    .filter(({ unit, value }) => !(unit === 'm' && value >= FAR_M))
    .map((reading) => (reading.high === FAR_M ? { ...reading, high: null } : reading));
}

/** People, robots and things that it saw, the nearest first. */
export function seenAt({ world }: Agent<FleetBelief>): SeenThing[] {
  const { motion, sight } = world;
  return sight.tracks
    .filter(({ confirmed }) => confirmed)
    .map(({ kind, peer, xM, yM, vxMps, vyMps }) => ({
      what: kind,
      peer: peer ?? '',
      distanceM: Math.hypot(xM - motion.xM, yM - motion.yM),
      speedMps: Math.hypot(vxMps, vyMps),
    }))
    .sort((a, b) => a.distanceM - b.distanceM);
}

/** The inputs of one cycle: sensor frames counted, everything else told. */
export function inboxLines(inbox: readonly Stimulus[]): InboxLine[] {
  const frames = new Map<string, number>();
  const told: InboxLine[] = [];
  for (const stimulus of inbox) {
    if (stimulus.kind === 'percept') frames.set(stimulus.channel, (frames.get(stimulus.channel) ?? 0) + 1);
    else told.push({ kind: stimulus.kind, text: stimulusWords(stimulus) });
  }
  const sensed = [...frames].map(([channel, count]) => (count === 1 ? channel : `${count} × ${channel}`));
  return sensed.length === 0 ? told : [...told, { kind: 'sensors', text: `told of ${sensed.join(', ')}` }];
}

function stimulusWords(stimulus: Exclude<Stimulus, { kind: 'percept' }>): string {
  switch (stimulus.kind) {
    case 'order':
      return `${words(stimulus.order.type)} from ${stimulus.issuer}, order ${stimulus.sequence}`;
    case 'plan':
      return `revision ${stimulus.revision} from the ${stimulus.from} planner: ${stimulus.rationale}`;
    case 'message':
      return `${words(stimulus.topic)} from ${stimulus.from}`;
    case 'result':
      return `${stimulus.actionId}: ${stimulus.status}`;
    case 'observation':
      return words(stimulus.channel);
    case 'beat':
      return `sign of life of the ${stimulus.from}`;
    case 'signal':
      return `${words(stimulus.name)} ${signalValue(stimulus.name, stimulus.value)}`;
  }
}

/** Signals that tell a time, which they do in microseconds. */
const TIMES: ReadonlySet<string> = new Set(['body_time_lost']);

/** Signals that are either so or not, told as 1 or 0. */
const FLAGS: ReadonlySet<string> = new Set(['command_held', 'mechanical_stop']);

function signalValue(name: string, value: number): string {
  if (FLAGS.has(name)) return value === 0 ? 'no longer' : 'from now on';
  return TIMES.has(name) ? span(value / 1_000) : number(value);
}

export function planAt({ plan }: Agent<FleetBelief>): EvidencePlan | null {
  if (plan === null) return null;
  return {
    from: plan.from,
    revision: plan.revision,
    step: Math.min(plan.cursor + 1, plan.intents.length),
    steps: plan.intents.map(({ name, args }) => {
      const told = Object.entries(args).map(([key, value]) =>
        typeof value === 'number' ? namedNumber(key, value) : `${words(key)} ${valueWords(value)}`,
      );
      return told.length === 0 ? words(name) : `${words(name)}: ${told.join(', ')}`;
    }),
    rationale: plan.rationale,
    confidence: plan.confidence,
  };
}

/** The rules in force as their text stands on record, each with the values that its condition read at that moment. */
export function policyAt(opening: Opening, model: Model, site: Site, moment: Moment | null): EvidencePolicy {
  const recorded = opening.policyText !== '';
  const text: PolicyText = recorded ? (JSON.parse(opening.policyText) as PolicyText) : DEFAULT_POLICY;
  const hashes = new Map(model.policy.rules.map((rule) => [rule.id, rule.hash]));
  const ground = groundOf(site);
  const situation = moment === null ? null : situationOf(moment);
  return {
    version: text.version,
    hash: opening.policyHash,
    source: recorded ? `opening of ${opening.source}, epoch ${opening.epoch}` : 'the default policy of the fleet',
    rules: text.rules.map(({ id, rate, when, effect, rationale }, k): EvidenceRule => {
      return {
        id,
        rate,
        when,
        rationale,
        hash: hashes.get(id) ?? '',
        effect: effect.type === 'failsafe' ? `raises ${words(effect.action)}` : boundWords(effect.restriction),
        place: k + 1,
        reads: situation === null ? [] : readsOf(when, situation, ground),
      };
    }),
  };
}

function boundWords({
  atMost,
  forbid,
}: {
  atMost: Readonly<Record<string, number>>;
  forbid: readonly string[];
}): string {
  const bounds = Object.entries(atMost).map(([key, bound]) => {
    const { name, text } = quantityOf(key, bound);
    return `${name} at most ${text}`;
  });
  return [...bounds, ...forbid.map((thing) => `never ${thing.replace(/^name:/, '')}`)].join(', ');
}

function readsOf(when: string, situation: Situation<FleetBelief>, ground: Ground): EvidenceRule['reads'] {
  const names = Object.keys(POLICY_CONTEXT).filter((name) =>
    new RegExp(`(?<![\\w.])${name.replaceAll('.', '\\.')}(?![\\w.])`).test(when),
  );
  return names.map((name) => ({ name, value: valueWords(POLICY_CONTEXT[name]?.read(situation, ground) ?? 'unknown') }));
}

function valueWords(value: number | string | boolean | readonly string[]): string {
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return typeof value === 'string' ? value || '""' : `[${value.join(', ')}]`;
}

/** What the policy's rules may read, as it was right after the decision; how long planners were silent is not among it. */
function situationOf({ agent, atUs }: Moment): Situation<FleetBelief> {
  return {
    atUs,
    world: agent.world,
    mode: agent.mode,
    task: agent.tasks.find(({ status }) => status === 'active')?.task ?? null,
    plan: agent.plan,
    command: agent.command,
    commandSinceUs: agent.commandSinceUs,
    operator: agent.operator?.command ?? null,
    chain: agent.chain.active,
    linkSilentUs: agent.linkHeardUs === null ? 0 : atUs - agent.linkHeardUs,
    primarySilentUs: 0,
    secondarySilentUs: 0,
    stop: agent.stop,
    confidence: agent.plan?.confidence ?? 1,
    recentViolations: agent.violations.length,
    signals: agent.signals,
  };
}
