import type { PolicyText, RecordedModels } from '@sigma/fleet-model';
import { encodeState } from '@sigma/kernel';
import {
  type ChainHead,
  FactsDisagreeError,
  type KeptStretch,
  type Life,
  type Opening,
  type Recording,
  type Timeline,
  tryPolicy,
} from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { FACT_NAMES, FleetTrials, policyOf } from './fleet-trial.ts';
import { ForkRefusedError, type ForkRequest } from './fork-request.ts';
import { isAddress } from './named-recording.ts';
import { policyAfter } from './policy-file.ts';
import { endsUs, forkedAtUs, policyInForce } from './policy-in-force.ts';

/** From when on each robot is recomputed; who is not in it, from when something reaches it. */
export interface FirstTouches {
  readonly fromUs: ReadonlyMap<string, number>;
  /** Wakes that were run again, open loop, to find that out. */
  readonly looked: number;
}

/**
 * Whom a change touches by itself, and when. A policy touches a robot at the first cycle at which the outcome of a rule is
 * another in the life that was recorded: until then it decides as it did. Everything else touches whom it names, at once.
 *
 * @throws ForkRefusedError, PolicyFileError, StoreError, MalformedBytesError
 */
export async function firstTouches(
  timeline: Timeline,
  models: RecordedModels,
  request: ForkRequest,
  atUs: number,
): Promise<FirstTouches> {
  const robots = timeline.lives.filter(({ opening }) => opening.model === 'fleet');
  const { agents, parameters, without, orders, faults, policy, forUs } = request;
  const fromUs = new Map<string, number>();
  const atOnce = new Set([...orders.map(({ agent }) => agent), ...faults.map(({ robot }) => robot)]);
  const concerned = (id: string): boolean => agents.length === 0 || agents.includes(id);
  const remade = Object.keys(parameters).length > 0 || without.length > 0;
  const untilUs = atUs + forUs;
  let looked = 0;
  for (const life of robots) {
    const { source } = life;
    if (request.everybody === true || atOnce.has(source) || (remade && concerned(source))) {
      fromUs.set(source, atUs);
      continue;
    }
    const own = concerned(source) ? policy : null;
    const inForce = policyInForce(timeline, life);
    const tried = own === null ? inForce : policyAfter(inForce, own);
    for (const span of own === null ? unlooked(timeline, atUs, untilUs) : [{ fromUs: atUs, untilUs }]) {
      const found = await firstDifference(timeline, models, life, span, tried);
      looked += found.looked;
      if (found.firstUs === null) continue;
      fromUs.set(source, found.firstUs);
      break;
    }
  }
  for (const life of robots) if (fromUs.has(life.source)) looked += await mustLeadUpTo(timeline, models, life, atUs);
  return { fromUs, looked };
}

interface Span {
  /** Agent time, inclusive and exclusive. */
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Whom a fork reuses was looked at when it was made, from its own moment to its end: what lies around that. */
function unlooked(timeline: Timeline, fromUs: number, untilUs: number): readonly Span[] {
  if (timeline.parent === null) return [];
  return [
    { fromUs, untilUs: Math.min(untilUs, forkedAtUs(timeline)) },
    { fromUs: Math.max(fromUs, endsUs(timeline)), untilUs },
  ];
}

/**
 * Behind the end of a fork without a world nobody has looked whether its policy touches whom it reused: who is to be run
 * on from there must have come there under that policy.
 *
 * @returns wakes that were looked at @throws ForkRefusedError
 */
async function mustLeadUpTo(timeline: Timeline, models: RecordedModels, life: Life, atUs: number): Promise<number> {
  const span = { fromUs: endsUs(timeline), untilUs: atUs };
  if (timeline.parent === null || span.fromUs >= atUs) return 0;
  const { firstUs, looked } = await firstDifference(timeline, models, life, span, policyInForce(timeline, life));
  if (firstUs === null) return looked;
  const [ends, differs] = [span.fromUs, firstUs].map((us) => (us / 1e6).toFixed(2));
  throw new ForkRefusedError(
    `${timeline.name} ends at ${ends} s, and under its policy ${life.source} would live otherwise from ${differs} s on; ` +
      `make that fork anew for longer, or give a moment up to ${differs} s`,
  );
}

/** When a policy first gives another outcome in a life, piece by piece: each was lived under a policy of its own. */
async function firstDifference(
  timeline: Timeline,
  models: RecordedModels,
  { source, opening: newest, pieces }: Life,
  span: Span,
  { version, rules }: PolicyText,
): Promise<{ readonly firstUs: number | null; readonly looked: number }> {
  const trials = new FleetTrials(models, { file: '', whole: true, version, rules, without: [] });
  let looked = 0;
  for (const piece of pieces) {
    const fromUs = Math.max(span.fromUs, piece.fromUs);
    const untilUs = Math.min(span.untilUs, piece.untilUs);
    if (fromUs >= untilUs) continue;
    if (isRemade(piece.opening, newest)) return { firstUs: fromUs, looked };
    if (encodeState(policyOf(piece.opening).rules) === encodeState(rules)) continue;
    const { recording, head } = piece;
    const options = { fromUs, untilUs, onlyFirst: true, trialOf: (opening: Opening) => trials.of(opening) };
    const factsOf = async (opening: Opening) => keptFacts(timeline, recording, head, opening, fromUs);
    const trial = await tryPolicy(recording, head, { ...options, factsOf }).catch((error: Error) => {
      if (error instanceof FactsDisagreeError) return tryPolicy(recording, head, options);
      throw error;
    });
    if (trial.leftOutBecause !== null)
      throw new ForkRefusedError(`${source} cannot be run again: ${trial.leftOutBecause}`);
    looked += trial.wakes;
    if (trial.firstUs !== null) return { firstUs: trial.firstUs, looked };
  }
  return { firstUs: null, looked };
}

/** Whether the newest piece was lived with other parameters, or without a condition that the other one had. */
function isRemade(piece: Opening, newest: Opening): boolean {
  const [then, now] = [piece, newest].map(({ lineage }) => {
    const { parameters = {}, without = [] } = lineage?.change ?? {};
    return encodeState({ parameters, without: [...without] });
  });
  return then !== now;
}

/** Facts beside the recording of a timeline that a life's piece stands in, if there are any. */
async function keptFacts(
  timeline: Timeline,
  recording: Recording,
  head: ChainHead,
  opening: Opening,
  fromUs: number,
): Promise<AsyncIterable<KeptStretch> | null> {
  for (let one: Timeline | null = timeline; one !== null; one = one.parent) {
    if (one.recording !== recording || isAddress(one.name)) continue;
    const kept = await new FactsFile(one.name, FACT_NAMES).load(recording, head, opening);
    return kept?.stretches(fromUs) ?? null;
  }
  return null;
}
