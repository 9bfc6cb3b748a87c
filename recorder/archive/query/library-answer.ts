import { DuckDBResult, type JS, JSDuckDBValueConverter } from '@duckdb/node-api';
import { wholeCell } from './plain-cells.ts';
import type { DeskAnswer } from './query-desk.ts';
import type { Cell } from './query-messages.ts';

/** An answer with values of any type, read by DuckDB's library for JavaScript. */
export function libraryAnswer(native: ConstructorParameters<typeof DuckDBResult>[0]): DeskAnswer {
  const result = new DuckDBResult(native);
  const names = result.deduplicatedColumnNames();
  const columns = names.map((name, i) => ({ name, type: result.columnType(i).toString() }));
  return { columns, rows: rowsOf(result) };
}

async function* rowsOf(result: DuckDBResult): AsyncIterable<Cell[][]> {
  for await (const rows of result.yieldConvertedRows(JSDuckDBValueConverter)) yield rows.map((row) => row.map(cellOf));
}

/** As JSON has it: whole numbers as numbers where they are exact, times as ISO 8601, bytes in hex. */
function cellOf(value: JS): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return wholeCell(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map((one) => cellOf(one as JS));
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cellOf(one as JS)]));
  }
  return String(value);
}
