import type { Json, Task } from '@sigma/kernel';
import { DOCK, LOAD, UNDOCK, UNLOAD } from '../commands.ts';
import { type Ground, inSight } from '../ground.ts';
import { cellAt } from '../site/site.ts';
import { type FleetTask, type PatrolPoint, readTask } from '../task.ts';
import type { FleetBelief } from './belief.ts';

/** What was done so far for one assigned task, by what was sensed and what the body reported. */
export type Errand =
  | {
      readonly kind: 'cover';
      readonly taskId: string;
      readonly sensingRadiusM: number;
      readonly cells: readonly number[];
      /** 1 for each of `cells` that was seen, by its index. Replaced when a cell is seen, never changed. */
      readonly seen: Int32Array;
      readonly left: number;
      /** Cell from which the last look was taken. */
      readonly lookedFrom: number;
    }
  | {
      readonly kind: 'patrol';
      readonly taskId: string;
      readonly points: readonly PatrolPoint[];
      /** Points passed, and to pass in all rounds. */
      readonly passed: number;
      readonly total: number;
    }
  | {
      readonly kind: 'deliver';
      readonly taskId: string;
      readonly item: string;
      readonly phase: 'fetch' | 'carry' | 'done';
    }
  | { readonly kind: 'goto' | 'dock'; readonly taskId: string };

/** A patrol point counts as passed within this distance. */
const PASSED_M = 0.5;
const MOST_ERRANDS = 8;

export const errandOf = (belief: FleetBelief, taskId: string): Errand | null =>
  belief.errands.find((errand) => errand.taskId === taskId) ?? null;

/** Begins the record of a task. An order that comes twice changes nothing. */
export function beginErrand(belief: FleetBelief, ground: Ground, task: Task): FleetBelief {
  if (errandOf(belief, task.id) !== null) return belief;
  const read = readTask(task);
  if (typeof read === 'string') return belief;
  const errand = newErrand(belief, ground, task.id, read);
  const errands = [...belief.errands, errand];
  if (errands.length > MOST_ERRANDS) errands.shift();
  return look({ ...belief, errands }, ground);
}

function newErrand(belief: FleetBelief, ground: Ground, taskId: string, task: FleetTask): Errand {
  switch (task.kind) {
    case 'cover': {
      const cells = [...new Set(task.cells)].sort((a, b) => a - b).filter((cell) => ground.site.blocked[cell] === 0);
      const seen = new Int32Array(cells.length);
      return {
        kind: 'cover',
        taskId,
        sensingRadiusM: task.sensingRadiusM,
        cells,
        seen,
        left: cells.length,
        lookedFrom: -1,
      };
    }
    case 'patrol':
      return { kind: 'patrol', taskId, points: task.points, passed: 0, total: task.points.length * task.rounds };
    case 'deliver':
      return { kind: 'deliver', taskId, item: task.item, phase: belief.cargo === task.item ? 'carry' : 'fetch' };
    default:
      return { kind: task.kind, taskId };
  }
}

/** Share of a task that is done by what was sensed and reported, 0 to 1; 0 where nothing on the way can be counted. */
export function errandShare(belief: FleetBelief, taskId: string): number {
  const errand = errandOf(belief, taskId);
  switch (errand?.kind) {
    case 'cover':
      return errand.cells.length === 0 ? 1 : 1 - errand.left / errand.cells.length;
    case 'patrol':
      return errand.total === 0 ? 1 : errand.passed / errand.total;
    case 'deliver':
      return errand.phase === 'fetch' ? 0 : errand.phase === 'carry' ? 0.5 : 1;
    default:
      return 0;
  }
}

export function dropErrand(belief: FleetBelief, taskId: string): FleetBelief {
  if (errandOf(belief, taskId) === null) return belief;
  return { ...belief, errands: belief.errands.filter((errand) => errand.taskId !== taskId) };
}

