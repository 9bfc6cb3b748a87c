import type { Grid } from './grid.ts';
import { EAST, NORTH, type Place, type Site, SOUTH, WEST, type Zone } from './site.ts';
import { sealSite } from './site-record.ts';
import {
  closeAgainst,
  components,
  DIRECTIONS,
  type Floor,
  isFree,
  neighbour,
  type OneWayAisle,
  openExits,
  strongComponentCount,
} from './ways.ts';

/**
 * A sensible site for a map that has no site file: the largest connected floor at one metre a cell; docks and chargers
 * along its margin, placed so that with every one of them occupied the rest of the floor still holds together;
 * stations beside the shelves; every second narrow aisle one-way in the other direction, like the streets of Manhattan,
 * as far as every place can still be reached from every other; blocks named like a chessboard, and one work zone.
 */
export function deriveSite(grid: Grid): Site {
  const { name, width, height } = grid;
  const { of, sizes } = components(grid);
  let largest = 0;
  for (let k = 1; k < sizes.length; k++) if ((sizes[k] as number) > (sizes[largest] as number)) largest = k;
  const blocked = new Uint8Array(width * height);
  for (let cell = 0; cell < blocked.length; cell++) blocked[cell] = of[cell] === largest ? 0 : 1;
  const floor: Floor = { width, height, blocked };
  const free = sizes[largest] as number;

  const corridor = corridorCells(floor);
  const parked = new Uint8Array(blocked);
  const parking = chooseParking(floor, corridor, parked, Math.max(1, parkingCount(free)));
  const chargerCells = parking.filter((_, k) => k % 5 === 2);
  const dockCells = parking.filter((_, k) => k % 5 !== 2);
  const stationCells = chooseStations(grid, floor, corridor, parked, Math.max(2, Math.min(80, Math.floor(free / 60))));
  const exits = manhattan(floor, corridor, parked);
  return sealSite({
    name,
    width,
    height,
    metresPerCell: 1,
    blocked,
    exits,
    docks: named('dock', dockCells),
    chargers: named('charger', chargerCells),
    stations: named('station', stationCells),
    zones: [...chessboard(floor), workZone(floor, parked)],
  });
}

const named = (kind: string, cells: readonly number[]): Place[] =>
  cells.map((cell, k) => ({ id: `${kind}-${k + 1}`, cell }));

/** One parking place for sixteen cells, 64 at most until the site is larger than 6,400 cells, then one for a hundred. */
const parkingCount = (free: number): number => Math.min(Math.floor(free / 16), Math.max(64, Math.floor(free / 100)));

/** Bit 1: an aisle from west to east one cell wide; bit 2: one from north to south. */
function corridorCells(floor: Floor): Uint8Array {
  const corridor = new Uint8Array(floor.blocked.length);
  for (let cell = 0; cell < corridor.length; cell++) {
    if (!isFree(floor, cell)) continue;
    const [north, east, south, west] = DIRECTIONS.map((d) => isFree(floor, neighbour(floor, cell, d)));
    corridor[cell] = (!north && !south ? 1 : 0) | (!east && !west ? 2 : 0);
  }
  return corridor;
}

/**
 * Cells in which a robot may stay for hours. From the margin inwards, every second cell first so that neighbours have
 * elbow room; none in an aisle, none whose loss would part the floor around it or shut in another.
 */
function chooseParking(floor: Floor, corridor: Uint8Array, parked: Uint8Array, count: number): number[] {
  const order = byMargin(floor);
  const chosen: number[] = [];
  for (const anyColour of [false, true]) {
    for (const cell of order) {
      if (chosen.length >= count) return chosen.sort((a, b) => a - b);
      if (parked[cell] !== 0 || corridor[cell] !== 0) continue;
      const column = cell % floor.width;
      const row = (cell - column) / floor.width;
      if (!anyColour && (column + row) % 2 === 1) continue;
      if (!maySpare(floor, parked, cell)) continue;
      parked[cell] = 1;
      chosen.push(cell);
    }
  }
  if (chosen.length === 0) {
    const only = order[0] as number;
    chosen.push(only);
    if (order.length > 1) parked[only] = 1;
  }
  return chosen.sort((a, b) => a - b);
}

/** Floor cells, those nearest the bounding box of the floor first, then by number. */
function byMargin(floor: Floor): number[] {
  const box = bounds(floor);
  const rings: number[][] = [];
  for (let cell = 0; cell < floor.blocked.length; cell++) {
    if (floor.blocked[cell] !== 0) continue;
    const column = cell % floor.width;
    const row = (cell - column) / floor.width;
    const depth = Math.min(column - box.left, box.right - column, row - box.top, box.bottom - row);
    const ring = rings[depth];
    if (ring === undefined) rings[depth] = [cell];
    else ring.push(cell);
  }
  return rings.flatMap((ring) => ring ?? []);
}

