import { assignOneToOne } from '../allocation/one-to-one.ts';
import { distanceField } from '../traffic/distance-fields.ts';
import { eachNeighbour, isOpen, keepEdges, type RoadGraph } from '../traffic/road-graph.ts';
import { evenOut } from './even-out.ts';

export type Decomposition = {
  /** Cells of each part, ascending; part k is meant for the agent at `positions[k]`. */
  readonly parts: readonly (readonly number[])[];
  /** Cells that no body can stand in or that the map does not have, ascending. */
  readonly unusable: readonly number[];
  /** Cells in the largest and in the smallest part, and in an ideal one. */
  readonly balance: { readonly largest: number; readonly smallest: number; readonly ideal: number };
};

/**
 * Divides a region into `count` parts of even size, each connected wherever the region is. [S18]..[S20]
 *
 * Parts grow from seeds spread over the region and are evened out by handing border cells from part
 * to part; connectedness reads one-way edges as two-way. A region in several pieces gives each piece
 * parts in proportion; pieces too small for a part of their own are added whole to the smallest parts.
 * Which agent gets which part: least sum of distances. `positions` may be fewer than `count`; the
 * parts left over follow in order of their smallest cell. Neither the order of `cells` nor repeats matter.
 */
export function decompose(
  graph: RoadGraph,
  cells: Iterable<number>,
  positions: readonly number[],
  count: number,
): Decomposition {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`a region cannot be cut into ${count} parts`);
  const wanted = [...new Set(cells)].sort((a, b) => a - b);
  const region = wanted.filter((cell) => isOpen(graph, cell));
  const unusable = wanted.filter((cell) => !isOpen(graph, cell));
  const inRegion = new Uint8Array(graph.cellCount);
  for (const cell of region) inRegion[cell] = 1;
  const land = keepEdges(graph, inRegion, () => true);
  const pieces = findPieces(land, region);
  const parts: number[][] = [];
  const shares = shareParts(
    pieces.map((piece) => piece.length),
    count,
  );
  pieces.forEach((piece, k) => {
    const share = shares[k] as number;
    if (share > 0) parts.push(...divide(land, piece, share));
  });
  while (parts.length < count) parts.push([]);
  pieces.forEach((piece, k) => {
    if (shares[k] === 0) smallest(parts).push(...piece);
  });
  for (const part of parts) part.sort((a, b) => a - b);
  parts.sort((a, b) => (a[0] ?? graph.cellCount) - (b[0] ?? graph.cellCount));
  const sizes = parts.map((part) => part.length);
  return {
    parts: handOut(graph, parts, positions),
    unusable,
    balance: { largest: Math.max(...sizes), smallest: Math.min(...sizes), ideal: region.length / count },
  };
}

function findPieces(land: RoadGraph, region: readonly number[]): number[][] {
  const seen = new Uint8Array(land.cellCount);
  const pieces: number[][] = [];
  for (const first of region) {
    if (seen[first] === 1) continue;
    const piece = [first];
    seen[first] = 1;
    for (const cell of piece) {
      eachNeighbour(land, cell, (neighbour) => {
        if (seen[neighbour] === 1) return;
        seen[neighbour] = 1;
        piece.push(neighbour);
      });
    }
    pieces.push(piece.sort((a, b) => a - b));
  }
  return pieces;
}

/** Hands out `count` parts so that the largest part stays as small as possible; never more than cells. */
function shareParts(sizes: readonly number[], count: number): number[] {
  const shares = sizes.map(() => 0);
  for (let part = 0; part < count; part++) {
    let best = -1;
    for (let k = 0; k < sizes.length; k++) {
      const size = sizes[k] as number;
      const share = shares[k] as number;
      if (share >= size) continue;
      if (best === -1 || size * ((shares[best] as number) + 0.5) > (sizes[best] as number) * (share + 0.5)) best = k;
    }
    if (best === -1) break;
    shares[best] = (shares[best] as number) + 1;
  }
  return shares;
}

function smallest(parts: number[][]): number[] {
  return parts.reduce((least, part) => (part.length < least.length ? part : least));
}

/** Cuts one connected piece into `share` connected parts. */
function divide(land: RoadGraph, piece: readonly number[], share: number): number[][] {
  const owner = new Int32Array(land.cellCount).fill(-1);
  let seeds = spreadSeeds(land, piece, share);
  for (let round = 0; round < 4; round++) {
    growEvenly(land, piece, seeds, owner);
    if (round < 3) seeds = seeds.map((_, part) => centreOf(land, piece, owner, part));
  }
  evenOut(land, piece, owner, share);
  const parts: number[][] = Array.from({ length: share }, () => []);
  for (const cell of piece) parts[owner[cell] as number]?.push(cell);
  return parts;
}

