import { coverageRoute, type GridGraph, visibleCells } from '@sigma/swarm';
import type { Ground } from '../../ground.ts';
import { cellAt } from '../../site/site.ts';
import { readTask } from '../../task.ts';
import type { PlannedTask, Stop } from '../port.ts';

/**
 * The stops that a task asks for, in order, for a robot that begins in `from`.
 *
 * @returns the stops, or a sentence that says why there are none
 */
export function stopsOf(ground: Ground, task: PlannedTask, from: number): readonly Stop[] | string {
  const read = readTask(task);
  if (typeof read === 'string') return read;
  const { site } = ground;
  const at = (xM: number, yM: number): Stop | string => {
    const cell = cellAt(site, xM, yM);
    if (cell < 0) return `(${xM}, ${yM}) m is outside the site`;
    return site.blocked[cell] === 0 ? { cell, action: null } : `(${xM}, ${yM}) m is inside a wall or shelf`;
  };
  switch (read.kind) {
    case 'goto': {
      const stop = at(read.xM, read.yM);
      if (typeof stop === 'string') return stop;
      if (read.headingRad === null) return [stop];
      return [{ ...stop, action: { name: 'turn', args: { headingRad: read.headingRad } } }];
    }
    case 'cover': {
      const radius = Math.max(0, Math.floor(read.sensingRadiusM / site.metresPerCell));
      const route = coverageRoute(ground.permitted, read.cells, from, { radius });
      return watchPoints(ground.permitted, read.cells, route.path, radius).map((cell) => ({ cell, action: null }));
    }
    case 'patrol': {
      const stops: Stop[] = [];
      for (const { xM, yM } of read.points) {
        const stop = at(xM, yM);
        if (typeof stop === 'string') return stop;
        stops.push(stop);
      }
      return Array.from({ length: read.rounds }, () => stops).flat();
    }
    case 'deliver': {
      const source = ground.stations.get(read.from);
      const target = ground.stations.get(read.to);
      if (source === undefined) return `there is no station '${read.from}'`;
      if (target === undefined) return `there is no station '${read.to}'`;
      const { item } = read;
      return [
        { cell: source.cell, action: { name: 'load', args: { station: read.from, item } } },
        { cell: target.cell, action: { name: 'unload', args: { station: read.to, item } } },
      ];
    }
    case 'dock': {
      const place = ground.places.get(read.place);
      if (place === undefined) return `there is no dock or charger '${read.place}'`;
      return [{ cell: place.cell, action: { name: 'dock', args: { place: read.place } } }];
    }
  }
}

/**
 * The cells of a way from which all that the way shows is seen, whatever way is driven between them: traffic leads robots
 * round each other. Each is the last on the way to show something that none before it has shown.
 */
function watchPoints(roads: GridGraph, part: readonly number[], way: readonly number[], radius: number): number[] {
  const wanted = new Set(part);
  const views = way.map((cell) => (radius === 0 ? [cell] : visibleCells(roads, cell, radius)));
  const lastSeen = new Map<number, number>();
  for (const [i, view] of views.entries()) for (const cell of view) if (wanted.has(cell)) lastSeen.set(cell, i);
  const points: number[] = [];
  for (const [i, view] of views.entries()) {
    if (!view.some((cell) => wanted.has(cell) && lastSeen.get(cell) === i)) continue;
    for (const cell of view) wanted.delete(cell);
    points.push(way[i] as number);
  }
  return points;
}
