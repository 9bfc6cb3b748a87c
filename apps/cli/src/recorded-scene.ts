import { FleetScene } from '@sigma/fleet-model';
import { openWorld, peopleTruth, stepUnsensed, WORLD_MODEL, worldReexecutor } from '@sigma/fleet-world';
import type { Json, Stimulus } from '@sigma/kernel';
import { CannotReexecuteError, type Opening } from '@sigma/recorder';

/** Between two pictures of a world that is run again. */
const PICTURE_US = 100_000;
/** Shoulder breadth of the people in a computed world, for the eye only. */
const PERSON_M = 0.5;

/**
 * How a fleet's recording looks: its robots and, when it is run again, the people of its computed world, whether a robot
 * saw them or not.
 */
export class RecordedScene {
  readonly #robots: FleetScene;
  readonly #reexecute: boolean;

  constructor(reexecute: boolean) {
    this.#robots = new FleetScene({ reexecute });
    this.#reexecute = reexecute;
  }

  floorOf(config: Json) {
    return this.#robots.floorOf(config);
  }

  chainOf(opening: Opening) {
    if (opening.model !== WORLD_MODEL) return this.#robots.chainOf(opening);
    const again = this.#reexecute ? worldAgain(opening) : null;
    return again === null ? null : { body: null, channels: {}, shown: () => null, again };
  }
}

/** The people of a world, ten times a second, or null where this program computes worlds another way. */
function worldAgain(opening: Opening) {
  try {
    worldReexecutor.open(opening);
  } catch (error) {
    if (error instanceof CannotReexecuteError) return null;
    throw error;
  }
  let world = openWorld(opening, null);
  let belief = { place: null, others: [] as ReturnType<typeof peopleIn> };
  let picturedUs = Number.NEGATIVE_INFINITY;
  return {
    restore: (state: Uint8Array): boolean => {
      try {
        world = openWorld(opening, state);
        return true;
      } catch {
        return false;
      }
    },
    wake: (atUs: number, inbox: readonly Stimulus[]) => {
      world = stepUnsensed(world, inbox).world;
      if (atUs - picturedUs >= PICTURE_US) {
        picturedUs = atUs;
        belief = { place: null, others: peopleIn(world) };
      }
      return belief;
    },
  };
}

const peopleIn = (world: ReturnType<typeof openWorld>) =>
  peopleTruth(world).map(({ id, xM, yM }) => ({ id: `person ${id}`, kind: 'person', xM, yM, widthM: PERSON_M }));
