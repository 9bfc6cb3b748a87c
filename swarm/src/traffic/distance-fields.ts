import { type DeadEnds, deadEnds } from './dead-ends.ts';
import { isOpen, keepEdges, type RoadGraph } from './road-graph.ts';
import { strongComponents } from './strong-components.ts';

/** Cells still to be looked at. Filled and read within one call of `distanceField`. */
let queue = new Int32Array(0);

/**
 * Edges from every cell to `goal` along the directed edges: reverse breadth-first search. [S2]
 * Unreachable cells (and cells in `blockedCells`) hold -1; so does everything when `goal` itself
 * is closed or blocked.
 */
export function distanceField(graph: RoadGraph, goal: number, blockedCells?: Iterable<number>): Int32Array {
  const { cellCount, reverseOffsets, reverseTargets } = graph;
  const field = new Int32Array(cellCount).fill(-1);
  if (!isOpen(graph, goal)) return field;
  const shut = new Set(blockedCells);
  if (shut.has(goal)) return field;
  for (const cell of shut) if (cell >= 0 && cell < cellCount) field[cell] = -2;
  if (queue.length < cellCount) queue = new Int32Array(cellCount);
  let tail = 0;
  queue[tail++] = goal;
  field[goal] = 0;
  for (let head = 0; head < tail; head++) {
    const cell = queue[head] as number;
    const beyond = (field[cell] as number) + 1;
    const end = reverseOffsets[cell + 1] as number;
    for (let edge = reverseOffsets[cell] as number; edge < end; edge++) {
      const source = reverseTargets[edge] as number;
      if (field[source] !== -1) continue;
      field[source] = beyond;
      queue[tail++] = source;
    }
  }
  for (const cell of shut) if (cell >= 0 && cell < cellCount) field[cell] = -1;
  return field;
}

/**
 * The roads that remain when some cells are shut: shut cells closed, and no edge that leads into a
 * trap (a smaller strong component, from which there is no way back). [S16]
 */
export type OpenRoads = {
  readonly graph: RoadGraph;
  readonly deadEnds: DeadEnds;
  /** Distance field to `goal` on these roads; the array is shared and must not be written. */
  toward(goal: number): Int32Array;
};

export type FieldLimits = {
  /** Most bytes that cached fields may hold together, at least one field. Default 64 MiB. */
  readonly capacityBytes?: number;
  /** Most sets of shut cells remembered. Default 8. */
  readonly views?: number;
};

/**
 * Distance fields of one graph, computed on demand and kept within a bound: a young generation that
 * takes what is asked for, and the one before it, dropped when the young one is full. A hit so costs
 * one look-up. A cache: what it holds never changes an answer, only the time it takes. [S2]
 */
export class DistanceFields {
  readonly graph: RoadGraph;
  readonly #views = new Map<string, OpenRoads>();
  readonly #mostViews: number;
  readonly #mostFields: number;
  #young = new Map<number, Int32Array>();
  #old = new Map<number, Int32Array>();
  #whole: OpenRoads | null = null;
  #surveys = 0;

  constructor(graph: RoadGraph, limits: FieldLimits = {}) {
    this.graph = graph;
    this.#mostViews = Math.max(1, limits.views ?? 8);
    const bytesPerField = Math.max(4, graph.cellCount * 4);
    this.#mostFields = Math.max(1, Math.floor((limits.capacityBytes ?? 64 * 1024 * 1024) / bytesPerField));
  }

  /** Fields held at present. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The field to `goal` with `shut` cells (any order) treated as obstacles. */
  to(goal: number, shut: readonly number[] = []): Int32Array {
    return this.around(shut).toward(goal);
  }

  /** The field to `goal` on all roads of the graph, those into traps as well: `distanceField`, kept. */
  unhindered(goal: number): Int32Array {
    return this.#field(this.graph, goal, goal);
  }

  /** The roads that remain around `shut` cells (any order, repeats allowed). */
  around(shut: readonly number[]): OpenRoads {
    if (shut.length === 0) {
      this.#whole ??= this.#survey([]);
      return this.#whole;
    }
    const cells = [...new Set(shut)].filter((cell) => isOpen(this.graph, cell)).sort((a, b) => a - b);
    const key = cells.join(',');
    let view = this.#views.get(key);
    if (view === undefined) view = this.#survey(cells);
    else this.#views.delete(key);
    this.#views.set(key, view);
    if (this.#views.size > this.#mostViews) this.#views.delete(this.#views.keys().next().value as string);
    return view;
  }

  #survey(cells: readonly number[]): OpenRoads {
    const graph = withoutTraps(this.graph, cells);
    // Fields are known by survey and goal; number 0 is the graph as it is.
    const firstKey = graph === this.graph ? 0 : ++this.#surveys * graph.cellCount;
    return { graph, deadEnds: deadEnds(graph), toward: (goal) => this.#field(graph, firstKey + goal, goal) };
  }

  #field(graph: RoadGraph, key: number, goal: number): Int32Array {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const field = this.#old.get(key) ?? distanceField(graph, goal);
    this.#old.delete(key);
    if (this.#young.size >= Math.max(1, this.#mostFields >> 1)) {
      this.#old = this.#mostFields > 1 ? this.#young : new Map();
      this.#young = new Map();
    }
    this.#young.set(key, field);
    return field;
  }
}

function withoutTraps(graph: RoadGraph, shut: readonly number[]): RoadGraph {
  const open = graph.open.slice();
  for (const cell of shut) open[cell] = 0;
  const remaining = shut.length === 0 ? graph : keepEdges(graph, open, () => true);
  const { componentOf, sizes } = strongComponents(remaining);
  if (sizes.length <= 1) return remaining;
  return keepEdges(remaining, open, (from, to) => {
    const here = componentOf[from] as number;
    const there = componentOf[to] as number;
    return here === there || (sizes[there] as number) >= (sizes[here] as number);
  });
}