/** Counts the cells in sight from where the robot is now. Only a new cell is worth a new look. */
export function look(belief: FleetBelief, ground: Ground): FleetBelief {
  const { errands, motion } = belief;
  let next: Errand[] | null = null;
  let here = -2;
  for (let k = 0; k < errands.length; k++) {
    const errand = errands[k] as Errand;
    if (errand.kind !== 'cover' || errand.left === 0) continue;
    if (here === -2) here = cellAt(ground.site, motion.xM, motion.yM);
    if (here < 0 || here === errand.lookedFrom) continue;
    next ??= [...errands];
    next[k] = lookFrom(errand, ground, here);
  }
  return next === null ? belief : { ...belief, errands: next };
}

function lookFrom(errand: Extract<Errand, { kind: 'cover' }>, ground: Ground, here: number): Errand {
  const { site } = ground;
  const reach = errand.sensingRadiusM / site.metresPerCell;
  const column = here % site.width;
  const row = (here - column) / site.width;
  const seen = errand.seen.slice();
  let left = errand.left;
  for (let k = 0; k < errand.cells.length; k++) {
    if (seen[k] !== 0) continue;
    const cell = errand.cells[k] as number;
    const cellColumn = cell % site.width;
    const dx = cellColumn - column;
    const dy = (cell - cellColumn) / site.width - row;
    if (dx * dx + dy * dy > reach * reach || !inSight(site, here, cell)) continue;
    seen[k] = 1;
    left--;
  }
  return left === errand.left ? { ...errand, lookedFrom: here } : { ...errand, seen, left, lookedFrom: here };
}

/** A patrol's next point counts as passed when the robot comes near it. */
export function passPoints(belief: FleetBelief): FleetBelief {
  let next: Errand[] | null = null;
  for (let k = 0; k < belief.errands.length; k++) {
    const errand = belief.errands[k] as Errand;
    if (errand.kind !== 'patrol' || errand.passed >= errand.total) continue;
    const point = errand.points[errand.passed % errand.points.length] as PatrolPoint;
    const dx = point.xM - belief.motion.xM;
    const dy = point.yM - belief.motion.yM;
    if (dx * dx + dy * dy > PASSED_M * PASSED_M) continue;
    next ??= [...belief.errands];
    next[k] = { ...errand, passed: errand.passed + 1 };
  }
  return next === null ? belief : { ...belief, errands: next };
}

const field = (detail: Json, name: string): string | null => {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return null;
  const value = (detail as Readonly<Record<string, Json>>)[name];
  return typeof value === 'string' ? value : null;
};

/**
 * What the body did, by the last part of the action's id (see `parametrize`) or the `name` in its report. `detail` is
 * `{ station, item }` for load and unload, `{ place }` for dock.
 */
export function finishAction(belief: FleetBelief, actionId: string, detail: Json): FleetBelief {
  const name = field(detail, 'name') ?? actionId.slice(actionId.lastIndexOf('/') + 1);
  const item = field(detail, 'item');
  switch (name) {
    case LOAD:
      return item === null ? belief : withPhase({ ...belief, cargo: item }, item, 'fetch', 'carry');
    case UNLOAD:
      return item === null ? belief : withPhase({ ...belief, cargo: null }, item, 'carry', 'done');
    case DOCK:
      return { ...belief, docked: field(detail, 'place') };
    case UNDOCK:
      return { ...belief, docked: null };
    default:
      return belief;
  }
}

/** The oldest delivery of that item moves on by one phase. */
function withPhase(belief: FleetBelief, item: string, from: 'fetch' | 'carry', to: 'carry' | 'done'): FleetBelief {
  const index = belief.errands.findIndex(
    (errand) => errand.kind === 'deliver' && errand.item === item && errand.phase === from,
  );
  const errand = belief.errands[index];
  if (errand?.kind !== 'deliver') return belief;
  return { ...belief, errands: belief.errands.with(index, { ...errand, phase: to }) };
}