/** Cells far from each other: each next seed is the one farthest from all before. */
function spreadSeeds(land: RoadGraph, piece: readonly number[], share: number): number[] {
  const distance = new Int32Array(land.cellCount);
  let far = farthest(land, piece, [piece[0] as number], distance);
  const seeds = [far];
  while (seeds.length < share) {
    far = farthest(land, piece, seeds, distance);
    seeds.push(far);
  }
  return seeds;
}

function farthest(land: RoadGraph, piece: readonly number[], from: readonly number[], distance: Int32Array): number {
  for (const cell of piece) distance[cell] = -1;
  const queue = [...from];
  for (const cell of from) distance[cell] = 0;
  for (const cell of queue) {
    eachNeighbour(land, cell, (neighbour) => {
      if (distance[neighbour] !== -1) return;
      distance[neighbour] = (distance[cell] as number) + 1;
      queue.push(neighbour);
    });
  }
  let best = piece[0] as number;
  for (const cell of piece) if ((distance[cell] as number) > (distance[best] as number)) best = cell;
  return best;
}

/** Grows parts from their seeds; the smallest part that still can takes the next cell. */
function growEvenly(land: RoadGraph, piece: readonly number[], seeds: readonly number[], owner: Int32Array): void {
  for (const cell of piece) owner[cell] = -1;
  const fronts = seeds.map((seed) => [seed]);
  const heads = seeds.map(() => 0);
  const sizes = seeds.map(() => 1);
  seeds.forEach((seed, part) => {
    owner[seed] = part;
  });
  const alive = seeds.map((_, part) => part);
  while (alive.length > 0) {
    let at = 0;
    for (let k = 1; k < alive.length; k++) {
      if ((sizes[alive[k] as number] as number) < (sizes[alive[at] as number] as number)) at = k;
    }
    const part = alive[at] as number;
    const front = fronts[part] as number[];
    let taken = -1;
    while (taken === -1 && (heads[part] as number) < front.length) {
      eachNeighbour(land, front[heads[part] as number] as number, (neighbour) => {
        if (taken === -1 && owner[neighbour] === -1) taken = neighbour;
      });
      if (taken === -1) heads[part] = (heads[part] as number) + 1;
    }
    if (taken === -1) {
      alive.splice(at, 1);
      continue;
    }
    owner[taken] = part;
    front.push(taken);
    sizes[part] = (sizes[part] as number) + 1;
  }
}

/** The cell of a part that is deepest inside it: farthest from cells of other parts, else from its rim. */
function centreOf(land: RoadGraph, piece: readonly number[], owner: Int32Array, part: number): number {
  const own = piece.filter((cell) => owner[cell] === part);
  const inside = new Map<number, number>();
  const queue: number[] = [];
  for (const cell of own) {
    let border = false;
    eachNeighbour(land, cell, (neighbour) => {
      if (owner[neighbour] !== part) border = true;
    });
    if (!border) continue;
    inside.set(cell, 0);
    queue.push(cell);
  }
  for (const cell of queue) {
    eachNeighbour(land, cell, (neighbour) => {
      if (owner[neighbour] !== part || inside.has(neighbour)) return;
      inside.set(neighbour, (inside.get(cell) as number) + 1);
      queue.push(neighbour);
    });
  }
  return own.reduce((best, cell) => ((inside.get(cell) ?? 0) > (inside.get(best) ?? 0) ? cell : best));
}

function handOut(graph: RoadGraph, parts: readonly number[][], positions: readonly number[]): number[][] {
  const takers = positions.slice(0, parts.length);
  const cost = new Float64Array(takers.length * parts.length);
  parts.forEach((part, k) => {
    const toPart = distanceToAny(graph, part);
    takers.forEach((at, taker) => {
      const found = isOpen(graph, at) ? (toPart[at] as number) : -1;
      cost[taker * parts.length + k] = found < 0 ? graph.cellCount : found;
    });
  });
  const chosen = assignOneToOne(takers.length, parts.length, cost);
  const taken = new Set(chosen);
  const rest = parts.filter((_, k) => !taken.has(k));
  return [...[...chosen].map((k) => parts[k] as number[]), ...rest];
}

function distanceToAny(graph: RoadGraph, goals: readonly number[]): Int32Array {
  if (goals.length === 1) return distanceField(graph, goals[0] as number);
  const field = new Int32Array(graph.cellCount).fill(-1);
  const queue = [...goals];
  for (const cell of goals) field[cell] = 0;
  for (const cell of queue) {
    const stop = graph.reverseOffsets[cell + 1] as number;
    for (let edge = graph.reverseOffsets[cell] as number; edge < stop; edge++) {
      const source = graph.reverseTargets[edge] as number;
      if (field[source] !== -1) continue;
      field[source] = (field[cell] as number) + 1;
      queue.push(source);
    }
  }
  return field;
}
