import {
  BIGINT,
  BLOB,
  blobValue,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api';
import type { Column, ColumnType } from './columns.ts';

const TYPES: Readonly<Record<ColumnType, DuckDBType>> = { VARCHAR, BIGINT, INTEGER, DOUBLE, TIMESTAMP, BLOB };
/** Rows of one DuckDB vector. */
const CHUNK_ROWS = 2048;

type Cell = string | number | Uint8Array | null;

/** A table of DuckDB that is filled row by row. */
export class RowTable {
  readonly #appender: DuckDBAppender;
  readonly #columns: readonly Column[];
  readonly #types: readonly DuckDBType[];
  #waiting: DuckDBValue[][];
  #rows = 0;

  private constructor(appender: DuckDBAppender, columns: readonly Column[]) {
    this.#appender = appender;
    this.#columns = columns;
    this.#types = columns.map(({ type }) => TYPES[type]);
    this.#waiting = columns.map(() => []);
  }

  /** Makes the table, empty. */
  static async make(connection: DuckDBConnection, name: string, columns: readonly Column[]): Promise<RowTable> {
    const list = columns.map(({ name, type }) => `"${name}" ${type}`).join(', ');
    await connection.run(`CREATE OR REPLACE TABLE "${name}" (${list})`);
    return new RowTable(await connection.createAppender(name), columns);
  }

  /** @param row a cell for each column, by name */
  add(row: Readonly<Record<string, Cell>>): void {
    for (let i = 0; i < this.#columns.length; i++) {
      const { name, type } = this.#columns[i] as Column;
      (this.#waiting[i] as DuckDBValue[]).push(duckValue(row[name] ?? null, type));
    }
    this.#rows++;
    if ((this.#waiting[0] as DuckDBValue[]).length === CHUNK_ROWS) this.#flush();
  }

  /** Rows added so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Nothing can be added behind it. */
  close(): void {
    this.#flush();
    this.#appender.closeSync();
  }

  #flush(): void {
    const count = (this.#waiting[0] as DuckDBValue[]).length;
    if (count === 0) return;
    const chunk = DuckDBDataChunk.create(this.#types, count);
    for (let i = 0; i < this.#columns.length; i++) chunk.setColumnValues(i, this.#waiting[i] as DuckDBValue[]);
    this.#appender.appendDataChunk(chunk);
    this.#waiting = this.#columns.map(() => []);
  }
}

function duckValue(cell: Cell, type: ColumnType): DuckDBValue {
  if (cell === null) return null;
  if (type === 'BIGINT') return BigInt(cell as number);
  if (type === 'TIMESTAMP') return new DuckDBTimestampValue(BigInt(cell as number));
  if (type === 'BLOB') return blobValue(cell as Uint8Array);
  return cell as string | number;
}
