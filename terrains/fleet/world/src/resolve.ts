import { applyCommands, runActions } from './actions.ts';
import { driveRobots } from './drive.ts';
import { activeFaults, expireFaults, inject } from './faults.ts';
import { walkPeople } from './people.ts';
import { powerRobots } from './power.ts';
import { sense } from './sensors.ts';
import type { World } from './state.ts';
import { draftOf, type Outcomes, type WorldInputs, worldOf } from './step.ts';

/**
 * The world one step (10 ms) later, and what came of it. Pure: the same world and inputs give the same bits, in any
 * engine, and the world given is not changed. People move first, then robots by index; see SPEC.md.
 * @throws RangeError when the inputs are for another instant or another number of robots
 */
export function resolve(world: World, inputs: WorldInputs): { readonly world: World; readonly outcomes: Outcomes } {
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
  const frames = sense(draft);
  const { results, collisions, refused } = draft;
  return {
    world: worldOf(draft),
    outcomes: { frames, results, collisions, faults: activeFaults(draft.robots), refused },
  };
}
