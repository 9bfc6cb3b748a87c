import type { GridGraph } from '../traffic/road-graph.ts';

/**
 * True when a straight line between the centres of two cells crosses only open cells. Where the line
 * passes exactly through a corner, one of the two cells beside it has to be open. Whole numbers only;
 * the same from either end. [S21]
 */
export function lineOfSight(grid: GridGraph, from: number, to: number): boolean {
  const { width, open } = grid;
  const fromX = from % width;
  const fromY = (from - fromX) / width;
  const toX = to % width;
  const toY = (to - toX) / width;
  const dx = Math.abs(toX - fromX);
  const dy = Math.abs(toY - fromY);
  const stepX = toX > fromX ? 1 : -1;
  const stepY = toY > fromY ? width : -width;
  let cell = from;
  let x = 0;
  let y = 0;
  while (x < dx || y < dy) {
    if (open[cell] === 0) return false;
    const side = (1 + 2 * x) * dy - (1 + 2 * y) * dx;
    if (side === 0) {
      if (open[cell + stepX] === 0 && open[cell + stepY] === 0) return false;
      cell += stepX + stepY;
      x++;
      y++;
    } else if (side < 0) {
      cell += stepX;
      x++;
    } else {
      cell += stepY;
      y++;
    }
  }
  return open[to] === 1;
}

/** The cells within `radius` cells of `from` (Euclidean, inclusive) that it sees, ascending. */
export function visibleCells(grid: GridGraph, from: number, radius: number): number[] {
  const { width, height, open } = grid;
  const x = from % width;
  const y = (from - x) / width;
  const seen: number[] = [];
  for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
    for (let column = Math.max(0, x - radius); column <= Math.min(width - 1, x + radius); column++) {
      const apart = (row - y) * (row - y) + (column - x) * (column - x);
      const cell = row * width + column;
      if (apart <= radius * radius && open[cell] === 1 && lineOfSight(grid, from, cell)) seen.push(cell);
    }
  }
  return seen;
}