function bounds(floor: Floor): { left: number; right: number; top: number; bottom: number } {
  let left = floor.width;
  let right = 0;
  let top = floor.height;
  let bottom = 0;
  for (let cell = 0; cell < floor.blocked.length; cell++) {
    if (floor.blocked[cell] !== 0) continue;
    const column = cell % floor.width;
    const row = (cell - column) / floor.width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  }
  return { left, right, top, bottom };
}

/**
 * True when the floor without `taken` stays in one piece without this cell too: its open neighbours are joined to each
 * other around it (a simple point of digital topology), and no parked neighbour loses its last way out.
 */
function maySpare(floor: Floor, taken: Uint8Array, cell: number): boolean {
  const { width } = floor;
  const north = neighbour(floor, cell, NORTH);
  const south = neighbour(floor, cell, SOUTH);
  const east = neighbour(floor, cell, EAST);
  const west = neighbour(floor, cell, WEST);
  const ring = [
    north,
    north >= 0 && east >= 0 ? cell - width + 1 : -1,
    east,
    south >= 0 && east >= 0 ? cell + width + 1 : -1,
    south,
    south >= 0 && west >= 0 ? cell + width - 1 : -1,
    west,
    north >= 0 && west >= 0 ? cell - width - 1 : -1,
  ].map((at) => at >= 0 && taken[at] === 0);
  let openSides = 0;
  let joints = 0;
  for (let k = 0; k < 8; k += 2) {
    if (!ring[k]) continue;
    openSides++;
    if (ring[(k + 1) % 8] && ring[(k + 2) % 8]) joints++;
  }
  if (openSides === 0 || (joints < openSides - 1 && openSides > 1)) return false;
  for (const next of [north, east, south, west]) {
    if (next < 0 || floor.blocked[next] !== 0 || taken[next] === 0) continue;
    let ways = 0;
    for (const direction of DIRECTIONS) {
      const beside = neighbour(floor, next, direction);
      if (beside >= 0 && beside !== cell && taken[beside] === 0) ways++;
    }
    if (ways === 0) return false;
  }
  return true;
}

/** Places that the map marks, else floor beside a wall where others can pass, else any floor; spread evenly. */
function chooseStations(grid: Grid, floor: Floor, corridor: Uint8Array, parked: Uint8Array, count: number): number[] {
  const open: number[] = [];
  for (let cell = 0; cell < parked.length; cell++) if (parked[cell] === 0) open.push(cell);
  const marked = grid.marked.filter((cell) => parked[cell] === 0);
  const box = bounds(floor);
  const beside = open.filter((cell) => {
    const column = cell % floor.width;
    const row = (cell - column) / floor.width;
    const inside = column > box.left && column < box.right && row > box.top && row < box.bottom;
    return inside && corridor[cell] === 0 && DIRECTIONS.some((d) => !isFree(floor, neighbour(floor, cell, d)));
  });
  const roomy = beside.filter((cell) => {
    const ways = DIRECTIONS.filter((d) => isFree(floor, neighbour(floor, cell, d))).length;
    return ways === 3 && maySpare(floor, parked, cell);
  });
  const pool = [marked, roomy, beside, open].find((list) => list.length >= count) ?? open;
  const step = pool.length / count;
  const chosen: number[] = [];
  for (let k = 0; k < Math.min(count, pool.length); k++) {
    chosen.push(pool[step >= 1 ? Math.floor((k + 0.5) * step) : k] as number);
  }
  return chosen;
}

/** Narrow aisles in alternating directions. Those that would cut the site stay open both ways. */
function manhattan(floor: Floor, corridor: Uint8Array, parked: Uint8Array): Uint8Array {
  const aisles = [...straightAisles(floor, corridor, 1), ...straightAisles(floor, corridor, 2)];
  const accepted: OneWayAisle[] = [];
  const whole = strongComponentCount(floor, openExits(floor), parked);
  let checks = 0;
  const holds = (extra: readonly OneWayAisle[]): boolean => {
    checks++;
    const exits = openExits(floor);
    for (const aisle of accepted) closeAgainst(floor, exits, aisle);
    for (const aisle of extra) closeAgainst(floor, exits, aisle);
    if (extra.length <= 1 && deadEnd(floor, exits)) return false;
    return (
      strongComponentCount(floor, exits, parked) === whole && strongComponentCount(floor, exits, floor.blocked) === 1
    );
  };
  const take = (group: readonly OneWayAisle[]): void => {
    if (group.length === 0 || checks >= MOST_CHECKS) return;
    if (holds(group)) {
      accepted.push(...group);
    } else if (group.length > 1) {
      const half = Math.ceil(group.length / 2);
      take(group.slice(0, half));
      take(group.slice(half));
    }
  };
  take(aisles);
  const exits = openExits(floor);
  for (const aisle of accepted) closeAgainst(floor, exits, aisle);
  return exits;
}

