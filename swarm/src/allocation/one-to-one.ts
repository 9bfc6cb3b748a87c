/**
 * Minimum-cost one-to-one assignment of rows to columns: the Hungarian method by shortest augmenting
 * paths (Kuhn 1955; Jonker, Volgenant 1987), O(rows^2 * columns). [S27]
 *
 * `cost` is row by row; Infinity forbids a pair. As many rows as possible get a column, and among
 * those assignments the cheapest is taken; ties go to smaller columns. Costs must be finite or
 * Infinity, at most 1e9 each. Returns the column of each row, -1 for rows that go without.
 */
export function assignOneToOne(rows: number, columns: number, cost: ArrayLike<number>): Int32Array {
  if (cost.length !== rows * columns) throw new RangeError(`cost holds ${cost.length} numbers, not ${rows * columns}`);
  const result = new Int32Array(rows).fill(-1);
  if (rows === 0) return result;
  // A column of its own for each row, dearer than any real assignment, stands for going without.
  const width = columns + rows;
  const without = 1e12;
  const price = (row: number, column: number): number => {
    if (column >= columns) return column - columns === row ? without : Infinity;
    return cost[row * columns + column] as number;
  };
  const rowDual = new Float64Array(rows + 1);
  const columnDual = new Float64Array(width + 1);
  const rowOf = new Int32Array(width + 1);
  for (let row = 1; row <= rows; row++) augment(row, width, price, rowDual, columnDual, rowOf);
  for (let column = 1; column <= columns; column++) {
    const row = rowOf[column] as number;
    if (row > 0) result[row - 1] = column - 1;
  }
  return result;
}

/** Gives `row` (counted from 1) a column, moving others along the cheapest chain. */
function augment(
  row: number,
  width: number,
  price: (row: number, column: number) => number,
  rowDual: Float64Array,
  columnDual: Float64Array,
  rowOf: Int32Array,
): void {
  const slack = new Float64Array(width + 1).fill(Infinity);
  const before = new Int32Array(width + 1);
  const done = new Uint8Array(width + 1);
  rowOf[0] = row;
  let column = 0;
  do {
    done[column] = 1;
    const present = rowOf[column] as number;
    let step = Infinity;
    let next = 0;
    for (let j = 1; j <= width; j++) {
      if (done[j] === 1) continue;
      const reduced = price(present - 1, j - 1) - (rowDual[present] as number) - (columnDual[j] as number);
      if (reduced < (slack[j] as number)) {
        slack[j] = reduced;
        before[j] = column;
      }
      if ((slack[j] as number) < step) {
        step = slack[j] as number;
        next = j;
      }
    }
    for (let j = 0; j <= width; j++) {
      if (done[j] === 1) {
        const owner = rowOf[j] as number;
        rowDual[owner] = (rowDual[owner] as number) + step;
        columnDual[j] = (columnDual[j] as number) - step;
      } else slack[j] = (slack[j] as number) - step;
    }
    column = next;
  } while (rowOf[column] !== 0);
  while (column !== 0) {
    const previous = before[column] as number;
    rowOf[column] = rowOf[previous] as number;
    column = previous;
  }
}
