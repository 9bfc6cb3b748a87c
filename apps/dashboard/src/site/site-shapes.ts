import { centreXM, centreYM, EAST, NORTH, type Site, SOUTH, WEST, type Zone } from '@sigma/fleet-model';

/** What stands still on a site, made ready for drawing once: metres throughout, y north. */
export interface SiteShapes {
  readonly widthM: number;
  readonly heightM: number;
  /** x, y of the south-west corner, width, height of each wall; neighbouring cells are one rectangle. */
  readonly walls: Float32Array;
  /** x, y, direction in radians, column + row of each cell that may be left one way only along an aisle. */
  readonly oneWays: Float32Array;
  readonly zones: readonly ZoneShape[];
}

export interface ZoneShape {
  readonly zone: Zone;
  /** x1, y1, x2, y2 of every edge between the zone and what is not the zone. */
  readonly outline: Float32Array;
  /** x, y, width, height, as for walls. */
  readonly runs: Float32Array;
  /** From its western to its eastern edge. */
  readonly widthM: number;
  readonly labelXM: number;
  readonly labelYM: number;
}

export function siteShapes(site: Site): SiteShapes {
  return {
    widthM: site.width * site.metresPerCell,
    heightM: site.height * site.metresPerCell,
    walls: rectangles(site, (cell) => site.blocked[cell] === 1),
    oneWays: oneWays(site),
    zones: site.zones.filter((zone) => zone.cells.length > 0).map((zone) => zoneShape(site, zone)),
  };
}

/**
 * Covers the cells that `holds` with few rectangles: runs along each row, grown down while the row below has the same
 * run. Greedy, linear in the cells.
 */
export function rectangles(
  site: Pick<Site, 'width' | 'height' | 'metresPerCell'>,
  holds: (cell: number) => boolean,
): Float32Array {
  const { width, height, metresPerCell: side } = site;
  const found: number[] = [];
  let open = new Map<number, { readonly end: number; readonly top: number }>();
  const finish = (start: number, end: number, top: number, bottom: number) => {
    found.push(start * side, (height - bottom) * side, (end - start) * side, (bottom - top) * side);
  };
  for (let row = 0; row <= height; row++) {
    const next = new Map<number, { readonly end: number; readonly top: number }>();
    for (let column = 0; row < height && column < width; column++) {
      if (!holds(row * width + column)) continue;
      const start = column;
      while (column < width && holds(row * width + column)) column++;
      const above = open.get(start);
      next.set(start, { end: column, top: above?.end === column ? above.top : row });
    }
    for (const [start, { end, top }] of open) {
      const grown = next.get(start);
      if (grown === undefined || grown.end !== end) finish(start, end, top, row);
    }
    open = next;
  }
  return Float32Array.from(found);
}

const WAYS = [
  { bit: EAST, back: WEST, column: 1, row: 0, heading: 0 },
  { bit: NORTH, back: SOUTH, column: 0, row: -1, heading: Math.PI / 2 },
  { bit: WEST, back: EAST, column: -1, row: 0, heading: Math.PI },
  { bit: SOUTH, back: NORTH, column: 0, row: 1, heading: -Math.PI / 2 },
] as const;

/** Cells with a way out to a free neighbour that has no way back. */
function oneWays(site: Site): Float32Array {
  const found: number[] = [];
  for (let cell = 0; cell < site.blocked.length; cell++) {
    if (site.blocked[cell] === 1) continue;
    const column = cell % site.width;
    const row = (cell - column) / site.width;
    for (const way of WAYS) {
      const besideColumn = column + way.column;
      const besideRow = row + way.row;
      if (besideColumn < 0 || besideColumn >= site.width || besideRow < 0 || besideRow >= site.height) continue;
      const beside = besideRow * site.width + besideColumn;
      const out = ((site.exits[cell] as number) & way.bit) !== 0;
      const back = ((site.exits[beside] as number) & way.back) !== 0;
      if (site.blocked[beside] === 1 || !out || back) continue;
      found.push(centreXM(site, cell), centreYM(site, cell), way.heading, column + row);
      break;
    }
  }
  return Float32Array.from(found);
}

/**
 * The cells of a zone and the shelves between them: a zone over some aisles is one area to whoever looks at it, not a
 * strip for each aisle. A shelf belongs to it when the zone lies on both sides of it along its row and its column.
 */
function enclosed(site: Site, cells: readonly number[]): ReadonlySet<number> {
  const { width, height, blocked } = site;
  const member = new Set(cells);
  const first = new Int32Array(width + height).fill(0x7fffffff);
  const last = new Int32Array(width + height).fill(-1);
  for (const cell of cells) {
    const column = cell % width;
    const row = (cell - column) / width;
    for (const [line, at] of [
      [column, row],
      [width + row, column],
    ] as const) {
      first[line] = Math.min(first[line] as number, at);
      last[line] = Math.max(last[line] as number, at);
    }
  }
  const between = (line: number, at: number): boolean => at > (first[line] as number) && at < (last[line] as number);
  for (let cell = 0; cell < blocked.length; cell++) {
    if (blocked[cell] !== 1) continue;
    const column = cell % width;
    const row = (cell - column) / width;
    if (between(column, row) && between(width + row, column)) member.add(cell);
  }
  return member;
}

function zoneShape(site: Site, zone: Zone): ZoneShape {
  const member = enclosed(site, zone.cells);
  const side = site.metresPerCell;
  const outline: number[] = [];
  let sumX = 0;
  let [western, eastern] = [Number.POSITIVE_INFINITY, 0];
  let sumY = 0;
  for (const cell of member) {
    const column = cell % site.width;
    const row = (cell - column) / site.width;
    const west = column * side;
    const north = (site.height - row) * side;
    western = Math.min(western, west);
    eastern = Math.max(eastern, west + side);
    sumX += west + side / 2;
    sumY += north - side / 2;
    if (column === 0 || !member.has(cell - 1)) outline.push(west, north, west, north - side);
    if (column === site.width - 1 || !member.has(cell + 1)) outline.push(west + side, north, west + side, north - side);
    if (row === 0 || !member.has(cell - site.width)) outline.push(west, north, west + side, north);
    if (row === site.height - 1 || !member.has(cell + site.width))
      outline.push(west, north - side, west + side, north - side);
  }
  const runs = rectangles(site, (cell) => member.has(cell));
  const count = Math.max(1, member.size);
  const widthM = Math.max(0, eastern - western);
  return { zone, outline: Float32Array.from(outline), runs, widthM, labelXM: sumX / count, labelYM: sumY / count };
}

/** The name with what holds there, and the rule alone for where the name has no room. */
export function zoneNames({ zone }: ZoneShape): readonly [full: string, short: string] {
  if (zone.kind === 'restricted') return [`${zone.name} · no entry`, 'no entry'];
  if (zone.kind === 'slow' && zone.speedMps !== null)
    return [`${zone.name} · ${zone.speedMps} m/s`, `${zone.speedMps} m/s`];
  return zone.kind === 'work' ? [`${zone.name} · people`, zone.name] : [zone.name, ''];
}
