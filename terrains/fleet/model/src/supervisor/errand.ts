import { coverageRoute } from '@sigma/swarm';
import type { Ground } from '../ground.ts';
import { cellAt } from '../site/site.ts';
import { readTask } from '../task.ts';
import type { PlannedTask, Stop } from './port.ts';

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
      return route.stops.map((cell) => ({ cell, action: null }));
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
