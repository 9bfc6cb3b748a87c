import type { RecordedModels } from '@sigma/fleet-model';
import { pieceAt, type Timeline, tryPolicy } from '@sigma/recorder';
import { FleetTrials } from './fleet-trial.ts';
import { ForkRefusedError, type ForkRequest } from './fork-request.ts';

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
      const trial = await tryPolicy(recording, head, { ...span, trialOf: (opening) => trials.of(opening) });
      if (trial.leftOutBecause !== null)
        throw new ForkRefusedError(`${source} cannot be run again: ${trial.leftOutBecause}`);
      looked += trial.wakes;
      if (trial.firstUs !== null) fromUs.set(source, trial.firstUs);
    }
  }
  return { fromUs, looked };
}
