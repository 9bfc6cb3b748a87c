import type { Intent, Task } from '@sigma/kernel';
import { shortestPath } from '@sigma/swarm';
import type { FleetBelief } from '../belief/belief.ts';
import { type Errand, errandOf } from '../belief/errands.ts';
import { DOCK, LOAD, UNLOAD } from '../commands.ts';
import { fencedGround, type Ground, inSight } from '../ground.ts';
import { cellAt, centreXM, centreYM } from '../site/site.ts';
import { ADVANCE, TURN, WAIT } from '../skills/parametrize.ts';
import { type FleetTask, readTask } from '../task.ts';

/** A plan of the edge's own, for a robot that the hub does not reach. */
export interface EdgePlan {
  readonly intents: readonly Intent[];
  readonly confidence: number;
  readonly rationale: string;
  readonly alternatives: readonly { readonly summary: string; readonly reason: string }[];
}

/** Nobody granted right of way: slowly, and never with more than this confidence. */
const CONFIDENCE = 0.7;
const CAREFUL_MPS = 0.6;
/** Most waypoints of one plan; the next plan goes on from there. */
const MOST_WAYPOINTS = 60;
/** A thing that stands this near to a cell's centre closes the cell. */
const CLOSES_M = 0.75;

/**
 * The secondary planner: what is left of the task by the robot's own belief, along a shortest way that respects one-way
 * aisles and avoids restricted zones and whatever the lidar shows standing in the aisles. Pure; the edge runs it apart
 * from the reflexes.
 */
export function planOnEdge(site: Ground, world: FleetBelief, task: Task): EdgePlan {
  const ground = fencedGround(site, world.fences);
  const read = readTask(task);
  if (typeof read === 'string') return waiting(read);
  const here = cellAt(ground.site, world.motion.xM, world.motion.yM);
  if (here < 0 || ground.site.blocked[here] !== 0) return waiting('the robot does not know where it is');
  const closed = closedCells(ground, world, here);
  const errand = errandOf(world, task.id);
  const legs = errand === null ? [] : legsOf(ground, read, errand, here, closed);
  if (typeof legs === 'string') return waiting(legs);
  const intents: Intent[] = [];
  let at = here;
  for (const { cell, action } of legs) {
    const path =
      shortestPath(ground.roads, at, cell, closed) ?? shortestPath(ground.roads, at, cell, ground.restricted);
    if (path === null) return intents.length > 0 ? planned(intents, read) : waiting(`no way leads to cell ${cell}`);
    intents.push(...waypoints(ground, path, at === here && intents.length === 0 && !centred(ground, world, here)));
    if (action !== null) intents.push(action);
    at = cell;
    if (intents.length >= MOST_WAYPOINTS) break;
  }
  return intents.length > 0 ? planned(intents.slice(0, MOST_WAYPOINTS), read) : waiting('nothing is left to do');
}

function planned(intents: readonly Intent[], task: FleetTask): EdgePlan {
  return {
    intents,
    confidence: CONFIDENCE,
    rationale: `${task.kind} on the edge's own plan, ${intents.length} steps`,
    alternatives: [{ summary: 'wait for the hub', reason: 'the task can go on with what the robot knows' }],
  };
}

const waiting = (why: string): EdgePlan => ({
  intents: [{ name: WAIT, args: {} }],
  confidence: CONFIDENCE,
  rationale: why,
  alternatives: [],
});

interface Leg {
  readonly cell: number;
  readonly action: Intent | null;
}

/** Where to go next, and what to do there; or a sentence that says why nowhere. */
function legsOf(
  ground: Ground,
  task: FleetTask,
  errand: Errand,
  here: number,
  closed: Uint8Array,
): readonly Leg[] | string {
  switch (task.kind) {
    case 'goto': {
      const action: Intent | null =
        task.headingRad === null ? null : { name: TURN, args: { headingRad: task.headingRad } };
      return [{ cell: cellAt(ground.site, task.xM, task.yM), action }];
    }
    case 'patrol': {
      if (errand.kind !== 'patrol') return [];
      const left: Leg[] = [];
      for (let k = errand.passed; k < errand.total && left.length < 4; k++) {
        const point = task.points[k % task.points.length];
        if (point !== undefined) left.push({ cell: cellAt(ground.site, point.xM, point.yM), action: null });
      }
      return left;
    }
    case 'deliver': {
      const from = ground.stations.get(task.from);
      const to = ground.stations.get(task.to);
      if (from === undefined || to === undefined) return `no station '${from === undefined ? task.from : task.to}'`;
      const unload: Leg = { cell: to.cell, action: { name: UNLOAD, args: { station: task.to, item: task.item } } };
      if (errand.kind === 'deliver' && errand.phase === 'carry') return [unload];
      return [{ cell: from.cell, action: { name: LOAD, args: { station: task.from, item: task.item } } }, unload];
    }
    case 'dock': {
      const place = ground.places.get(task.place);
      if (place === undefined) return `no dock or charger '${task.place}'`;
      return [{ cell: place.cell, action: { name: DOCK, args: { place: task.place } } }];
    }
    case 'cover':
      return errand.kind === 'cover' ? coverLegs(ground, errand, here, closed) : [];
  }
}

