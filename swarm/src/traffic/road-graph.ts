/**
 * Roads: cells joined by directed edges, in compressed sparse rows.
 *
 * A cell is a number in [0, cellCount). The edges that leave cell `c` are
 * `targets[offsets[c] .. offsets[c + 1])`, ascending; `reverseTargets` holds the same edges from
 * the other end. A cell that is not `open` has no edges at all.
 */
export type RoadGraph = {
  readonly cellCount: number;
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
  readonly reverseOffsets: Int32Array;
  readonly reverseTargets: Int32Array;
  /** 1 where a body can stand, 0 where it cannot. Length `cellCount`. */
  readonly open: Uint8Array;
};

/** A road graph whose cell `y * width + x` is the square at column x, row y (row 0 on top). */
export type GridGraph = RoadGraph & { readonly width: number; readonly height: number };

/** Exit directions of a grid cell; a mask is their sum. `any` (15) is a two-way cell. */
export const exits = { north: 1, east: 2, south: 4, west: 8, any: 15 } as const;

export type GridPlan = {
  readonly width: number;
  readonly height: number;
  /** 1 = blocked. Length width * height, row by row. */
  readonly blocked: Uint8Array;
  /** For each cell the sum of the exit directions it allows; left out, every direction is allowed. */
  readonly oneWay?: Uint8Array;
};

/**
 * Builds the 4-connected graph of a grid. [S1]
 * No edge enters a cell against the only exit it allows: nobody drives into a one-way aisle from
 * its end just to come back out, where those leaving the aisle could never get past. The end of a
 * blind aisle, whose only open neighbour is that exit, is none: its way out is its way in.
 * Throws RangeError when an array does not fit width * height: a plan is checked where it is read.
 */
export function buildGridGraph(plan: GridPlan): GridGraph {
  const { width, height, blocked, oneWay } = plan;
  const cellCount = width * height;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`a grid needs a whole width and height of at least 1, not ${width} x ${height}`);
  }
  if (blocked.length !== cellCount) {
    throw new RangeError(`blocked holds ${blocked.length} cells, the grid ${width} x ${height} has ${cellCount}`);
  }
  if (oneWay !== undefined && oneWay.length !== cellCount) {
    throw new RangeError(`oneWay holds ${oneWay.length} cells, the grid ${width} x ${height} has ${cellCount}`);
  }
  const open = new Uint8Array(cellCount);
  for (let cell = 0; cell < cellCount; cell++) open[cell] = blocked[cell] === 0 ? 1 : 0;
  const offsets = new Int32Array(cellCount + 1);
  const targets = new Int32Array(cellCount * 4);
  let edges = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    offsets[cell] = edges;
    if (open[cell] === 0) continue;
    const allowed = oneWay === undefined ? exits.any : (oneWay[cell] as number);
    const x = cell % width;
    const enter = (direction: number, target: number, back: number): void => {
      if ((allowed & direction) === 0 || open[target] === 0) return;
      if (oneWay !== undefined && oneWay[target] === back && !isBlindEnd(open, width, target)) return;
      targets[edges++] = target;
    };
    if (cell >= width) enter(exits.north, cell - width, exits.south);
    if (x > 0) enter(exits.west, cell - 1, exits.east);
    if (x < width - 1) enter(exits.east, cell + 1, exits.west);
    if (cell + width < cellCount) enter(exits.south, cell + width, exits.north);
  }
  offsets[cellCount] = edges;
  return { ...withReverse({ cellCount, offsets, targets: targets.slice(0, edges), open }), width, height };
}

/** True when a single one of the four neighbours is open. */
function isBlindEnd(open: Uint8Array, width: number, cell: number): boolean {
  const x = cell % width;
  let neighbours = 0;
  if (open[cell - width] === 1) neighbours++;
  if (open[cell + width] === 1) neighbours++;
  if (x > 0 && open[cell - 1] === 1) neighbours++;
  if (x < width - 1 && open[cell + 1] === 1) neighbours++;
  return neighbours === 1;
}

/** Completes forward rows with the reverse rows. Reverse rows come out ascending too. */
function withReverse(rows: Pick<RoadGraph, 'cellCount' | 'offsets' | 'targets' | 'open'>): RoadGraph {
  const { cellCount, offsets, targets } = rows;
  const reverseOffsets = new Int32Array(cellCount + 1);
  for (let edge = 0; edge < targets.length; edge++) {
    const at = (targets[edge] as number) + 1;
    reverseOffsets[at] = (reverseOffsets[at] as number) + 1;
  }
  for (let cell = 0; cell < cellCount; cell++) {
    reverseOffsets[cell + 1] = (reverseOffsets[cell + 1] as number) + (reverseOffsets[cell] as number);
  }
  const fill = reverseOffsets.slice(0, cellCount);
  const reverseTargets = new Int32Array(targets.length);
  for (let cell = 0; cell < cellCount; cell++) {
    const end = offsets[cell + 1] as number;
    for (let edge = offsets[cell] as number; edge < end; edge++) {
      const target = targets[edge] as number;
      const at = fill[target] as number;
      reverseTargets[at] = cell;
      fill[target] = at + 1;
    }
  }
  return { ...rows, reverseOffsets, reverseTargets };
}

/** The same cells with only the edges that `keep` accepts; closed cells lose all their edges. */
export function keepEdges(graph: RoadGraph, open: Uint8Array, keep: (from: number, to: number) => boolean): RoadGraph {
  const { cellCount } = graph;
  const offsets = new Int32Array(cellCount + 1);
  const targets = new Int32Array(graph.targets.length);
  let edges = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    offsets[cell] = edges;
    if (open[cell] === 0) continue;
    const end = graph.offsets[cell + 1] as number;
    for (let edge = graph.offsets[cell] as number; edge < end; edge++) {
      const target = graph.targets[edge] as number;
      if (open[target] === 1 && keep(cell, target)) targets[edges++] = target;
    }
  }
  offsets[cellCount] = edges;
  return withReverse({ cellCount, offsets, targets: targets.slice(0, edges), open });
}

/** True when a body can stand in `cell`. Any number may be asked about. */
export function isOpen(graph: RoadGraph, cell: number): boolean {
  return Number.isInteger(cell) && cell >= 0 && cell < graph.cellCount && graph.open[cell] === 1;
}

/** True when a directed edge leads from `from` to `to`. */
export function hasEdge(graph: RoadGraph, from: number, to: number): boolean {
  if (from < 0 || from >= graph.cellCount) return false;
  const end = graph.offsets[from + 1] as number;
  for (let edge = graph.offsets[from] as number; edge < end; edge++) if (graph.targets[edge] === to) return true;
  return false;
}

/** Neighbours along edges of either direction; a neighbour may be visited twice. */
export function eachNeighbour(graph: RoadGraph, cell: number, visit: (neighbour: number) => void): void {
  const stop = graph.offsets[cell + 1] as number;
  for (let edge = graph.offsets[cell] as number; edge < stop; edge++) visit(graph.targets[edge] as number);
  const reverseStop = graph.reverseOffsets[cell + 1] as number;
  for (let edge = graph.reverseOffsets[cell] as number; edge < reverseStop; edge++) {
    visit(graph.reverseTargets[edge] as number);
  }
}
