import { RecordedModels, type Site } from '@sigma/fleet-model';
import {
  agentReexecutor,
  CannotReexecuteError,
  decodeOpening,
  eventsOf,
  type Opening,
  type Recording,
  type Reexecutor,
  type Reexecutors,
} from '@sigma/recorder';

/**
 * Terrain models that this browser can run again: the robots of a fleet, each on the site that its opening names by
 * digest. The site is read from the recording's own openings, or is `shown`, the one that the hub shows now; a site
 * proves itself by its digest. What computes the world is not part of a browser: such a chain is checked as a chain.
 */
export async function fleetReexecutors(recording: Recording, shown: Site | null): Promise<Reexecutors> {
  const models = new RecordedModels();
  if (shown !== null) models.know(shown);
  for (const head of await recording.heads()) await learnOpening(models, recording, head);
  const reexecutorFor = (opening: Opening): Reexecutor => {
    const model = models.modelOf(opening);
    if (typeof model === 'string') throw new CannotReexecuteError(model);
    return agentReexecutor(model);
  };
  return { fleet: reexecutorFor };
}

/** An opening that cannot be read names no site; that it cannot be read is for `verify` to say, with its place. */
async function learnOpening(
  models: RecordedModels,
  recording: Recording,
  head: Parameters<Recording['blocks']>[0],
): Promise<void> {
  try {
    for await (const event of eventsOf(recording, head, 1, 1)) models.learn(decodeOpening(event).config);
  } catch {
    // Left to `verify`.
  }
}
