import type { RoadGraph } from './road-graph.ts';

/**
 * The dead ends of a graph: what falls away when cells with a single neighbour are removed until
 * none is left. Each connected remainder of removed cells is a tree that hangs on one cell of a loop,
 * its mouth. Inside a dead end two agents cannot pass each other, so traffic admits them one by one.
 */
export type DeadEnds = {
  /** Number of the dead end a cell lies in, -1 on loops and on closed cells. */
  readonly of: Int32Array;
  /** The loop cell each dead end hangs on; -1 when the whole piece is a tree and has no loop. */
  readonly mouths: Int32Array;
  /** Edges between a cell and its mouth, 0 outside dead ends and in pieces without a loop. */
  readonly depth: Int32Array;
};

/** Finds the dead ends, with one-way edges read as two-way. [S17] */
export function deadEnds(graph: RoadGraph): DeadEnds {
  const { cellCount, open } = graph;
  const degree = new Int32Array(cellCount);
  const removed = new Uint8Array(cellCount);
  const queue = new Int32Array(cellCount);
  let head = 0;
  let tail = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    if (open[cell] === 0) continue;
    let count = 0;
    forEachNeighbour(graph, cell, () => count++);
    degree[cell] = count;
    if (count <= 1) {
      removed[cell] = 1;
      queue[tail++] = cell;
    }
  }
  const prune = (neighbour: number): void => {
    if (removed[neighbour] === 1) return;
    degree[neighbour] = (degree[neighbour] as number) - 1;
    if ((degree[neighbour] as number) <= 1) {
      removed[neighbour] = 1;
      queue[tail++] = neighbour;
    }
  };
  while (head < tail) forEachNeighbour(graph, queue[head++] as number, prune);
  return numberDeadEnds(graph, removed, queue);
}

/** Walks each removed piece from its mouth inwards, in the order of the smallest cell. */
function numberDeadEnds(graph: RoadGraph, removed: Uint8Array, queue: Int32Array): DeadEnds {
  const { cellCount } = graph;
  const of = new Int32Array(cellCount).fill(-1);
  const depth = new Int32Array(cellCount);
  const mouths: number[] = [];
  for (let first = 0; first < cellCount; first++) {
    if (removed[first] === 0 || of[first] !== -1) continue;
    const number = mouths.length;
    let mouth = -1;
    let entry = first;
    let tail = 0;
    queue[tail++] = first;
    of[first] = number;
    for (let head = 0; head < tail; head++) {
      const cell = queue[head] as number;
      forEachNeighbour(graph, cell, (neighbour) => {
        if (removed[neighbour] === 0) {
          mouth = neighbour;
          entry = cell;
        } else if (of[neighbour] === -1) {
          of[neighbour] = number;
          queue[tail++] = neighbour;
        }
      });
    }
    mouths.push(mouth);
    if (mouth !== -1) measureDepth(graph, entry, number, of, depth, queue);
  }
  return { of, mouths: Int32Array.from(mouths), depth };
}

function measureDepth(
  graph: RoadGraph,
  entry: number,
  number: number,
  of: Int32Array,
  depth: Int32Array,
  queue: Int32Array,
): void {
  let tail = 0;
  queue[tail++] = entry;
  depth[entry] = 1;
  for (let head = 0; head < tail; head++) {
    const cell = queue[head] as number;
    forEachNeighbour(graph, cell, (neighbour) => {
      if (of[neighbour] !== number || depth[neighbour] !== 0) return;
      depth[neighbour] = (depth[cell] as number) + 1;
      queue[tail++] = neighbour;
    });
  }
}

/** Each cell joined to `cell` by an edge of either direction, once. */
function forEachNeighbour(graph: RoadGraph, cell: number, visit: (neighbour: number) => void): void {
  const { offsets, targets, reverseOffsets, reverseTargets } = graph;
  const end = offsets[cell + 1] as number;
  const begin = offsets[cell] as number;
  for (let edge = begin; edge < end; edge++) visit(targets[edge] as number);
  const reverseEnd = reverseOffsets[cell + 1] as number;
  for (let edge = reverseOffsets[cell] as number; edge < reverseEnd; edge++) {
    const source = reverseTargets[edge] as number;
    let both = false;
    for (let forward = begin; forward < end; forward++) if (targets[forward] === source) both = true;
    if (!both) visit(source);
  }
}
