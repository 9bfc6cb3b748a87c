import type { PoseColumns } from '../live/poses.ts';
import { STALE_MS } from '../live/site-view.ts';

/** Two sightings nearer than this are one person. */
const SAME_PERSON_M = 0.6;
/** A robot's hull and somewhat more: what others saw this near to where it stood was the robot itself. */
const ROBOT_REACH_M = 0.7;

/** Whom a robot believed to see: x and y in turn, metres. */
export interface Sighting {
  readonly by: string;
  readonly peopleM: ArrayLike<number>;
}

/**
 * Everybody whom some robot saw, each once, x and y in turn, as the hub counts them in the present: a robot that had not
 * heard of another one yet took it for a person; what it saw itself stays, however near.
 */
export function sightedPeople(
  sightings: Iterable<Sighting>,
  ids: readonly string[],
  poses: Pick<PoseColumns, 'xM' | 'yM' | 'ageMs'>,
): Float32Array {
  const people: number[] = [];
  const isRobot = (by: string, xM: number, yM: number): boolean => {
    for (let k = 0; k < ids.length; k++) {
      if (ids[k] === by || !((poses.ageMs[k] as number) <= STALE_MS)) continue;
      if (Math.hypot((poses.xM[k] as number) - xM, (poses.yM[k] as number) - yM) < ROBOT_REACH_M) return true;
    }
    return false;
  };
  for (const { by, peopleM } of sightings) {
    for (let k = 0; k + 1 < peopleM.length; k += 2) {
      const [xM, yM] = [peopleM[k] as number, peopleM[k + 1] as number];
      if (!isNear(people, xM, yM) && !isRobot(by, xM, yM)) people.push(xM, yM);
    }
  }
  return Float32Array.from(people);
}

function isNear(points: readonly number[], xM: number, yM: number): boolean {
  for (let k = 0; k < points.length; k += 2) {
    if (Math.hypot((points[k] as number) - xM, (points[k + 1] as number) - yM) < SAME_PERSON_M) return true;
  }
  return false;
}