/** Greedy: from each place on to the nearest cell that shows something unseen, four looks ahead. */
function coverLegs(
  ground: Ground,
  errand: Extract<Errand, { kind: 'cover' }>,
  here: number,
  closed: Uint8Array,
): readonly Leg[] {
  const legs: Leg[] = [];
  const open = new Set<number>();
  for (let k = 0; k < errand.cells.length; k++) if (errand.seen[k] === 0) open.add(errand.cells[k] as number);
  let at = here;
  while (legs.length < 4 && open.size > 0) {
    const view = nearestView(ground, at, open, errand.sensingRadiusM, closed);
    if (view < 0) break;
    for (const cell of open) if (sees(ground, view, cell, errand.sensingRadiusM)) open.delete(cell);
    if (view !== at || legs.length > 0) legs.push({ cell: view, action: null });
    at = view;
  }
  return legs;
}

/** Breadth-first from `from`, the first cell from which an unseen one is in sight; -1 when there is none. */
function nearestView(
  ground: Ground,
  from: number,
  open: ReadonlySet<number>,
  radiusM: number,
  closed: Uint8Array,
): number {
  const { offsets, targets, cellCount } = ground.roads;
  const known = new Uint8Array(cellCount);
  const queue = [from];
  known[from] = 1;
  for (let head = 0; head < queue.length; head++) {
    const cell = queue[head] as number;
    for (const unseen of open) if (sees(ground, cell, unseen, radiusM)) return cell;
    const end = offsets[cell + 1] as number;
    for (let edge = offsets[cell] as number; edge < end; edge++) {
      const next = targets[edge] as number;
      if (known[next] === 1 || closed[next] === 1) continue;
      known[next] = 1;
      queue.push(next);
    }
  }
  return -1;
}

function sees(ground: Ground, from: number, to: number, radiusM: number): boolean {
  const { site } = ground;
  const dx = centreXM(site, to) - centreXM(site, from);
  const dy = centreYM(site, to) - centreYM(site, from);
  return dx * dx + dy * dy <= radiusM * radiusM && inSight(site, from, to);
}

/** Restricted cells, and those that something stands in; never the robot's own. */
function closedCells(ground: Ground, world: FleetBelief, here: number): Uint8Array {
  const closed = ground.restricted.slice();
  const { site } = ground;
  for (const track of world.sight.tracks) {
    if (!track.confirmed || Math.abs(track.vxMps) + Math.abs(track.vyMps) > 0.3) continue;
    const cell = cellAt(site, track.xM, track.yM);
    if (cell < 0) continue;
    const dx = centreXM(site, cell) - track.xM;
    const dy = centreYM(site, cell) - track.yM;
    if (dx * dx + dy * dy < CLOSES_M * CLOSES_M) closed[cell] = 1;
  }
  closed[here] = 0;
  return closed;
}

function centred(ground: Ground, world: FleetBelief, cell: number): boolean {
  const dx = centreXM(ground.site, cell) - world.motion.xM;
  const dy = centreYM(ground.site, cell) - world.motion.yM;
  return dx * dx + dy * dy < 0.01;
}

/** Waypoints at every corner and at the end: what lies straight between them is driven through. */
function waypoints(ground: Ground, path: readonly number[], withFirst: boolean): Intent[] {
  const { site } = ground;
  const points: Intent[] = [];
  for (let k = withFirst ? 0 : 1; k < path.length; k++) {
    const cell = path[k] as number;
    const before = path[k - 1];
    const after = path[k + 1];
    if (before !== undefined && after !== undefined && after - cell === cell - before) continue;
    points.push({ name: ADVANCE, args: { xM: centreXM(site, cell), yM: centreYM(site, cell), speedMps: CAREFUL_MPS } });
  }
  return points;
}
