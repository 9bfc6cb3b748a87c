import type { Body, Site } from '@sigma/fleet-model';
import { drawInt, purpose } from '@sigma/kernel';

/** A robot before it wakes: who it is, what body it has, where it stands. */
export interface PlannedRobot {
  readonly id: string;
  readonly body: Body['kind'];
  readonly cell: number;
}

/** More robots than the site has floor for. */
export class CrowdedSiteError extends Error {
  readonly room: number;

  constructor(site: Site, robots: number, room: number) {
    super(`Site '${site.name}' has room for ${room} robots, not for ${robots}; ask for fewer or give a larger map`);
    this.name = 'CrowdedSiteError';
    this.room = room;
  }
}

const START = purpose('sim-start-cell');

/** `r01`, `r02` ... in as many digits as the last one needs, at least two, so that names sort as numbers do. */
export function robotNames(count: number): readonly string[] {
  const digits = Math.max(2, String(count).length);
  return Array.from({ length: count }, (_, i) => `r${String(i + 1).padStart(digits, '0')}`);
}

/**
 * Who begins where: the docks in order, then the chargers, then open floor away from stations, no two robots in one
 * cell or beside another start. Every third robot is a humanoid, the others are carriers.
 *
 * @throws CrowdedSiteError
 */
export function planFleet(site: Site, count: number, seed: number): readonly PlannedRobot[] {
  const cells = startCells(site, count, seed);
  return robotNames(count).map((id, i) => ({
    id,
    body: i % 3 === 2 ? 'humanoid' : 'carrier',
    cell: cells[i] as number,
  }));
}

function startCells(site: Site, count: number, seed: number): readonly number[] {
  const parked = [...site.docks, ...site.chargers].map(({ cell }) => cell);
  if (count <= parked.length) return spread(parked, count);
  const taken = new Uint8Array(site.width * site.height);
  for (const { cell } of site.stations) taken[cell] = 1;
  for (const zone of site.zones) if (zone.kind === 'restricted') for (const cell of zone.cells) taken[cell] = 1;
  for (const cell of parked) takeAround(site, taken, cell);
  const open: number[] = [];
  for (let cell = 0; cell < taken.length; cell++) if (site.blocked[cell] === 0 && taken[cell] === 0) open.push(cell);
  for (let i = open.length - 1; i > 0; i--) {
    const j = drawInt(seed, 0, i, START, 0, i + 1);
    [open[i], open[j]] = [open[j] as number, open[i] as number];
  }
  const cells = [...parked];
  for (const cell of open) {
    if (cells.length === count) break;
    if (taken[cell] !== 0) continue;
    takeAround(site, taken, cell);
    cells.push(cell);
  }
  if (cells.length < count) throw new CrowdedSiteError(site, count, cells.length);
  return cells;
}

/** Evenly over the list, so that a small fleet does not crowd one wall. */
function spread(cells: readonly number[], count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => cells[Math.floor((i * cells.length) / count)] as number);
}

/** Bars the cell and its eight neighbours: two bodies need a metre between their middles. */
function takeAround(site: Site, taken: Uint8Array, cell: number): void {
  const column = cell % site.width;
  const row = (cell - column) / site.width;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const x = column + dx;
      const y = row + dy;
      if (x >= 0 && x < site.width && y >= 0 && y < site.height) taken[y * site.width + x] = 1;
    }
  }
}
