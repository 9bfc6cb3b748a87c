import { type Body, cellAt } from '@sigma/fleet-model';
import { cos, sin } from '@sigma/kernel';
import { personMayStand } from './contact.ts';
import { addPerson, removePeople } from './people.ts';
import {
  FAULT_COLUMNS,
  FAULT_UNTIL,
  FAULT_VALUE,
  GYRO_DRIFT,
  HEADING,
  IMU_DRIFT,
  LIDAR_FREEZE,
  PERSON_BECAUSE_OF,
  PERSON_RADIUS_M,
  PERSON_STEPPING,
  PERSON_STEPS_IN,
  PERSON_TARGET_X,
  PERSON_TARGET_Y,
  ROBOT,
  X,
  Y,
} from './state.ts';
import type { ActiveFault, Draft, Injection } from './step.ts';

/** Strength of each fault when the injection names none, by column, and the largest that makes sense. */
const DEFAULT_VALUE = [2.2, 80, 0, 1, 0.02, 0.08, 1, 1, 1, 1.2];
const GREATEST_VALUE = [10, 200, 2, 1, 1, 1, 1, 2, 2, 10];

/** How fast somebody steps in front of a robot, m/s, how far to the side he begins, m, and how long he stays, us. */
const STEP_IN_MPS = 0.8;
const STEP_IN_ASIDE_M = 0.5;
const STEP_IN_STAY_US = 15_000_000;
const NO_FAULTS: readonly ActiveFault[] = [];

/** Applies the injections of one step in their order. What makes no sense is refused with the reason. */
export function inject(draft: Draft, injections: readonly Injection[]): void {
  for (const injection of injections) {
    const reason = injection.type === 'person' ? injectPerson(draft, injection) : injectFault(draft, injection);
    if (reason !== null) draft.refused.push({ injection, reason });
  }
}

function injectFault(draft: Draft, injection: Exclude<Injection, { type: 'person' }>): string | null {
  const robot = draft.layout.indexOf.get(injection.robot);
  if (robot === undefined) return `no robot is called '${injection.robot}'`;
  const fault = FAULT_COLUMNS.indexOf(injection.fault);
  if (fault < 0) return `no fault is called '${injection.fault}'; use one of ${FAULT_COLUMNS.join(', ')}`;
  if (injection.type === 'clear_fault') {
    clear(draft, robot, fault);
    return null;
  }
  const value = injection.value ?? (DEFAULT_VALUE[fault] as number);
  const greatest = GREATEST_VALUE[fault] as number;
  if (!(value >= 0 && value <= greatest))
    return `'value' of ${injection.fault} must be from 0 to ${greatest}, not ${value}`;
  const untilUs = injection.untilUs ?? Infinity;
  if (!(untilUs > draft.fromUs)) return `'untilUs' ${untilUs} is not after ${draft.fromUs}`;
  if (fault === PERSON_STEPS_IN) {
    const leavesAtUs = injection.untilUs ?? draft.fromUs + STEP_IN_STAY_US;
    const refused = stepIn(draft, robot, value, leavesAtUs);
    if (refused === null) set(draft, robot, fault, value, leavesAtUs);
    return refused;
  }
  set(draft, robot, fault, value, untilUs);
  return null;
}

function set(draft: Draft, robot: number, fault: number, value: number, untilUs: number): void {
  draft.robots[robot * ROBOT + FAULT_VALUE + fault] = value;
  draft.robots[robot * ROBOT + FAULT_UNTIL + fault] = untilUs;
}

/** Ends a fault. What it did to the body stays done: heat has to go, charge is lost. */
function clear(draft: Draft, robot: number, fault: number): void {
  set(draft, robot, fault, 0, 0);
  if (fault === IMU_DRIFT) draft.robots[robot * ROBOT + GYRO_DRIFT] = 0;
  if (fault === LIDAR_FREEZE) draft.frozenScans[robot] = null;
  if (fault === PERSON_STEPS_IN) removePeople(draft, (at) => draft.people[at + PERSON_BECAUSE_OF] === robot);
}

