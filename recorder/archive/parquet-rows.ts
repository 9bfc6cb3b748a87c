import { zstdCompressSync } from 'node:zlib';
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { type Column, type ColumnType, EVENT_COLUMNS } from './columns.ts';
import type { EventRow } from './schema.ts';

/** Behind the columns of an event: with it nothing of a recording is lost but its blocks. */
const DATA_COLUMN: Column = { name: 'data', type: 'BLOB', what: 'the payload as it was recorded' };

/** Rows that are held, and that a reader skips or reads together. */
const ROW_GROUP = 8_192;

export interface ParquetRowsOptions {
  /** Takes the file piece by piece. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Whether payloads stand behind the other columns. */
  readonly withData: boolean;
  readonly compressed: boolean;
}

/**
 * Writes events as a Parquet file, a row for each, group by group: without DuckDB, whose way from JavaScript costs more
 * than the file.
 */
export class ParquetRows {
  readonly #options: ParquetRowsOptions;
  readonly #columns: readonly Column[];
  readonly #bytes = new ByteWriter(1 << 20);
  readonly #writer: ParquetWriter;
  #table: Columns;
  #rows = 0;

  constructor(options: ParquetRowsOptions) {
    this.#options = options;
    this.#columns = options.withData ? [...EVENT_COLUMNS, DATA_COLUMN] : EVENT_COLUMNS;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaOf(this.#columns),
      createdBy: 'sigma',
      ...(options.compressed
        ? { codec: 'ZSTD', compressors: { ZSTD: (page: Uint8Array) => zstdCompressSync(page) } }
        : { codec: 'UNCOMPRESSED' }),
    });
    this.#table = new Columns(this.#columns);
  }

  /** Rows added so far. */
  get rows(): number {
    return this.#rows;
  }

  /** @param data the payload, where payloads were asked for. @returns when the next may be added */
  add(row: EventRow, data: Uint8Array | null): void | Promise<void> {
    this.#table.add(row, this.#options.withData ? data : null);
    this.#rows++;
    if (this.#table.rows >= ROW_GROUP) return this.#group();
  }

  /** Nothing can be added behind it. */
  async finish(): Promise<void> {
    await this.#group();
    await this.#writer.finish();
    await this.#handOn();
  }

  async #group(): Promise<void> {
    if (this.#table.rows === 0) return;
    const columnData = this.#table.sources;
    this.#table = new Columns(this.#columns);
    await this.#writer.write({ columnData, rowGroupSize: ROW_GROUP });
    await this.#handOn();
  }

  async #handOn(): Promise<void> {
    const bytes = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    if (bytes.length > 0) await this.#options.write(bytes);
  }
}

/** Columns in which hardly a value comes twice: nobody looks for their least and greatest. */
const LONG: ReadonlySet<string> = new Set(['body', 'data']);

type Cell = string | number | bigint | Uint8Array | null;

/** Whether the writer wants a column's numbers as bigints, column by column. */
const WIDE: readonly boolean[] = EVENT_COLUMNS.map(({ type }) => type === 'BIGINT' || type === 'TIMESTAMP');

class Columns {
  readonly #columns: readonly Column[];
  readonly #values: Cell[][];
  readonly #heap = new ByteHeap();
  rows = 0;

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    this.#values = columns.map(() => []);
  }

  add(row: EventRow, data: Uint8Array | null): void {
    for (let k = 0; k < EVENT_COLUMNS.length; k++) {
      const { name } = EVENT_COLUMNS[k] as (typeof EVENT_COLUMNS)[number];
      const cell = row[name];
      (this.#values[k] as Cell[]).push(this.#held(cell, name, WIDE[k] === true));
    }
    if (data !== null) this.#values[EVENT_COLUMNS.length]?.push(this.#heap.bytes(data));
    this.rows++;
  }

  #held(cell: string | number | null, name: string, wide: boolean): Cell {
    if (cell === null) return null;
    if (wide) return BigInt(cell);
    return name === 'body' ? this.#heap.text(cell as string) : cell;
  }

  get sources(): ColumnSource[] {
    return this.#columns.map(({ name }, k) => {
      const column = { name, data: this.#values[k] as unknown[] };
      return LONG.has(name) ? { ...column, encoding: 'PLAIN', statistics: false } : column;
    });
  }
}

const HEAP_BYTES = 4 << 20;

/** Long values side by side: a store of its own for each would keep the garbage collector busier than all the rest. */
class ByteHeap {
  #room = Buffer.alloc(0);
  #at = 0;

  text(text: string): Uint8Array {
    // Three bytes is the most that UTF-8 takes for one unit of UTF-16.
    this.#make(text.length * 3);
    return this.#taken(this.#room.write(text, this.#at, 'utf8'));
  }

  bytes(bytes: Uint8Array): Uint8Array {
    this.#make(bytes.length);
    this.#room.set(bytes, this.#at);
    return this.#taken(bytes.length);
  }

  #make(length: number): void {
    if (this.#room.length - this.#at >= length) return;
    this.#room = Buffer.allocUnsafeSlow(Math.max(length, HEAP_BYTES));
    this.#at = 0;
  }

  #taken(length: number): Uint8Array {
    const part = this.#room.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}

const ELEMENTS: Readonly<Record<ColumnType, Partial<SchemaElement>>> = {
  VARCHAR: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  BIGINT: { type: 'INT64' },
  INTEGER: { type: 'INT32' },
  DOUBLE: { type: 'DOUBLE' },
  TIMESTAMP: {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' },
  },
  BLOB: { type: 'BYTE_ARRAY' },
};

const schemaOf = (columns: readonly Column[]): SchemaElement[] => [
  { name: 'root', num_children: columns.length },
  ...columns.map(({ name, type }): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...ELEMENTS[type] })),
];
