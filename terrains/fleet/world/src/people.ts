import { cellAt, centreXM, centreYM, type Site } from '@sigma/fleet-model';
import { cos, draw, drawUnit, hypot, purpose, sin } from '@sigma/kernel';
import { personMayStand } from './contact.ts';
import {
  PERSON,
  PERSON_BECAUSE_OF,
  PERSON_BLOCKED_US,
  PERSON_DIR_X,
  PERSON_DIR_Y,
  PERSON_ID,
  PERSON_LEAVES_AT_US,
  PERSON_PAUSE_UNTIL_US,
  PERSON_RADIUS_M,
  PERSON_SPEED,
  PERSON_STEPPING,
  PERSON_TARGET_X,
  PERSON_TARGET_Y,
  PERSON_X,
  PERSON_Y,
  ROBOT,
  STEP_S,
  STEP_US,
  X,
  Y,
} from './state.ts';
import type { Draft } from './step.ts';

/** Slowest and fastest walk, m/s. */
const WALK_MPS = [1.0, 1.5] as const;
/** Someone stands still for a robot whose surface is this near in front of him, m, and turns back after a while, us. */
const PERSONAL_SPACE_M = 0.6;
const PATIENCE_US = 2_500_000;
/** One cell in this many, somebody stops to do something, for so many seconds. */
const PAUSE_ONE_IN = 25;
const PAUSE_S = [2, 8] as const;
/** How much likelier somebody walks straight on than round a corner. */
const STRAIGHT_ON = 8;

const WAY = purpose('world-person-way');
const PAUSE = purpose('world-person-pause');
const START = purpose('world-person-start');

/** Seconds that someone who stepped in front of a robot stays there before he walks on. */
const STEP_IN_PAUSE_US = 2_000_000;

export interface NewPerson {
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  readonly leavesAtUs: number;
  readonly becauseOf: number;
}

/** The row of a person who stands at a point and is about to take the first decision. */
function personRow(id: number, person: NewPerson): Float64Array {
  const row = new Float64Array(PERSON);
  row[PERSON_ID] = id;
  row[PERSON_X] = person.xM;
  row[PERSON_Y] = person.yM;
  row[PERSON_DIR_X] = cos(person.headingRad);
  row[PERSON_DIR_Y] = sin(person.headingRad);
  row[PERSON_SPEED] = person.speedMps;
  row[PERSON_TARGET_X] = person.xM;
  row[PERSON_TARGET_Y] = person.yM;
  row[PERSON_LEAVES_AT_US] = person.leavesAtUs;
  row[PERSON_BECAUSE_OF] = person.becauseOf;
  return row;
}

/** Everybody who walks the site from the start, on floor at least two metres from any robot where there is such. */
export function firstPeople(site: Site, seed: number, count: number, robots: Float64Array): Float64Array {
  const near = new Uint8Array(site.blocked);
  for (let cell = 0; cell < near.length; cell++) {
    for (let at = 0; at < robots.length && near[cell] === 0; at += ROBOT) {
      const dx = centreXM(site, cell) - (robots[at + X] as number);
      const dy = centreYM(site, cell) - (robots[at + Y] as number);
      if (dx * dx + dy * dy < 4) near[cell] = 1;
    }
  }
  const all: number[] = [];
  for (let cell = 0; cell < near.length; cell++) if (near[cell] === 0) all.push(cell);
  const work = site.zones
    .filter((zone) => zone.kind === 'work')
    .flatMap((zone) => zone.cells.filter((cell) => near[cell] === 0));
  const people = new Float64Array(all.length === 0 ? 0 : count * PERSON);
  for (let id = 0; id * PERSON < people.length; id++) {
    const pool = work.length > 0 && id % 2 === 0 ? work : all;
    const cell = pool[Math.floor(drawUnit(seed, id, 0, START, 0) * pool.length)] as number;
    const speedMps = walkingSpeed(seed, id);
    const at = { xM: centreXM(site, cell), yM: centreYM(site, cell) };
    people.set(personRow(id, { ...at, headingRad: 0, speedMps, leavesAtUs: Infinity, becauseOf: -1 }), id * PERSON);
  }
  return people;
}

const walkingSpeed = (seed: number, id: number): number =>
  WALK_MPS[0] + drawUnit(seed, id, 0, START, 1) * (WALK_MPS[1] - WALK_MPS[0]);

/**
 * Adds one person, numbered after everybody present, and returns where the row begins. Who stands at the target
 * chooses a way with the first step; somebody else walks to it first.
 */
export function addPerson(draft: Draft, person: NewPerson): number {
  const at = draft.people.length;
  const people = new Float64Array(at + PERSON);
  people.set(draft.people);
  let id = draft.layout.people;
  for (let k = 0; k < at; k += PERSON) id = Math.max(id, (people[k + PERSON_ID] as number) + 1);
  people.set(personRow(id, person), at);
  draft.people = people;
  return at;
}

/** Takes away everybody of whom `gone` is true. */
export function removePeople(draft: Draft, gone: (at: number) => boolean): void {
  const kept: number[] = [];
  for (let at = 0; at < draft.people.length; at += PERSON) {
    if (!gone(at)) for (let k = 0; k < PERSON; k++) kept.push(draft.people[at + k] as number);
  }
  if (kept.length !== draft.people.length) draft.people = Float64Array.from(kept);
}

/**
 * Moves everybody by one step, in the order in which they came. People walk from cell to cell, straight on where they
 * can, wait for a robot right in front of them and turn back when it does not go. They step round each other.
 */
