import { BODIES, type Body, centreXM, centreYM, type Site } from '@sigma/fleet-model';
import { agentKey, drawNormal, drawUnit, purpose } from '@sigma/kernel';
import { wallAt } from './contact.ts';
import { firstPeople } from './people.ts';
import { AMBIENT_C, openVoltage } from './power.ts';
import {
  BATTERY_VOLTAGE,
  CHARGE,
  CYCLES,
  DOCKED,
  GYRO_BIAS,
  type Layout,
  ROBOT,
  type RobotPlan,
  TEMP_BATTERY,
  TEMP_BOARD,
  TEMP_LEFT,
  TEMP_RIGHT,
  type World,
  type WorldPlace,
  X,
  Y,
} from './state.ts';

/** A world that cannot begin. The message names the robot and the way out. */
export class WorldSetupError extends Error {
  readonly robot: string | null;

  constructor(robot: string | null, problem: string) {
    super(robot === null ? problem : `robot '${robot}': ${problem}`);
    this.name = 'WorldSetupError';
    this.robot = robot;
  }
}

export interface WorldSetup {
  readonly site: Site;
  /** uint32. */
  readonly seed: number;
  readonly robots: readonly RobotPlan[];
  /** People who walk the site from the start, 0 to 10,000. */
  readonly people: number;
}

const START = purpose('world-robot-start');
/** Batteries begin charged and used to this extent. */
const FIRST_CHARGE = [0.75, 1] as const;
const FIRST_CYCLES = [20, 320] as const;
const FIRST_BIAS_SIGMA = 0.002;

/**
 * A world at instant 0: every robot stands in the middle of its cell and faces east, docked where the cell is a dock
 * or charger.
 * @throws WorldSetupError
 */
export function createWorld(setup: WorldSetup): World {
  const layout = layoutOf(setup);
  const count = layout.robots.length;
  const robots = new Float64Array(count * ROBOT);
  for (let robot = 0; robot < count; robot++) place(layout, robots, robot);
  const people = firstPeople(layout.site, layout.seed, setup.people, robots);
  const none = <T>(): (T | null)[] => Array.from({ length: count }, () => null);
  return {
    layout,
    atUs: 0,
    tick: 0,
    robots,
    people,
    actions: none(),
    finished: none(),
    cargo: none(),
    frozenScans: none(),
  };
}

/** What never changes in a world of that setup. */
export function layoutOf(setup: WorldSetup): Layout {
  const { site, seed, robots, people } = setup;
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new WorldSetupError(null, `seed ${seed} is no whole number from 0 to 4294967295`);
  }
  if (!Number.isSafeInteger(people) || people < 0 || people > 10_000) {
    throw new WorldSetupError(null, `${people} people: give a whole number from 0 to 10000`);
  }
  const indexOf = new Map<string, number>();
  const keys = new Uint32Array(robots.length);
  const keyOwner = new Map<number, string>();
  robots.forEach(({ id, body }, robot) => {
    if (indexOf.has(id)) throw new WorldSetupError(id, 'stands twice; give every robot its own id');
    if (!Object.hasOwn(BODIES, body))
      throw new WorldSetupError(id, `no body is called '${body}'; use humanoid or carrier`);
    const key = agentKey(id);
    const owner = keyOwner.get(key);
    if (owner !== undefined) throw new WorldSetupError(id, `shares its key of chance with '${owner}'; rename one`);
    keyOwner.set(key, id);
    indexOf.set(id, robot);
    keys[robot] = key;
  });
  const list = (kind: WorldPlace['kind'], places: Site['docks']): WorldPlace[] =>
    places.map(({ id, cell }) => ({ id, cell, kind, xM: centreXM(site, cell), yM: centreYM(site, cell) }));
  const places = [...list('dock', site.docks), ...list('charger', site.chargers), ...list('station', site.stations)];
  const placeOf = new Map(places.map(({ id }, k) => [id, k]));
  const bodies = robots.map(({ body }): Body => BODIES[body]);
  return { site, seed, robots, bodies, keys, indexOf, places, placeOf, clutter: clutterOf(site), people };
}

function place(layout: Layout, r: Float64Array, robot: number): void {
  const { site, seed } = layout;
  const { id, cell } = layout.robots[robot] as RobotPlan;
  const body = layout.bodies[robot] as Body;
  if (!Number.isSafeInteger(cell) || site.blocked[cell] !== 0) {
    throw new WorldSetupError(id, `cannot start in cell ${cell}: it is no floor of site '${site.name}'`);
  }
  const xM = centreXM(site, cell);
  const yM = centreYM(site, cell);
  if (wallAt(site, xM, yM, body.radiusM) !== null) {
    const problem = `a body of ${2 * body.radiusM} m does not fit into cell ${cell} of ${site.metresPerCell} m`;
    throw new WorldSetupError(id, `${problem}; start it where there is room or make the cells larger`);
  }
  for (let other = 0; other < robot; other++) {
    const dx = xM - (r[other * ROBOT + X] as number);
    const dy = yM - (r[other * ROBOT + Y] as number);
    const leastM = body.radiusM + (layout.bodies[other] as Body).radiusM;
    if (dx * dx + dy * dy < leastM * leastM) {
      throw new WorldSetupError(id, `starts on top of '${layout.robots[other]?.id}'; give it another cell`);
    }
  }
  const at = robot * ROBOT;
  const key = layout.keys[robot] as number;
  const between = (n: number, [least, most]: readonly [number, number]) =>
    least + drawUnit(seed, key, 0, START, n) * (most - least);
  r[at + X] = xM;
  r[at + Y] = yM;
  r[at + CHARGE] = between(0, FIRST_CHARGE);
  r[at + CYCLES] = between(1, FIRST_CYCLES);
  r[at + BATTERY_VOLTAGE] = openVoltage(r[at + CHARGE] as number);
  r[at + TEMP_LEFT] = AMBIENT_C + 2;
  r[at + TEMP_RIGHT] = AMBIENT_C + 2;
  r[at + TEMP_BOARD] = AMBIENT_C + 12;
  r[at + TEMP_BATTERY] = AMBIENT_C + 1;
  r[at + GYRO_BIAS] = drawNormal(seed, key, 0, START, 2) * FIRST_BIAS_SIGMA;
  r[at + DOCKED] = layout.places.findIndex((p) => p.cell === cell && p.kind !== 'station');
}

function clutterOf(site: Site): Uint8Array {
  const { width, height, blocked } = site;
  const clutter = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let walls = 0;
      for (let r = row - 1; r <= row + 1; r++) {
        for (let c = column - 1; c <= column + 1; c++) {
          const inside = r >= 0 && r < height && c >= 0 && c < width;
          if ((r !== row || c !== column) && (!inside || blocked[r * width + c] !== 0)) walls++;
        }
      }
      clutter[row * width + column] = walls;
    }
  }
  return clutter;
}
