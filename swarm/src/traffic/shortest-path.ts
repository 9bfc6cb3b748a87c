import { isOpen, type RoadGraph } from './road-graph.ts';

/**
 * A shortest path from `from` to `to`, both included, along directed edges; among equals the one
 * whose cells come first in numeric order, from the start on. [S4]
 * Returns null when there is none. `avoid` holds 1 for cells not to be entered (the start may be one).
 */
export function shortestPath(graph: RoadGraph, from: number, to: number, avoid?: Uint8Array): number[] | null {
  if (!isOpen(graph, from) || !isOpen(graph, to)) return null;
  if (from === to) return [from];
  if (avoid !== undefined && avoid[to] === 1) return null;
  const { cellCount, offsets, targets, reverseOffsets, reverseTargets } = graph;
  const distance = new Int32Array(cellCount).fill(-1);
  const queue = new Int32Array(cellCount);
  let tail = 0;
  queue[tail++] = to;
  distance[to] = 0;
  for (let head = 0; head < tail && distance[from] === -1; head++) {
    const cell = queue[head] as number;
    const end = reverseOffsets[cell + 1] as number;
    for (let edge = reverseOffsets[cell] as number; edge < end; edge++) {
      const source = reverseTargets[edge] as number;
      if (distance[source] !== -1 || (source !== from && avoid !== undefined && avoid[source] === 1)) continue;
      distance[source] = (distance[cell] as number) + 1;
      queue[tail++] = source;
    }
  }
  if (distance[from] === -1) return null;
  const path = [from];
  for (let cell = from; cell !== to; ) {
    const wanted = (distance[cell] as number) - 1;
    let next = -1;
    const end = offsets[cell + 1] as number;
    for (let edge = offsets[cell] as number; edge < end && next === -1; edge++) {
      if (distance[targets[edge] as number] === wanted) next = targets[edge] as number;
    }
    path.push(next);
    cell = next;
  }
  return path;
}
