import { angleDifference, type Task } from '@sigma/kernel';
import { shortestPath } from '@sigma/swarm';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { errandOf } from '../belief/errands.ts';
import type { Ground } from '../ground.ts';
import { cellAt } from '../site/site.ts';
import { type FleetTask, readTask } from '../task.ts';

/** Below this charge a robot takes nothing but the way to a charger. */
const REFUSES_BELOW = 0.12;

/** The reason why this robot cannot do the task, in a sentence, or null. */
export function refuseTask(world: FleetBelief, ground: Ground, task: Task): string | null {
  const read = readTask(task);
  if (typeof read === 'string') return read;
  const { charge } = world.health;
  if (charge < REFUSES_BELOW && read.kind !== 'dock') {
    return `the battery is at ${Math.round(charge * 100)} %, below ${REFUSES_BELOW * 100} %: send it to a charger first`;
  }
  const goals = goalsOf(ground, read);
  if (typeof goals === 'string') return goals;
  if (read.kind === 'deliver') {
    const { payloadKg, kind } = bodyOf(world);
    if (read.massKg > payloadKg)
      return `a ${kind} carries at most ${payloadKg} kg, '${read.item}' weighs ${read.massKg} kg`;
    if (world.cargo !== null && world.cargo !== read.item) return `it carries '${world.cargo}' already`;
  }
  return unreachable(world, ground, read, goals);
}

/** Cells that the task leads to, or a sentence that says what is wrong with them. */
function goalsOf(ground: Ground, task: FleetTask): readonly number[] | string {
  const { site } = ground;
  switch (task.kind) {
    case 'cover': {
      const cells = task.cells.filter((cell) => cell < site.blocked.length && site.blocked[cell] === 0);
      if (cells.length === 0) return 'no cell of the area is floor of this site';
      const free = cells.filter((cell) => ground.restricted[cell] === 0);
      return free.length > 0 ? free : 'the whole area lies in a restricted zone';
    }
    case 'goto':
      return goal(ground, task.xM, task.yM);
    case 'patrol': {
      const cells: number[] = [];
      for (const { xM, yM } of task.points) {
        const found = goal(ground, xM, yM);
        if (typeof found === 'string') return found;
        cells.push(...found);
      }
      return cells;
    }
    case 'deliver': {
      const from = ground.stations.get(task.from);
      const to = ground.stations.get(task.to);
      if (from === undefined) return `there is no station '${task.from}' on '${site.name}'`;
      if (to === undefined) return `there is no station '${task.to}' on '${site.name}'`;
      return [from.cell, to.cell];
    }
    case 'dock': {
      const place = ground.places.get(task.place);
      return place === undefined ? `there is no dock or charger '${task.place}' on '${site.name}'` : [place.cell];
    }
  }
}

function goal(ground: Ground, xM: number, yM: number): readonly number[] | string {
  const cell = cellAt(ground.site, xM, yM);
  if (cell < 0) return `(${xM}, ${yM}) m is outside '${ground.site.name}'`;
  if (ground.site.blocked[cell] !== 0) return `(${xM}, ${yM}) m is inside a wall or shelf`;
  return ground.restricted[cell] === 0 ? [cell] : `(${xM}, ${yM}) m lies in a restricted zone`;
}

/** Covering is possible while any cell can be reached; everything else needs every goal. */
function unreachable(world: FleetBelief, ground: Ground, task: FleetTask, goals: readonly number[]): string | null {
  const here = cellAt(ground.site, world.motion.xM, world.motion.yM);
  if (here < 0 || ground.site.blocked[here] !== 0) return 'it does not know where it is on this site';
  const reaches = (cell: number): boolean => shortestPath(ground.roads, here, cell, ground.restricted) !== null;
  if (task.kind === 'cover') {
    return goals.some(reaches) ? null : 'no way leads from here to any cell of the area';
  }
  const cut = goals.find((cell) => !reaches(cell));
  return cut === undefined ? null : `no way leads from here to cell ${cut} without a restricted zone`;
}

/** Progress by what was sensed: cells seen, points passed, actions that the body reported. */
export function taskProgress(world: FleetBelief, task: Task): 'running' | 'done' | 'failed' {
  const errand = errandOf(world, task.id);
  const read = readTask(task);
  if (errand === null || typeof read === 'string') return 'failed';
  const { motion } = world;
  switch (errand.kind) {
    case 'cover':
      return errand.left === 0 ? 'done' : 'running';
    case 'patrol':
      return errand.passed >= errand.total ? 'done' : 'running';
    case 'deliver':
      return errand.phase === 'done' ? 'done' : 'running';
    case 'dock':
      return read.kind === 'dock' && world.docked === read.place ? 'done' : 'running';
    case 'goto': {
      if (read.kind !== 'goto') return 'failed';
      const dx = read.xM - motion.xM;
      const dy = read.yM - motion.yM;
      if (dx * dx + dy * dy > 0.15 * 0.15 || Math.abs(motion.speedMps) > 0.05) return 'running';
      const turned = read.headingRad === null || Math.abs(angleDifference(read.headingRad, motion.headingRad)) < 0.06;
      return turned ? 'done' : 'running';
    }
  }
}