export function walkPeople(draft: Draft): void {
  const p = draft.people;
  let leaving = false;
  for (let at = 0; at < p.length; at += PERSON) {
    if ((p[at + PERSON_LEAVES_AT_US] as number) <= draft.fromUs) leaving = true;
    else if ((p[at + PERSON_PAUSE_UNTIL_US] as number) <= draft.fromUs) walk(draft, at);
  }
  if (leaving) removePeople(draft, (at) => (p[at + PERSON_LEAVES_AT_US] as number) <= draft.fromUs);
}

function walk(draft: Draft, at: number): void {
  const p = draft.people;
  const xM = p[at + PERSON_X] as number;
  const yM = p[at + PERSON_Y] as number;
  const dx = (p[at + PERSON_TARGET_X] as number) - xM;
  const dy = (p[at + PERSON_TARGET_Y] as number) - yM;
  const distance = hypot(dx, dy);
  const stride = (p[at + PERSON_SPEED] as number) * STEP_S;
  if (distance <= stride) {
    if (personMayStand(draft, xM + dx, yM + dy, xM, yM)) {
      p[at + PERSON_X] = xM + dx;
      p[at + PERSON_Y] = yM + dy;
    }
    arrive(draft, at);
    return;
  }
  const dirX = dx / distance;
  const dirY = dy / distance;
  p[at + PERSON_DIR_X] = dirX;
  p[at + PERSON_DIR_Y] = dirY;
  const toX = xM + dirX * stride;
  const toY = yM + dirY * stride;
  if (!robotInFront(draft, xM, yM, dirX, dirY) && personMayStand(draft, toX, toY, xM, yM)) {
    p[at + PERSON_X] = toX;
    p[at + PERSON_Y] = toY;
    p[at + PERSON_BLOCKED_US] = 0;
    return;
  }
  const blockedUs = (p[at + PERSON_BLOCKED_US] as number) + STEP_US;
  p[at + PERSON_BLOCKED_US] = blockedUs;
  if (blockedUs >= PATIENCE_US) {
    p[at + PERSON_BLOCKED_US] = 0;
    turnBack(draft, at);
  }
}

/** A robot whose surface is within personal space, inside 60 degrees to either side of the way. */
function robotInFront(draft: Draft, xM: number, yM: number, dirX: number, dirY: number): boolean {
  const { bodies } = draft.layout;
  for (let robot = 0; robot < bodies.length; robot++) {
    const dx = (draft.robots[robot * ROBOT + X] as number) - xM;
    if (dx > 2 || dx < -2) continue;
    const dy = (draft.robots[robot * ROBOT + Y] as number) - yM;
    const reach = PERSON_RADIUS_M + PERSONAL_SPACE_M + (bodies[robot] as { radiusM: number }).radiusM;
    const distance2 = dx * dx + dy * dy;
    if (distance2 > reach * reach) continue;
    const ahead = dx * dirX + dy * dirY;
    if (ahead > 0 && 4 * ahead * ahead > distance2) return true;
  }
  return false;
}

/** At a waypoint: whoever stepped in stands a while; others sometimes do something; then the next cell is chosen. */
function arrive(draft: Draft, at: number): void {
  const p = draft.people;
  const id = p[at + PERSON_ID] as number;
  const luck = drawUnit(draft.layout.seed, id, draft.tick, PAUSE, 0);
  if (p[at + PERSON_STEPPING] === 1) {
    p[at + PERSON_STEPPING] = 0;
    p[at + PERSON_PAUSE_UNTIL_US] = draft.atUs + STEP_IN_PAUSE_US;
  } else if (luck * PAUSE_ONE_IN < 1) {
    const seconds = PAUSE_S[0] + luck * PAUSE_ONE_IN * (PAUSE_S[1] - PAUSE_S[0]);
    p[at + PERSON_PAUSE_UNTIL_US] = draft.atUs + Math.round(seconds * 1e6);
  }
  chooseWay(draft, at, p[at + PERSON_DIR_X] as number, p[at + PERSON_DIR_Y] as number);
}

function turnBack(draft: Draft, at: number): void {
  const p = draft.people;
  chooseWay(draft, at, -(p[at + PERSON_DIR_X] as number), -(p[at + PERSON_DIR_Y] as number));
}

/** The next cell: straight on as a rule, round a corner at times, back only where nothing else is free. */
function chooseWay(draft: Draft, at: number, dirX: number, dirY: number): void {
  const { site, seed } = draft.layout;
  const p = draft.people;
  const cell = cellAt(site, p[at + PERSON_X] as number, p[at + PERSON_Y] as number);
  if (cell < 0) return;
  const column = cell % site.width;
  const ways: { readonly cell: number; readonly weight: number }[] = [];
  let sum = 0;
  const offer = (next: number, east: number, north: number) => {
    if (next < 0 || next >= site.blocked.length || site.blocked[next] !== 0) return;
    const along = east * dirX + north * dirY;
    const weight = along > 0.7 ? STRAIGHT_ON : along < -0.7 ? 0.001 : 1;
    ways.push({ cell: next, weight });
    sum += weight;
  };
  offer(cell - site.width, 0, 1);
  if (column < site.width - 1) offer(cell + 1, 1, 0);
  offer(cell + site.width, 0, -1);
  if (column > 0) offer(cell - 1, -1, 0);
  let target = cell;
  let luck = (draw(seed, p[at + PERSON_ID] as number, draft.tick, WAY, 0) / 4294967296) * sum;
  for (const way of ways) {
    target = way.cell;
    luck -= way.weight;
    if (luck < 0) break;
  }
  p[at + PERSON_TARGET_X] = centreXM(site, target);
  p[at + PERSON_TARGET_Y] = centreYM(site, target);
}
