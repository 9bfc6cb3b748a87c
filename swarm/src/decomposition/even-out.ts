import { eachNeighbour, type RoadGraph } from '../traffic/road-graph.ts';

/**
 * Evens out the sizes of connected parts by handing cells across borders, along the shortest chain of
 * touching parts from one that has too much to one that has too little. A part stays connected: when
 * the cell that goes would cut it, what is cut off (the smaller side) goes along. [S19]
 * `owner[cell]` is the part of each cell of `piece`, in [0, count), and is changed in place.
 * Every hand-over lowers the sum of squared sizes, so it ends.
 */
export function evenOut(land: RoadGraph, piece: readonly number[], owner: Int32Array, count: number): void {
  const sizes = new Int32Array(count);
  for (const cell of piece) sizes[owner[cell] as number] = (sizes[owner[cell] as number] as number) + 1;
  const low = Math.floor(piece.length / count);
  const high = Math.ceil(piece.length / count);
  const stuck = new Set<number>();
  for (let round = 0; round < piece.length * 4; round++) {
    const giver = pickGiver(sizes, high, low, stuck);
    if (giver === -1) return;
    if (handAlong(land, piece, owner, sizes, giver)) stuck.clear();
    else stuck.add(giver);
  }
}

/** The largest part above `high`, or, when all are in bounds but one starves, the largest of all. */
function pickGiver(sizes: Int32Array, high: number, low: number, stuck: ReadonlySet<number>): number {
  let best = -1;
  let starving = false;
  for (const size of sizes) if (size < low) starving = true;
  for (let part = 0; part < sizes.length; part++) {
    if (stuck.has(part) || (sizes[part] as number) <= (starving ? low : high)) continue;
    if (best === -1 || (sizes[part] as number) > (sizes[best] as number)) best = part;
  }
  return best;
}

/** Hand-overs along one chain before the borders are looked at again. */
const mostAtOnce = 4;

/** Moves cells from `giver` towards the nearest part smaller by two or more; false when it cannot. */
function handAlong(
  land: RoadGraph,
  piece: readonly number[],
  owner: Int32Array,
  sizes: Int32Array,
  giver: number,
): boolean {
  const borders = findBorders(land, piece, owner, sizes.length);
  const came = new Int32Array(sizes.length).fill(-1);
  came[giver] = giver;
  const queue = [giver];
  for (const part of queue) {
    for (const next of [...(borders[part] as Map<number, number[]>).keys()].sort((a, b) => a - b)) {
      if (came[next] !== -1) continue;
      came[next] = part;
      queue.push(next);
      const chain = chainTo(came, giver, next);
      let moved = 0;
      while (moved < mostAtOnce && (sizes[next] as number) + 2 <= (sizes[giver] as number)) {
        if (!carry(land, owner, sizes, borders, chain)) break;
        moved++;
      }
      if (moved > 0) return true;
    }
  }
  return false;
}

function chainTo(came: Int32Array, from: number, to: number): number[] {
  const chain = [to];
  for (let part = to; part !== from; ) {
    part = came[part] as number;
    chain.unshift(part);
  }
  return chain;
}

/** For each part the parts it touches, with its own cells on that border. */
function findBorders(
  land: RoadGraph,
  piece: readonly number[],
  owner: Int32Array,
  count: number,
): Map<number, number[]>[] {
  const borders = Array.from({ length: count }, () => new Map<number, number[]>());
  for (const cell of piece) {
    const part = owner[cell] as number;
    eachNeighbour(land, cell, (neighbour) => {
      const other = owner[neighbour] as number;
      if (other === part) return;
      const list = borders[part]?.get(other);
      if (list === undefined) borders[part]?.set(other, [cell]);
      else if (list[list.length - 1] !== cell) list.push(cell);
    });
  }
  return borders;
}

