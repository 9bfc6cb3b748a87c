import type { RecordedModels } from '@sigma/fleet-model';
import {
  type ChainHead,
  FactsDisagreeError,
  type KeptStretch,
  type Opening,
  pieceAt,
  type Recording,
  type Timeline,
  tryPolicy,
} from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { FACT_NAMES, FleetTrials } from './fleet-trial.ts';
import { ForkRefusedError, type ForkRequest } from './fork-request.ts';
import { isAddress } from './named-recording.ts';

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
  let looked = 0;
  for (const life of robots) {
    const { source } = life;
    if (request.everybody === true || atOnce.has(source) || (remade && concerned(source))) fromUs.set(source, atUs);
    else if (policy !== null && concerned(source)) {
      const { recording, head } = pieceAt(life, atUs);
      const trials = new FleetTrials(models, policy);
      const span = { fromUs: atUs, untilUs: atUs + forUs };
      const options = { ...span, onlyFirst: true, trialOf: (opening: Opening) => trials.of(opening) };
      const factsOf = async (opening: Opening) => keptFacts(timeline, recording, head, opening, atUs);
      const trial = await tryPolicy(recording, head, { ...options, factsOf }).catch((error: Error) => {
        if (error instanceof FactsDisagreeError) return tryPolicy(recording, head, options);
        throw error;
      });
      if (trial.leftOutBecause !== null)
        throw new ForkRefusedError(`${source} cannot be run again: ${trial.leftOutBecause}`);
      looked += trial.wakes;
      if (trial.firstUs !== null) fromUs.set(source, trial.firstUs);
    }
  }
  return { fromUs, looked };
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