/** Ends the faults whose time is over. */
export function expireFaults(draft: Draft): void {
  const r = draft.robots;
  for (let robot = 0; robot * ROBOT < r.length; robot++) {
    for (let fault = 0; fault < FAULT_COLUMNS.length; fault++) {
      const untilUs = r[robot * ROBOT + FAULT_UNTIL + fault] as number;
      if (untilUs !== 0 && untilUs <= draft.fromUs) clear(draft, robot, fault);
    }
  }
}

/** Every active fault, by robot index and column. */
export function activeFaults(r: Float64Array): readonly ActiveFault[] {
  let active: ActiveFault[] | null = null;
  for (let robot = 0; robot * ROBOT < r.length; robot++) {
    for (let fault = 0; fault < FAULT_COLUMNS.length; fault++) {
      const until = r[robot * ROBOT + FAULT_UNTIL + fault] as number;
      if (until === 0) continue;
      const value = r[robot * ROBOT + FAULT_VALUE + fault] as number;
      active ??= [];
      active.push({
        robot,
        fault: FAULT_COLUMNS[fault] as ActiveFault['fault'],
        value,
        untilUs: until === Infinity ? null : until,
      });
    }
  }
  return active ?? NO_FAULTS;
}

/**
 * Somebody steps out beside the robot's way, `aheadM` in front of it, crosses it, and stands there a while. Where walls
 * leave no room aside he appears in the middle of the way; where they leave none ahead, nearer.
 */
function stepIn(draft: Draft, robot: number, aheadM: number, untilUs: number): string | null {
  const r = draft.robots;
  const at = robot * ROBOT;
  const heading = r[at + HEADING] as number;
  const xM = r[at + X] as number;
  const yM = r[at + Y] as number;
  const dirX = cos(heading);
  const dirY = sin(heading);
  const leastM = (draft.layout.bodies[robot] as Body).radiusM + PERSON_RADIUS_M + 0.05;
  for (let ahead = aheadM; ahead >= leastM; ahead -= 0.1) {
    const middleX = xM + dirX * ahead;
    const middleY = yM + dirY * ahead;
    if (!personMayStand(draft, middleX, middleY)) continue;
    let asideM = 0;
    for (const side of [STEP_IN_ASIDE_M, -STEP_IN_ASIDE_M]) {
      const sideX = middleX - dirY * side;
      const sideY = middleY + dirX * side;
      if (asideM === 0 && personMayStand(draft, sideX, sideY)) asideM = side;
    }
    const row = addPerson(draft, {
      xM: middleX - dirY * asideM,
      yM: middleY + dirX * asideM,
      headingRad: heading,
      speedMps: STEP_IN_MPS,
      leavesAtUs: untilUs,
      becauseOf: robot,
    });
    draft.people[row + PERSON_STEPPING] = 1;
    draft.people[row + PERSON_TARGET_X] = middleX;
    draft.people[row + PERSON_TARGET_Y] = middleY;
    return null;
  }
  return `nobody can stand in front of '${draft.layout.robots[robot]?.id}': there is no room`;
}

function injectPerson(draft: Draft, injection: Extract<Injection, { type: 'person' }>): string | null {
  const { xM, yM, headingRad = 0, untilUs = Infinity } = injection;
  if (!Number.isFinite(xM) || !Number.isFinite(yM) || !Number.isFinite(headingRad))
    return 'the place is no finite number';
  if (!(untilUs > draft.fromUs)) return `'untilUs' ${untilUs} is not after ${draft.fromUs}`;
  const { site } = draft.layout;
  const cell = cellAt(site, xM, yM);
  if (cell < 0) return `(${xM}, ${yM}) m lies outside the site`;
  if (site.blocked[cell] !== 0) return `(${xM}, ${yM}) m is inside a wall`;
  if (!personMayStand(draft, xM, yM)) return `a robot stands at (${xM}, ${yM}) m`;
  addPerson(draft, { xM, yM, headingRad, speedMps: 1.2, leavesAtUs: untilUs, becauseOf: -1 });
  return null;
}
