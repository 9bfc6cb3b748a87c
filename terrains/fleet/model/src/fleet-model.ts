import type { TerrainModel } from '@sigma/kernel';
import { type FleetBelief, initialBelief, parseRobotConfig } from './belief/belief.ts';
import { foldBelief } from './belief/fold.ts';
import { CHANNELS } from './channels.ts';
import { fleetFailsafe } from './failsafe/catalogue.ts';
import { FLEET_FLAGS } from './flags.ts';
import { fencedGround, groundOf } from './ground.ts';
import { compilePolicy, type PolicyText } from './policy/policy.ts';
import { fleetReflexes } from './reflexes/catalogue.ts';
import type { Site } from './site/site.ts';
import { clampFleet, hazardOf } from './skills/bounds.ts';
import { excuses, expectCommand, observe } from './skills/expect.ts';
import { HOLD_COMMAND, intentProgress, parametrize } from './skills/parametrize.ts';
import { refuseTask, taskProgress } from './skills/tasks.ts';

export interface FleetModelOptions {
  readonly site: Site;
  readonly policy: PolicyText;
}

/**
 * What gives the kernel meaning for robots on a site.
 *
 * @throws BrokenRuleError when a rule of the policy cannot be compiled
 */
export function fleetModel({ site, policy }: FleetModelOptions): TerrainModel<FleetBelief> {
  const ground = groundOf(site);
  const groundNow = ({ fences }: FleetBelief) => fencedGround(ground, fences);
  return {
    name: 'fleet',
    version: 2,
    flags: FLEET_FLAGS,
    rates: { reflexUs: 10_000, situationEvery: 10, supervisionEvery: 50 },
    chain: {
      primaryTimeoutUs: 2_000_000,
      secondaryTimeoutUs: 2_000_000,
      recoverUs: 3_000_000,
      strikes: 4,
      strikeWindowUs: 30_000_000,
      suspendUs: 30_000_000,
    },
    failsafe: fleetFailsafe(ground),
    reflexes: fleetReflexes(ground),
    policy: compilePolicy(policy, ground),
    channels: Object.fromEntries(CHANNELS.map(({ channel, fields }) => [channel, fields])),
    initial: (config, atUs, flags) => initialBelief(parseRobotConfig(ground, config), atUs, flags),
    fold: (world, stimulus, atUs) => foldBelief(world, ground, stimulus, atUs),
    rest: HOLD_COMMAND,
    clamp: (command, restriction, world) => clampFleet(command, restriction, world, groundNow(world)),
    hazard: hazardOf,
    refuses: (world, task) => refuseTask(world, groundNow(world), task),
    taskProgress,
    intentProgress,
    parametrize,
    swarm: () => [],
    expect: (world, command, atUs) => expectCommand(world, groundNow(world), command, atUs),
    observe,
    excuses,
    // Right of way is granted by the hub and kept by the reflexes; robots of this terrain promise each other nothing.
    promise: (_world, _promise, atUs) => (atUs > _promise.dueUs ? 'broken' : 'pending'),
  };
}
