import type * as duckdb from '@duckdb/node-bindings';
import type { Cell } from './query-messages.ts';

/** Reads the cell of a row that is not null. */
type ReadCell = (row: number) => Cell;

interface PlainType {
  readonly name: string;
  /** Of one value in a vector. */
  readonly bytes: number;
  readonly read: (values: DataView, textAt: (at: number) => string) => ReadCell;
}

/** Which numbers stand for these types is DuckDB's: its own table of them would be loaded with all the rest of it. */
const PLAIN: Readonly<Record<number, PlainType>> = {
  1: { name: 'BOOLEAN', bytes: 1, read: (values) => (row) => values.getUint8(row) !== 0 },
  4: { name: 'INTEGER', bytes: 4, read: (values) => (row) => values.getInt32(row * 4, true) },
  5: { name: 'BIGINT', bytes: 8, read: (values) => (row) => wholeCell(values.getBigInt64(row * 8, true)) },
  11: { name: 'DOUBLE', bytes: 8, read: (values) => (row) => values.getFloat64(row * 8, true) },
  12: { name: 'TIMESTAMP', bytes: 8, read: (values) => (row) => timeCell(values.getBigInt64(row * 8, true)) },
  16: { name: 'HUGEINT', bytes: 16, read: (values) => (row) => wholeCell(hugeint(values, row * 16)) },
  17: { name: 'VARCHAR', bytes: 16, read: (_values, textAt) => (row) => textAt(row * 16) },
};

/** Whether every column of a result has a type that `plainRows` reads: those of events, and what counts and sums of them are. */
export const isPlain = (types: readonly number[]): boolean => types.every((type) => PLAIN[type] !== undefined);

export const plainName = (type: number): string => (PLAIN[type] as PlainType).name;

/**
 * The rows of a chunk as JSON has them, read where DuckDB holds them (its C API, "Vectors"): for values of these types
 * the library around it need not be loaded, which takes longer than most questions.
 *
 * @param types plain ones, column by column
 * @throws Error for a time that ISO 8601 has no four-digit year for, and neither six
 */
export function plainRows(native: typeof duckdb, chunk: duckdb.DataChunk, types: readonly number[]): Cell[][] {
  const count = native.data_chunk_get_size(chunk);
  const cells = types.map((type, column) => readerOf(native, native.data_chunk_get_vector(chunk, column), type, count));
  const rows: Cell[][] = [];
  for (let row = 0; row < count; row++) rows.push(cells.map((cell) => cell(row)));
  return rows;
}

function readerOf(native: typeof duckdb, vector: duckdb.Vector, type: number, count: number): ReadCell {
  const { bytes, read } = PLAIN[type] as PlainType;
  const data = native.vector_get_data(vector, count * bytes);
  const values = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const cell = read(values, (at) => textIn(native, values, at));
  // A bit for each row, the lowest first; DuckDB has none where nothing is null, whatever the declaration says.
  const valid = native.vector_get_validity(vector, Math.ceil(count / 64) * 8) as Uint8Array | null;
  if (valid === null) return cell;
  return (row) => (((valid[row >> 3] as number) >> (row & 7)) & 1 ? cell(row) : null);
}

/** Up to 12 bytes stand with their length, longer texts behind a pointer. */
const WITHIN_BYTES = 12;
const UTF8 = new TextDecoder();

function textIn(native: typeof duckdb, values: DataView, at: number): string {
  const length = values.getUint32(at, true);
  const { buffer, byteOffset } = values;
  if (length <= WITHIN_BYTES) return UTF8.decode(new Uint8Array(buffer, byteOffset + at + 4, length));
  return UTF8.decode(native.get_data_from_pointer(buffer as ArrayBuffer, byteOffset + at + 8, length));
}

const hugeint = (values: DataView, at: number): bigint =>
  (values.getBigInt64(at + 8, true) << 64n) + values.getBigUint64(at, true);

/** Exact: as a number where it is one, in digits where not. */
export function wholeCell(value: bigint): Cell {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : String(value);
}

/** Milliseconds that a Date can hold, to both sides of 1970. */
const MOST_MS = 8_640_000_000_000_000n;

function timeCell(us: bigint): Cell {
  const ms = us / 1000n;
  if (ms < -MOST_MS || ms > MOST_MS) throw new Error(`TIMESTAMP value out of range for JS Date: ${us} micros`);
  return new Date(Number(ms)).toISOString();
}
