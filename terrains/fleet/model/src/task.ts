import type { Json, Task } from '@sigma/kernel';

/** The fleet's kinds of task with their arguments, read once from the JSON of an order. */
export type FleetTask =
  | { readonly kind: 'cover'; readonly cells: readonly number[]; readonly sensingRadiusM: number }
  | { readonly kind: 'goto'; readonly xM: number; readonly yM: number; readonly headingRad: number | null }
  | { readonly kind: 'patrol'; readonly points: readonly PatrolPoint[]; readonly rounds: number }
  | {
      readonly kind: 'deliver';
      readonly from: string;
      readonly to: string;
      readonly item: string;
      readonly massKg: number;
    }
  | { readonly kind: 'dock'; readonly place: string };

export interface PatrolPoint {
  readonly xM: number;
  readonly yM: number;
}

type Fields = Readonly<Record<string, Json | undefined>>;

const finite = (value: Json | undefined): value is number => typeof value === 'number' && Number.isFinite(value);
const text = (value: Json | undefined): value is string => typeof value === 'string' && value !== '';

/** The task, or a sentence that says what is wrong with its arguments. */
export function readTask(task: Task): FleetTask | string {
  if (typeof task.args !== 'object' || task.args === null || Array.isArray(task.args)) {
    return `task ${task.id}: args must be an object`;
  }
  const args = task.args as Fields;
  const wrong = (what: string): string => `task ${task.id} (${task.kind}): ${what}`;
  switch (task.kind) {
    case 'cover': {
      const { cells, sensingRadiusM } = args;
      if (
        !Array.isArray(cells) ||
        cells.length === 0 ||
        !cells.every((cell) => Number.isSafeInteger(cell) && (cell as number) >= 0)
      ) {
        return wrong('cells must be a list of at least one cell number');
      }
      if (!finite(sensingRadiusM) || sensingRadiusM <= 0) return wrong('sensingRadiusM must be above 0');
      return { kind: 'cover', cells: cells as readonly number[], sensingRadiusM };
    }
    case 'goto': {
      const { xM, yM, headingRad } = args;
      if (!finite(xM) || !finite(yM)) return wrong('xM and yM must be finite numbers');
      if (headingRad !== undefined && headingRad !== null && !finite(headingRad))
        return wrong('headingRad must be a finite number');
      return { kind: 'goto', xM, yM, headingRad: finite(headingRad) ? headingRad : null };
    }
    case 'patrol': {
      const points = readPoints(args.points);
      if (points === null) return wrong('points must be a list of at least one { xM, yM }');
      const { rounds } = args;
      if (!Number.isSafeInteger(rounds) || (rounds as number) < 1)
        return wrong('rounds must be a whole number of at least 1');
      return { kind: 'patrol', points, rounds: rounds as number };
    }
    case 'deliver': {
      const { from, to, item, massKg } = args;
      if (!text(from) || !text(to) || !text(item)) return wrong('from, to and item must be texts');
      if (massKg !== undefined && !(finite(massKg) && massKg >= 0))
        return wrong('massKg must be a number of at least 0');
      return { kind: 'deliver', from, to, item, massKg: finite(massKg) ? massKg : 0 };
    }
    case 'dock':
      return text(args.place) ? { kind: 'dock', place: args.place } : wrong('place must be a text');
    default:
      return wrong("no such kind of task; a robot knows 'cover', 'goto', 'patrol', 'deliver' and 'dock'");
  }
}

function readPoints(points: Json | undefined): readonly PatrolPoint[] | null {
  if (!Array.isArray(points) || points.length === 0) return null;
  const read: PatrolPoint[] = [];
  for (const point of points as readonly Json[]) {
    if (typeof point !== 'object' || point === null || Array.isArray(point)) return null;
    const { xM, yM } = point as Fields;
    if (!finite(xM) || !finite(yM)) return null;
    read.push({ xM, yM });
  }
  return read;
}
