import { applyCommands, runActions } from './actions.ts';
import { driveRobots } from './drive.ts';
import { activeFaults, expireFaults, inject } from './faults.ts';
import { walkPeople } from './people.ts';
import { powerRobots } from './power.ts';
import { sense, wearSensors } from './sensors.ts';
import type { World } from './state.ts';
import { type Draft, draftOf, type Outcomes, type WorldInputs, worldOf } from './step.ts';

/**
 * The world one step (10 ms) later, and what came of it. Pure: the same world and inputs give the same bits, in any
 * engine, and the world given is not changed. People move first, then robots by index; see SPEC.md.
 * @throws RangeError when the inputs are for another instant or another number of robots
 */
export const resolve = (world: World, inputs: WorldInputs): Resolved => resolveWith(sense, world, inputs);

/** Whose frames are wanted, asked when everything has moved: columns of robots and people as in `World`. */
export type Senses = (robot: number, moved: Pick<World, 'robots' | 'people'>) => boolean;

/**
 * The same with the frames of some robots only; the others' are empty.
 *
 * @throws RangeError as `resolve` does
 */
export const resolveSensing = (world: World, inputs: WorldInputs, senses: Senses): Resolved =>
  resolveWith((draft) => sense(draft, senses), world, inputs);

/**
 * The same without frames: where a step was recorded, what the robots sensed stands on their own records. The world and
 * every other outcome are those of `resolve`, bit for bit.
 *
 * @throws RangeError as `resolve` does
 */
export const resolveUnsensed = (world: World, inputs: WorldInputs): Resolved =>
  resolveWith(sensedNothing, world, inputs);

interface Resolved {
  readonly world: World;
  readonly outcomes: Outcomes;
}

function sensedNothing(draft: Draft): Outcomes['frames'] {
  wearSensors(draft);
  return [];
}

function resolveWith(sensing: (draft: Draft) => Outcomes['frames'], world: World, inputs: WorldInputs): Resolved {
  const count = world.layout.robots.length;
  if (inputs.atUs !== world.atUs) {
    throw new RangeError(`the world stands at ${world.atUs} us, the inputs are for ${inputs.atUs} us`);
  }
  if (inputs.commands.length !== count) {
    throw new RangeError(`the world has ${count} robots, the inputs name commands for ${inputs.commands.length}`);
  }
  const draft = draftOf(world);
  expireFaults(draft);
  inject(draft, inputs.injections);
  applyCommands(draft, inputs.commands);
  walkPeople(draft);
  driveRobots(draft);
  powerRobots(draft);
  runActions(draft);
  const frames = sensing(draft);
  const { results, collisions, refused } = draft;
  return {
    world: worldOf(draft),
    outcomes: { frames, results, collisions, faults: activeFaults(draft.robots), refused },
  };
}
