import type { Mission } from '@sigma/proto';

/** Bounds of a priority, as the hub takes them. */
const MOST = 1_000;

/** The order in which missions get robots: the more urgent first, among equals the one that was there first. */
export function byQueue(a: Mission, b: Mission): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.createdTimeUs !== b.createdTimeUs) return a.createdTimeUs < b.createdTimeUs ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * The priority with which a mission changes places with its neighbour in the queue; null at the end of the queue, or
 * where the bounds leave no room. Only the one mission is touched: what others were given stays as it was.
 */
export function priorityAfterMove(queue: readonly Mission[], id: string, step: -1 | 1): number | null {
  const at = queue.findIndex((mission) => mission.id === id);
  const [mission, neighbour] = [queue[at], queue[at + step]];
  if (mission === undefined || neighbour === undefined) return null;
  for (const priority of [neighbour.priority, neighbour.priority - step]) {
    if (Math.abs(priority) > MOST) continue;
    const moved = { ...mission, priority };
    if (Math.sign(byQueue(moved, neighbour)) === step) return priority;
  }
  return null;
}
