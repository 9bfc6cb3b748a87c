import type { Situation } from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import type { Ground } from '../ground.ts';
import { freePathM, nearestPerson } from '../reflexes/separation.ts';
import { cellAt } from '../site/site.ts';

export type ContextType = 'double' | 'string' | 'bool' | 'list(string)';
type Value = number | string | boolean | readonly string[];

/** What a rule may name. Distances of things that are not there are 1000 m. */
interface Entry {
  readonly type: ContextType;
  readonly read: (situation: Situation<FleetBelief>, ground: Ground) => Value;
}

const FAR_M = 1000;
const NO_ZONES: readonly string[] = [];
const cellOf = ({ world }: Situation<FleetBelief>, ground: Ground): number =>
  cellAt(ground.site, world.motion.xM, world.motion.yM);

const number = (read: Entry['read']): Entry => ({ type: 'double', read });
const text = (read: Entry['read']): Entry => ({ type: 'string', read });
const truth = (read: Entry['read']): Entry => ({ type: 'bool', read });

export const CONTEXT: Readonly<Record<string, Entry>> = {
  'robot.name': text(({ world }) => world.name),
  'robot.body': text(({ world }) => world.body),
  'robot.speed_mps': number(({ world }) => Math.abs(world.motion.speedMps)),
  'robot.turn_radps': number(({ world }) => Math.abs(world.motion.turnRadps)),
  'robot.tilt_rad': number(({ world }) => Math.max(Math.abs(world.motion.pitchRad), Math.abs(world.motion.rollRad))),
  'robot.battery': number(({ world }) => world.health.charge),
  'robot.battery_v': number(({ world }) => world.health.batteryV),
  'robot.motor_c': number(({ world }) => Math.max(world.health.motorLeftC, world.health.motorRightC)),
  'robot.board_c': number(({ world }) => world.health.boardC),
  'robot.loaded': truth(({ world }) => world.cargo !== null),
  'robot.cargo': text(({ world }) => world.cargo ?? ''),
  'robot.docked': truth(({ world }) => world.docked !== null),
  'robot.payload_kg': number(({ world }) => bodyOf(world).payloadKg),
  'robot.position_sigma_m': number(({ world }) => Math.sqrt(world.motion.positionVar)),
  'person.distance_m': number(({ world }) => nearestPerson(world)?.distanceM ?? FAR_M),
  'person.count': number(({ world }) => {
    let count = 0;
    for (const track of world.sight.tracks) if (track.kind === 'person' && track.confirmed) count++;
    return count;
  }),
  'path.free_m': number(({ world }) => Math.min(FAR_M, freePathM(world))),
  'zone.ids': {
    type: 'list(string)',
    read: (situation, ground) => ground.zonesOf[cellOf(situation, ground)] ?? NO_ZONES,
  },
  'zone.work': truth((situation, ground) => ground.work[cellOf(situation, ground)] === 1),
  'zone.restricted': truth((situation, ground) => ground.restricted[cellOf(situation, ground)] === 1),
  'task.kind': text(({ task }) => task?.kind ?? ''),
  'task.priority': number(({ task }) => task?.priority ?? 0),
  'plan.confidence': number(({ confidence }) => confidence),
  'plan.from': text(({ plan }) => plan?.from ?? ''),
  'intent.name': text(({ plan }) => plan?.intents[plan.cursor]?.name ?? ''),
  mode: text(({ mode }) => mode),
  chain: text(({ chain }) => chain),
  'link.silent_s': number(({ linkSilentUs }) => linkSilentUs * 1e-6),
  'violations.recent': number(({ recentViolations }) => recentViolations),
};

/** Values of the names that a rule uses, and only of those. */
export function contextOf(
  names: readonly string[],
  situation: Situation<FleetBelief>,
  ground: Ground,
): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const name of names) values[name] = (CONTEXT[name] as Entry).read(situation, ground);
  return values;
}
