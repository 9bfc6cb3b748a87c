import { RecordedModels, type Site } from '@sigma/fleet-model';
import { WORLD_MODEL, worldReexecutor } from '@sigma/fleet-world';
import {
  agentReexecutor,
  CannotReexecuteError,
  decodeOpening,
  decodeSignal,
  EVENT_TYPE,
  eventsOf,
  type Opening,
  type Recording,
  type Reexecutor,
  type Reexecutors,
  type Timeline,
} from '@sigma/recorder';

/**
 * Re-executors for everything that a fleet's recording can hold: its robots, on the site whose record stands in an
 * opening of the same recording, and the computed world.
 */
export async function fleetReexecutors(recording: Recording): Promise<Reexecutors> {
  return reexecutorsWith(await modelsOf(recording));
}

/** The same for a fork: what it does not say of its sites, its parents do. */
export async function timelineReexecutors(timeline: Timeline): Promise<Reexecutors> {
  return reexecutorsWith(await modelsOn(timeline));
}

/** The models of everything on a timeline. */
export async function modelsOn(timeline: Timeline): Promise<RecordedModels> {
  const models = await modelsOf(timeline.recording);
  for (let parent = timeline.parent; parent !== null; parent = parent.parent) {
    for (const site of (await modelsOf(parent.recording)).sites.values()) models.know(site);
  }
  return models;
}

function reexecutorsWith(models: RecordedModels): Reexecutors {
  const reexecutorFor = (opening: Opening): Reexecutor => {
    const model = models.modelOf(opening);
    if (typeof model === 'string') throw new CannotReexecuteError(model);
    return agentReexecutor(model);
  };
  return { fleet: reexecutorFor, [WORLD_MODEL]: () => worldReexecutor };
}

/** Every site whose whole record stands in an opening, by digest. */
export const sitesOf = async (recording: Recording): Promise<ReadonlyMap<string, Site>> =>
  (await modelsOf(recording)).sites;

/** How often bodies of computed worlds touched something at 0.05 m/s or more, by the worlds' own record. */
export async function contactsIn(recording: Recording): Promise<number> {
  let contacts = 0;
  for (const head of await recording.heads()) {
    let computed = false;
    for await (const event of eventsOf(recording, head, 1, 1)) computed = decodeOpening(event).model === WORLD_MODEL;
    if (!computed) continue;
    for await (const { type, data } of eventsOf(recording, head, 1, head.sequence)) {
      if (type === EVENT_TYPE.signal && decodeSignal(data).name === 'collision') contacts++;
    }
  }
  return contacts;
}

export async function modelsOf(recording: Recording): Promise<RecordedModels> {
  const models = new RecordedModels();
  for (const head of await recording.heads()) {
    for await (const event of eventsOf(recording, head, 1, 1)) models.learn(decodeOpening(event).config);
  }
  return models;
}