/** Bounds the search on maps full of short blind alleys; what is left over stays open both ways. */
const MOST_CHECKS = 160;

function deadEnd(floor: Floor, exits: Uint8Array): boolean {
  for (let cell = 0; cell < exits.length; cell++) if (exits[cell] === 0 && isFree(floor, cell)) return true;
  return false;
}

/** Least length of a one-way aisle: shorter ones are doors, where two robots can see each other and wait. */
const LEAST_AISLE = 4;

/**
 * Straight runs of corridor cells (bit 1 along rows, bit 2 along columns) that may cross single open cells, with the
 * direction alternating from one line to the next.
 */
function straightAisles(floor: Floor, corridor: Uint8Array, bit: number): OneWayAisle[] {
  const { width, height } = floor;
  const lines = bit === 1 ? height : width;
  const length = bit === 1 ? width : height;
  const cellAt = (line: number, k: number): number => (bit === 1 ? line * width + k : k * width + line);
  const narrow = (line: number, k: number): boolean =>
    k >= 0 && k < length && ((corridor[cellAt(line, k)] as number) & bit) !== 0;
  const aisles: OneWayAisle[] = [];
  let used = 0;
  for (let line = 0; line < lines; line++) {
    const direction = bit === 1 ? (used % 2 === 0 ? EAST : WEST) : used % 2 === 0 ? SOUTH : NORTH;
    let found = false;
    for (let k = 0; k < length; k++) {
      if (!narrow(line, k)) continue;
      const cells: number[] = [];
      let inAisle = 0;
      for (; k < length; k++) {
        const crossing = isFree(floor, cellAt(line, k)) && narrow(line, k - 1) && narrow(line, k + 1);
        if (!narrow(line, k) && !crossing) break;
        if (narrow(line, k)) inAisle++;
        cells.push(cellAt(line, k));
      }
      if (inAisle < LEAST_AISLE) continue;
      aisles.push({ cells, direction });
      found = true;
    }
    if (found) used++;
  }
  return aisles;
}

/** Four columns by three rows of blocks, named A1 in the north-west to D3 in the south-east. Empty ones are left out. */
function chessboard(floor: Floor): Zone[] {
  const box = bounds(floor);
  const blocks = new Map<string, number[]>();
  for (let cell = 0; cell < floor.blocked.length; cell++) {
    if (floor.blocked[cell] !== 0) continue;
    const column = cell % floor.width;
    const row = (cell - column) / floor.width;
    const across = Math.floor(((column - box.left) * 4) / (box.right - box.left + 1));
    const down = Math.floor(((row - box.top) * 3) / (box.bottom - box.top + 1));
    const key = `${'abcd'.charAt(across)}${down + 1}`;
    const cells = blocks.get(key) ?? [];
    cells.push(cell);
    blocks.set(key, cells);
  }
  return [...blocks.keys()].sort().map((key): Zone => {
    const cells = blocks.get(key) as number[];
    return { id: `block-${key}`, name: `Block ${key.toUpperCase()}`, kind: 'area', cells, speedMps: null };
  });
}

/** Where people are expected: floor within four cells of the floor's middle. */
function workZone(floor: Floor, parked: Uint8Array): Zone {
  const box = bounds(floor);
  const middleColumn = (box.left + box.right) / 2;
  const middleRow = (box.top + box.bottom) / 2;
  const distance = (cell: number): number => {
    const column = cell % floor.width;
    const row = (cell - column) / floor.width;
    return Math.max(Math.abs(column - middleColumn), Math.abs(row - middleRow));
  };
  const open: number[] = [];
  for (let cell = 0; cell < parked.length; cell++) if (parked[cell] === 0) open.push(cell);
  if (open.length === 0)
    for (let cell = 0; cell < parked.length; cell++) if (floor.blocked[cell] === 0) open.push(cell);
  let nearest = open[0] as number;
  for (const cell of open) if (distance(cell) < distance(nearest)) nearest = cell;
  const reach = Math.max(4, distance(nearest) + 2);
  const cells = open.filter((cell) => distance(cell) <= reach);
  return { id: 'work', name: 'Work area', kind: 'work', cells, speedMps: null };
}
