import { EAST, NORTH, SOUTH, WEST } from './site.ts';

/**
 * The site as a directed graph: cells are nodes, exits are edges. Everything here is linear in the number of cells and
 * iterative, because a maze is deeper than a call stack.
 */
export interface Floor {
  readonly width: number;
  readonly height: number;
  readonly blocked: Uint8Array;
}

/** Clockwise from north; `DIRECTIONS[k]` and `DIRECTIONS[(k + 2) % 4]` are opposites. */
export const DIRECTIONS: readonly number[] = [NORTH, EAST, SOUTH, WEST];

function opposite(direction: number): number {
  return direction === NORTH ? SOUTH : direction === SOUTH ? NORTH : direction === EAST ? WEST : EAST;
}

/** The neighbouring cell in that direction, or -1 beyond the grid. Walls are neighbours too. */
export function neighbour(floor: Floor, cell: number, direction: number): number {
  const { width, height } = floor;
  if (direction === NORTH) return cell >= width ? cell - width : -1;
  if (direction === SOUTH) return cell < width * (height - 1) ? cell + width : -1;
  const column = cell % width;
  if (direction === EAST) return column < width - 1 ? cell + 1 : -1;
  return column > 0 ? cell - 1 : -1;
}

export function isFree(floor: Floor, cell: number): boolean {
  return cell >= 0 && floor.blocked[cell] === 0;
}

/** Exits when every aisle may be used both ways: a bit for each free neighbour. */
export function openExits(floor: Floor): Uint8Array {
  const exits = new Uint8Array(floor.width * floor.height);
  for (let cell = 0; cell < exits.length; cell++) {
    if (floor.blocked[cell] !== 0) continue;
    let bits = 0;
    for (const direction of DIRECTIONS) if (isFree(floor, neighbour(floor, cell, direction))) bits |= direction;
    exits[cell] = bits;
  }
  return exits;
}

/** Cells of one straight aisle, and the only direction in which robots may follow it. */
export interface OneWayAisle {
  readonly cells: readonly number[];
  readonly direction: number;
}

/** Takes away, in place, every move against the aisle's direction that starts or ends in one of its cells. */
export function closeAgainst(floor: Floor, exits: Uint8Array, aisle: OneWayAisle): void {
  const against = opposite(aisle.direction);
  for (const cell of aisle.cells) {
    exits[cell] = (exits[cell] as number) & ~against;
    const ahead = neighbour(floor, cell, aisle.direction);
    if (isFree(floor, ahead)) exits[ahead] = (exits[ahead] as number) & ~against;
  }
}

export interface Components {
  /** -1 for walls. */
  readonly of: Int32Array;
  /** Number of cells in each. */
  readonly sizes: readonly number[];
}

/** Connected components of the floor, one-way rules ignored, numbered by their smallest cell. */
export function components(floor: Floor): Components {
  const of = new Int32Array(floor.blocked.length).fill(-1);
  const sizes: number[] = [];
  const queue = new Int32Array(floor.blocked.length);
  for (let start = 0; start < of.length; start++) {
    if (floor.blocked[start] !== 0 || of[start] !== -1) continue;
    const id = sizes.length;
    let end = 0;
    queue[end++] = start;
    of[start] = id;
    for (let at = 0; at < end; at++) {
      const cell = queue[at] as number;
      for (const direction of DIRECTIONS) {
        const next = neighbour(floor, cell, direction);
        if (!isFree(floor, next) || of[next] !== -1) continue;
        of[next] = id;
        queue[end++] = next;
      }
    }
    sizes.push(end);
  }
  return { of, sizes };
}

/**
 * Number of strongly connected components among the cells where `skip` is 0 (Tarjan, SIAM J. Comput. 1972, with an
 * explicit stack). Edges follow `exits`; walls and skipped cells do not exist.
 */
export function strongComponentCount(floor: Floor, exits: Uint8Array, skip: Uint8Array): number {
  const n = floor.blocked.length;
  const order = new Int32Array(n);
  const low = new Int32Array(n);
  const open = new Uint8Array(n);
  const member = new Int32Array(n);
  const path = new Int32Array(n);
  const turn = new Uint8Array(n);
  let members = 0;
  let counter = 0;
  let count = 0;
  for (let root = 0; root < n; root++) {
    if (skip[root] !== 0 || order[root] !== 0) continue;
    let depth = 0;
    path[0] = root;
    order[root] = low[root] = ++counter;
    open[root] = 1;
    member[members++] = root;
    while (depth >= 0) {
      const cell = path[depth] as number;
      const k = turn[cell] as number;
      if (k < 4) {
        turn[cell] = k + 1;
        const direction = DIRECTIONS[k] as number;
        if (((exits[cell] as number) & direction) === 0) continue;
        const next = neighbour(floor, cell, direction);
        if (next < 0 || skip[next] !== 0) continue;
        if (order[next] === 0) {
          order[next] = low[next] = ++counter;
          open[next] = 1;
          member[members++] = next;
          path[++depth] = next;
        } else if (open[next] === 1 && (order[next] as number) < (low[cell] as number)) {
          low[cell] = order[next] as number;
        }
        continue;
      }
      if (low[cell] === order[cell]) {
        count++;
        let last = -1;
        while (last !== cell) {
          last = member[--members] as number;
          open[last] = 0;
        }
      }
      depth--;
      if (depth >= 0) {
        const parent = path[depth] as number;
        if ((low[cell] as number) < (low[parent] as number)) low[parent] = low[cell] as number;
      }
    }
  }
  return count;
}
