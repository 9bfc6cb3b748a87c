import type { Command, Restriction, Situation } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import { BODIES, type Body } from '../bodies.ts';
import { DRIVE } from '../commands.ts';
import type { Ground } from '../ground.ts';
import { turnsFreely } from '../reflexes/corridor.ts';
import { NO_FENCES } from '../site/fence.ts';
import { beliefReader, channelsOf, FACTS, readFacts, topicsOf } from './foresee.ts';

const KINDS = Object.keys(BODIES) as Body['kind'][];
const NO_DRIVE: readonly number[] = [0, 0, 0];

/**
 * What of a robot's belief bounds a command: its body, how fast it moves and how it is led. That is all as long as no zone
 * is barred and nothing stands in the way of its turn; else only the whole belief will do, and there is no brief.
 */
const brief = {
  width: 3,

  /** Numbers by which this command, and whatever closer bounds leave of it, is clamped as by the belief; null: by the belief alone. */
  of: (command: Command, { forbid }: Restriction, world: FleetBelief): readonly number[] | null => {
    if (command.name !== DRIVE) return NO_DRIVE;
    if (forbid.some((thing) => thing.startsWith('zone:'))) return null;
    const { turnRadps = 0 } = command.params;
    if (typeof turnRadps !== 'number' || !turnsFreely(world, turnRadps)) return null;
    return [KINDS.indexOf(world.body), world.motion.speedMps, world.ledAway === true ? 1 : 0];
  },

  /** A belief to clamp by, and nothing else: it has seen nothing, as one whose way is free. */
  world: ([body = 0, speedMps = 0, ledAway = 0]: readonly number[]): FleetBelief =>
    ({
      body: KINDS[body],
      motion: { speedMps },
      sight: {},
      fences: NO_FENCES,
      ...(ledAway === 1 ? { ledAway: true } : {}),
    }) as unknown as FleetBelief,
};

/** What rules may read of robots on a site, and what it takes to say what more bounds would have left of a command. */
export const fleetFacts = (ground: Ground) => ({
  facts: FACTS,
  read: (situation: Situation<FleetBelief>): readonly (number | string)[] => readFacts(situation, ground),
  ofBelief: (name: string) => beliefReader(name, ground),
  channelsOf,
  topicsOf,
  brief,
});
