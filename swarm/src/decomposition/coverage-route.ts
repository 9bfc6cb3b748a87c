import { eachNeighbour, type GridGraph, isOpen } from '../traffic/road-graph.ts';
import { visibleCells } from './line-of-sight.ts';

export type CoverageRoute = {
  /** Cells to drive to, in order. */
  readonly stops: readonly number[];
  /** Every cell driven through, the start included, along directed edges. */
  readonly path: readonly number[];
  /** Cells of the part that no point the agent can reach sees, ascending. */
  readonly unreachable: readonly number[];
};

export type CoverageOptions = {
  /** Sensing footprint in cells: a cell counts once seen from within this distance. Default 0: be there. */
  readonly radius?: number;
};

/**
 * An order in which to visit a part so that every cell of it gets covered. [S22]..[S24]
 *
 * From where it stands the agent goes to the stop that uncovers most per cell driven; with radius 0
 * that is the nearest cell not yet visited, where among equals the one with the fewest open ends
 * left comes first (it hugs walls and leaves no islands), then straight on, then the smaller cell.
 * Cells sensed on the way count. Stops lie in the part; the way to them may lead outside.
 */
export function coverageRoute(
  grid: GridGraph,
  part: Iterable<number>,
  start: number,
  options: CoverageOptions = {},
): CoverageRoute {
  const radius = Math.max(0, Math.floor(options.radius ?? 0));
  const cells = [...new Set(part)].sort((a, b) => a - b);
  if (!isOpen(grid, start)) return { stops: [], path: [], unreachable: cells };
  const tour = newTour(grid, cells, radius);
  const path = [start];
  const stops: number[] = [];
  if (cover(tour, start) && tour.inPart[start] === 1) stops.push(start);
  let heading = 0;
  while (tour.left > 0) {
    const at = path[path.length - 1] as number;
    const stop = nextStop(tour, at, heading);
    if (stop === -1) break;
    const leg = legTo(tour, stop);
    for (const cell of leg) {
      cover(tour, cell);
      heading = cell - (path[path.length - 1] as number);
      path.push(cell);
    }
    stops.push(stop);
  }
  return { stops, path, unreachable: cells.filter((cell) => tour.open[cell] !== 0 || !isOpen(grid, cell)) };
}

type Tour = {
  readonly grid: GridGraph;
  readonly inPart: Uint8Array;
  /** 1 for cells of the part still to be covered. */
  readonly open: Uint8Array;
  left: number;
  readonly radius: number;
  /** Cells of the part seen from a cell, filled on demand. */
  readonly views: Map<number, Int32Array>;
  /** Most cells any one stop can still uncover. */
  readonly mostAtOnce: number;
  readonly came: Int32Array;
  readonly steps: Int32Array;
  readonly queue: Int32Array;
};

function newTour(grid: GridGraph, cells: readonly number[], radius: number): Tour {
  const inPart = new Uint8Array(grid.cellCount);
  for (const cell of cells) if (isOpen(grid, cell)) inPart[cell] = 1;
  return {
    grid,
    inPart,
    open: inPart.slice(),
    left: cells.filter((cell) => isOpen(grid, cell)).length,
    radius,
    views: new Map(),
    mostAtOnce: Math.min(cells.length, (2 * radius + 1) * (2 * radius + 1)),
    came: new Int32Array(grid.cellCount),
    steps: new Int32Array(grid.cellCount),
    queue: new Int32Array(grid.cellCount),
  };
}

function viewFrom(tour: Tour, cell: number): Int32Array {
  let view = tour.views.get(cell);
  if (view === undefined) {
    const seen = tour.radius === 0 ? [cell] : visibleCells(tour.grid, cell, tour.radius);
    view = Int32Array.from(seen.filter((other) => tour.inPart[other] === 1));
    tour.views.set(cell, view);
  }
  return view;
}

/** Marks what is sensed from `cell`; true when something of it was still open. */
function cover(tour: Tour, cell: number): boolean {
  const before = tour.left;
  for (const seen of viewFrom(tour, cell)) {
    if (tour.open[seen] === 0) continue;
    tour.open[seen] = 0;
    tour.left--;
  }
  return tour.left < before;
}

/** Searches outwards from `at` until no farther stop can be worth more per cell driven. */
function nextStop(tour: Tour, at: number, heading: number): number {
  const { grid, came, steps, queue } = tour;
  came.fill(-1);
  came[at] = at;
  steps[at] = 0;
  queue[0] = at;
  let tail = 1;
  let best = -1;
  let bestGain = 0;
  let bestSteps = 1;
  let bestTie = 0;
  const most = Math.min(tour.mostAtOnce, tour.left);
  for (let head = 0; head < tail; head++) {
    const cell = queue[head] as number;
    const driven = steps[cell] as number;
    if (best !== -1 && bestGain * driven > most * bestSteps) break;
    const gain = driven > 0 && tour.inPart[cell] === 1 ? countOpen(tour, cell) : 0;
    if (gain > 0) {
      const worth = gain * bestSteps - bestGain * driven;
      const tie = openEnds(tour, cell) * 2 + (cell - at === heading ? 0 : 1);
      const better = best === -1 || worth > 0 || (worth === 0 && (tie < bestTie || (tie === bestTie && cell < best)));
      if (better) {
        best = cell;
        bestGain = gain;
        bestSteps = driven;
        bestTie = tie;
      }
    }
    const stop = grid.offsets[cell + 1] as number;
    for (let edge = grid.offsets[cell] as number; edge < stop; edge++) {
      const next = grid.targets[edge] as number;
      if (came[next] !== -1) continue;
      came[next] = cell;
      steps[next] = driven + 1;
      queue[tail++] = next;
    }
  }
  return best;
}

function countOpen(tour: Tour, cell: number): number {
  if (tour.radius === 0) return tour.open[cell] as number;
  let count = 0;
  for (const seen of viewFrom(tour, cell)) count += tour.open[seen] as number;
  return count;
}

function openEnds(tour: Tour, cell: number): number {
  let count = 0;
  eachNeighbour(tour.grid, cell, (neighbour) => {
    count += tour.open[neighbour] as number;
  });
  return count;
}

/** The cells from behind the present one up to `stop`, as the last search found them. */
function legTo(tour: Tour, stop: number): number[] {
  const leg: number[] = [];
  for (let cell = stop; tour.came[cell] !== cell; cell = tour.came[cell] as number) leg.push(cell);
  return leg.reverse();
}
