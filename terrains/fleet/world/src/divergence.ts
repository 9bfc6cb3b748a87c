import {
  GYRO_BIAS,
  GYRO_DRIFT,
  HEADING,
  type Layout,
  PERSON,
  PERSON_RADIUS_M,
  PERSON_X,
  PERSON_Y,
  ROBOT,
  type World,
  X,
  Y,
} from './state.ts';

type Bodies = Pick<World, 'robots' | 'people'>;

/** A body that stands elsewhere than in the other world: both places, and how far it reaches. */
interface Moved {
  readonly robot: number;
  readonly places: readonly (readonly [xM: number, yM: number])[];
  readonly radiusM: number;
}

/** How two worlds of one layout differ at one instant. */
export interface Divergence {
  /** True where nothing that is compared differs. */
  readonly none: boolean;
  /** Whether what a robot senses may differ: never false where it does. */
  readonly mayNotice: (robot: number) => boolean;
}

/**
 * Holds two worlds of one layout against each other: which robots are otherwise themselves, and who has a body within range
 * of the lidar that stands elsewhere. What gyros drift by chance, and alike in both, is left out.
 */
export function divergence({ bodies }: Layout, one: Bodies, other: Bodies): Divergence {
  const otherwise = new Set<number>();
  const moved: Moved[] = [];
  for (let robot = 0; robot < bodies.length; robot++) {
    const at = robot * ROBOT;
    for (let field = 0; field < ROBOT; field++) {
      if (field === GYRO_BIAS || field === GYRO_DRIFT || same(one.robots, other.robots, at + field)) continue;
      otherwise.add(robot);
      if (field !== X && field !== Y && field !== HEADING) continue;
      moved.push({
        robot,
        places: [placeOf(one.robots, at + X, at + Y), placeOf(other.robots, at + X, at + Y)],
        radiusM: (bodies[robot] as Layout['bodies'][number]).radiusM,
      });
      break;
    }
  }
  for (let at = 0; at < Math.max(one.people.length, other.people.length); at += PERSON) {
    if (same(one.people, other.people, at + PERSON_X) && same(one.people, other.people, at + PERSON_Y)) continue;
    const places = [one.people, other.people]
      .filter((people) => at < people.length)
      .map((people) => placeOf(people, at + PERSON_X, at + PERSON_Y));
    moved.push({ robot: -1, places, radiusM: PERSON_RADIUS_M });
  }
  return {
    none: otherwise.size === 0 && moved.length === 0,
    mayNotice: (robot) => {
      if (otherwise.has(robot)) return true;
      const xM = one.robots[robot * ROBOT + X] as number;
      const yM = one.robots[robot * ROBOT + Y] as number;
      const rangeM = (bodies[robot] as Layout['bodies'][number]).lidarRangeM;
      return moved.some(
        (body) =>
          body.robot !== robot &&
          body.places.some(
            ([x, y]) => (x - xM) * (x - xM) + (y - yM) * (y - yM) <= (rangeM + body.radiusM) * (rangeM + body.radiusM),
          ),
      );
    },
  };
}

const same = (a: Float64Array, b: Float64Array, at: number): boolean => Object.is(a[at], b[at]);

const placeOf = (values: Float64Array, x: number, y: number): readonly [number, number] => [
  values[x] as number,
  values[y] as number,
];
