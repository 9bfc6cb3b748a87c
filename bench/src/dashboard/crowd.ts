import { EAST, NORTH, type Site, SOUTH, WEST } from '@sigma/fleet-model';

/** Bodies that drive through a site by its one-way aisles, turning where they may; seeded, the same crowd every time. */
export interface Crowd {
  readonly ids: readonly string[];
  readonly xM: Float32Array;
  readonly yM: Float32Array;
  readonly headingRad: Float32Array;
  readonly speedMps: Float32Array;
  /** Moves all on by `seconds`. */
  advance(seconds: number): void;
}

const WAYS = [
  { bit: EAST, column: 1, row: 0 },
  { bit: NORTH, column: 0, row: -1 },
  { bit: WEST, column: -1, row: 0 },
  { bit: SOUTH, column: 0, row: 1 },
] as const;

/** Numerical Recipes' generator, quick and the same everywhere; 0 inclusive to 1 exclusive. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function crowdOn(site: Site, count: number, seed: number): Crowd {
  const chance = seeded(seed);
  const free: number[] = [];
  for (let cell = 0; cell < site.blocked.length; cell++) if (site.blocked[cell] === 0) free.push(cell);
  const ids = Array.from({ length: count }, (_, k) => `r${String(k + 1).padStart(count > 999 ? 5 : 2, '0')}`);
  const xM = new Float32Array(count);
  const yM = new Float32Array(count);
  const headingRad = new Float32Array(count);
  const speedMps = new Float32Array(count);
  const cells = new Int32Array(count);
  const ways = new Uint8Array(count);
  const along = new Float32Array(count);
  const exits = (cell: number): number[] =>
    [0, 1, 2, 3].filter((way) => ((site.exits[cell] as number) & (WAYS[way]?.bit ?? 0)) !== 0);
  const place = (row: number): void => {
    const cell = cells[row] as number;
    const way = WAYS[ways[row] as number] as (typeof WAYS)[number];
    const share = along[row] as number;
    xM[row] = ((cell % site.width) + 0.5 + way.column * share) * site.metresPerCell;
    yM[row] = (site.height - 1 - Math.floor(cell / site.width) + 0.5 - way.row * share) * site.metresPerCell;
    headingRad[row] = ((ways[row] as number) * Math.PI) / 2;
  };
  for (let row = 0; row < count; row++) {
    cells[row] = free[Math.floor(chance() * free.length)] as number;
    ways[row] = exits(cells[row] as number)[0] ?? 0;
    speedMps[row] = exits(cells[row] as number).length === 0 || chance() < 0.15 ? 0 : 0.5 + chance();
    place(row);
  }
  const advance = (seconds: number): void => {
    for (let row = 0; row < count; row++) {
      if (speedMps[row] === 0) continue;
      along[row] = (along[row] as number) + ((speedMps[row] as number) * seconds) / site.metresPerCell;
      if ((along[row] as number) >= 1) {
        const way = WAYS[ways[row] as number] as (typeof WAYS)[number];
        cells[row] = (cells[row] as number) + way.column + way.row * site.width;
        along[row] = (along[row] as number) - 1;
        const open = exits(cells[row] as number);
        const straight = open.includes(ways[row] as number) && chance() > 0.15;
        if (!straight) ways[row] = open[Math.floor(chance() * open.length)] ?? (ways[row] as number);
        if (open.length === 0) speedMps[row] = 0;
      }
      place(row);
    }
  };
  return { ids, xM, yM, headingRad, speedMps, advance };
}