/** One hand-over on every border of the chain, all or nothing. Cells that came to a border since are not looked at. */
function carry(
  land: RoadGraph,
  owner: Int32Array,
  sizes: Int32Array,
  borders: readonly Map<number, number[]>[],
  chain: readonly number[],
): boolean {
  const most = ((sizes[chain[0] as number] as number) - (sizes[chain[chain.length - 1] as number] as number)) >> 1;
  const before = squares(sizes);
  const done: { cells: number[]; from: number; to: number }[] = [];
  for (let k = chain.length - 2; k >= 0; k--) {
    const from = chain[k] as number;
    const to = chain[k + 1] as number;
    const cells = cheapestHandOver(land, owner, borders[from]?.get(to) ?? [], from, to, most);
    if (cells === null) break;
    give(owner, sizes, cells, from, to);
    done.push({ cells, from, to });
  }
  if (done.length === chain.length - 1 && squares(sizes) < before) return true;
  for (const step of done.reverse()) give(owner, sizes, step.cells, step.to, step.from);
  return false;
}

function squares(sizes: Int32Array): number {
  let sum = 0;
  for (const size of sizes) sum += size * size;
  return sum;
}

function give(owner: Int32Array, sizes: Int32Array, cells: readonly number[], from: number, to: number): void {
  for (const cell of cells) owner[cell] = to;
  sizes[from] = (sizes[from] as number) - cells.length;
  sizes[to] = (sizes[to] as number) + cells.length;
}

/** The fewest cells, at most `most`, that can go from one part to a touching one; null when none can. */
function cheapestHandOver(
  land: RoadGraph,
  owner: Int32Array,
  border: readonly number[],
  from: number,
  to: number,
  most: number,
): number[] | null {
  const touching: { cell: number; touch: number }[] = [];
  for (const cell of border) {
    if (owner[cell] !== from) continue;
    let there = 0;
    let here = 0;
    eachNeighbour(land, cell, (neighbour) => {
      if (owner[neighbour] === to) there++;
      else if (owner[neighbour] === from) here++;
    });
    if (there > 0) touching.push({ cell, touch: there - here });
  }
  touching.sort((a, b) => b.touch - a.touch || a.cell - b.cell);
  const severing: number[] = [];
  for (const { cell } of touching) {
    if (staysWhole(land, owner, cell, from)) return [cell];
    severing.push(cell);
  }
  let best: number[] | null = null;
  for (const cell of severing) {
    const along = whatGoesAlong(land, owner, cell, from);
    if (along.length <= most && (best === null || along.length < best.length)) best = along;
  }
  return best;
}

/** True when the part stays in one piece without `cell`: its neighbours there find each other, mostly nearby. */
function staysWhole(land: RoadGraph, owner: Int32Array, cell: number, part: number): boolean {
  const missing = new Set<number>();
  eachNeighbour(land, cell, (neighbour) => {
    if (owner[neighbour] === part) missing.add(neighbour);
  });
  const queue = [...missing].slice(0, 1);
  const seen = new Set([cell, ...queue]);
  for (const at of queue) {
    missing.delete(at);
    if (missing.size === 0) return true;
    eachNeighbour(land, at, (neighbour) => {
      if (owner[neighbour] !== part || seen.has(neighbour)) return;
      seen.add(neighbour);
      queue.push(neighbour);
    });
  }
  return missing.size === 0;
}

/** `cell` and all of its part that hangs on it, except the largest piece, which stays. */
function whatGoesAlong(land: RoadGraph, owner: Int32Array, cell: number, part: number): number[] {
  const pieces: number[][] = [];
  const seen = new Set<number>([cell]);
  eachNeighbour(land, cell, (first) => {
    if (owner[first] !== part || seen.has(first)) return;
    const piece = [first];
    seen.add(first);
    for (const at of piece) {
      eachNeighbour(land, at, (neighbour) => {
        if (owner[neighbour] !== part || seen.has(neighbour)) return;
        seen.add(neighbour);
        piece.push(neighbour);
      });
    }
    pieces.push(piece);
  });
  let largest = 0;
  for (let k = 1; k < pieces.length; k++) {
    if ((pieces[k]?.length ?? 0) > (pieces[largest]?.length ?? 0)) largest = k;
  }
  return [cell, ...pieces.filter((_, k) => k !== largest).flat()];
}
