import {
  BUMPER,
  CHARGE,
  DOCKED,
  GROUND_SPEED,
  GROUND_TURN,
  HEADING,
  LOAD_KG,
  PERSON,
  PERSON_DIR_X,
  PERSON_DIR_Y,
  PERSON_ID,
  PERSON_X,
  PERSON_Y,
  ROBOT,
  type World,
  X,
  Y,
} from './state.ts';

/** Where a robot really is and how it really is, for viewers and tests. No robot knows this of itself. */
export interface RobotTruth {
  readonly id: string;
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  readonly turnRadps: number;
  /** 0 to 1. */
  readonly charge: number;
  readonly loadKg: number;
  readonly item: string | null;
  /** Id of the dock or charger whose contacts are closed. */
  readonly dockedAt: string | null;
  readonly touching: boolean;
}

export interface PersonTruth {
  readonly id: number;
  readonly xM: number;
  readonly yM: number;
  /** Unit vector of the way they face. */
  readonly facingX: number;
  readonly facingY: number;
}

/** @throws RangeError for an index that no robot has */
export function robotTruth(world: World, robot: number): RobotTruth {
  const plan = world.layout.robots[robot];
  if (plan === undefined) throw new RangeError(`no robot has index ${robot}`);
  const at = (field: number) => world.robots[robot * ROBOT + field] as number;
  return {
    id: plan.id,
    xM: at(X),
    yM: at(Y),
    headingRad: at(HEADING),
    speedMps: at(GROUND_SPEED),
    turnRadps: at(GROUND_TURN),
    charge: at(CHARGE),
    loadKg: at(LOAD_KG),
    item: world.cargo[robot] ?? null,
    dockedAt: world.layout.places[at(DOCKED)]?.id ?? null,
    touching: at(BUMPER) === 1,
  };
}

export function peopleTruth(world: World): PersonTruth[] {
  const list: PersonTruth[] = [];
  for (let row = 0; row < world.people.length; row += PERSON) {
    const at = (field: number) => world.people[row + field] as number;
    list.push({
      id: at(PERSON_ID),
      xM: at(PERSON_X),
      yM: at(PERSON_Y),
      facingX: at(PERSON_DIR_X),
      facingY: at(PERSON_DIR_Y),
    });
  }
  return list;
}
