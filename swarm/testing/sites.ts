import { buildGridGraph, exits, type GridGraph } from '../src/traffic/road-graph.ts';

/** Draws a grid: '.' is open, '>' '<' '^' 'v' one-way cells, anything else is blocked. */
export function drawGrid(...rows: readonly string[]): GridGraph {
  const width = Math.max(...rows.map((row) => row.length));
  const blocked = new Uint8Array(width * rows.length).fill(1);
  const oneWay = new Uint8Array(width * rows.length).fill(exits.any);
  const arrows: Record<string, number> = { '>': exits.east, '<': exits.west, '^': exits.north, v: exits.south };
  rows.forEach((row, y) => {
    [...row].forEach((mark, x) => {
      const arrow = arrows[mark];
      if (mark !== '.' && arrow === undefined) return;
      blocked[y * width + x] = 0;
      if (arrow !== undefined) oneWay[y * width + x] = arrow;
    });
  });
  return buildGridGraph({ width, height: rows.length, blocked, oneWay });
}

/** The grid of a MovingAI map file ('.', 'G' and 'S' can be walked). */
export function readMap(text: string): GridGraph {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const rows = lines.slice(lines.indexOf('map') + 1).filter((line) => line.length > 0);
  return drawGrid(...rows.map((row) => row.replace(/[GS]/g, '.').replace(/[^.]/g, '#')));
}

export type WarehousePlan = {
  /** Shelf blocks across and down. */
  readonly columns: number;
  readonly rows: number;
  /** Cells of one shelf block. */
  readonly shelfWidth: number;
  readonly shelfHeight: number;
  /** Free columns left and right of the shelves. */
  readonly yard: number;
  /** Makes the cross aisles run east and west in turn, the rows of a yard stay two-way. */
  readonly oneWayAisles: boolean;
};

/** A warehouse of shelf blocks with aisles one cell wide, a yard on both sides, aisles all around. */
export function buildWarehouse(plan: WarehousePlan): GridGraph {
  const width = plan.columns * (plan.shelfWidth + 1) + 1 + 2 * plan.yard;
  const height = plan.rows * (plan.shelfHeight + 1) + 1;
  const blocked = new Uint8Array(width * height);
  const oneWay = new Uint8Array(width * height).fill(exits.any);
  for (let y = 0; y < height; y++) {
    for (let x = plan.yard; x < width - plan.yard; x++) {
      const shelfColumn = (x - plan.yard) % (plan.shelfWidth + 1) !== 0;
      const aisle = Math.floor(y / (plan.shelfHeight + 1));
      if (shelfColumn && y % (plan.shelfHeight + 1) !== 0) blocked[y * width + x] = 1;
      else if (shelfColumn && plan.oneWayAisles) oneWay[y * width + x] = aisle % 2 === 0 ? exits.east : exits.west;
    }
  }
  return buildGridGraph({ width, height, blocked, oneWay });
}

/** Numbers from a seed (Mulberry32), for tests that want the same chance every time. */
export function seededChance(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
