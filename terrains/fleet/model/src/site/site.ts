/**
 * A site: the place a fleet works in, on a grid. Coordinates follow REP 103: x east, y north, headings counterclockwise
 * from east, metres and radians; the south-west corner of the grid is (0, 0). Cells are numbered row by row from the
 * north-west, as in a MovingAI map: `cell = row * width + column`.
 */
export interface Site {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly metresPerCell: number;
  /** 1 where nothing can stand; length width * height. */
  readonly blocked: Uint8Array;
  /** Directions in which a robot may leave each cell: NORTH | EAST | SOUTH | WEST. One-way aisles have fewer. */
  readonly exits: Uint8Array;
  /** Where robots start and rest. */
  readonly docks: readonly Place[];
  readonly chargers: readonly Place[];
  /** Where loads are picked up and set down. */
  readonly stations: readonly Place[];
  readonly zones: readonly Zone[];
  /** Hex digest (FNV-1a, 2 x 32 bit) of everything above, in canonical order: the site's version. */
  readonly digest: string;
}

export const NORTH = 1;
export const EAST = 2;
export const SOUTH = 4;
export const WEST = 8;

export interface Place {
  readonly id: string;
  readonly cell: number;
}

/**
 * - `area`: a name for a region.
 * - `restricted`: no robot may enter (geofence exclusion).
 * - `slow`: at most `speedMps`.
 * - `work`: people work here; shown, and robots expect them.
 */
export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly kind: 'area' | 'restricted' | 'slow' | 'work';
  /** Ascending, unique, free cells. */
  readonly cells: readonly number[];
  readonly speedMps: number | null;
}

export const columnOf = (site: Site, cell: number): number => cell % site.width;
export const rowOf = (site: Site, cell: number): number => (cell - (cell % site.width)) / site.width;
export const centreXM = (site: Site, cell: number): number => (columnOf(site, cell) + 0.5) * site.metresPerCell;
export const centreYM = (site: Site, cell: number): number =>
  (site.height - 1 - rowOf(site, cell) + 0.5) * site.metresPerCell;

/** The cell that holds the point, or -1 outside the grid. */
export function cellAt(site: Site, xM: number, yM: number): number {
  const column = Math.floor(xM / site.metresPerCell);
  const row = site.height - 1 - Math.floor(yM / site.metresPerCell);
  if (!(column >= 0 && column < site.width && row >= 0 && row < site.height)) return -1;
  return row * site.width + column;
}
