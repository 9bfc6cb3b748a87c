import { zstdCompressSync } from 'node:zlib';
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { type Column, type ColumnType, EVENT_COLUMNS, type EventRow, eventRow } from '../archive/schema.ts';
import { type ByteSink, type ExportOptions, type ExportResult, ExportRun, eachEvent } from './run.ts';

export interface ParquetOptions extends ExportOptions {
  readonly sink: ByteSink;
}

/** The columns of an event in the archive, and its payload: with it nothing of the recording is lost but its blocks. */
const COLUMNS: readonly Column[] = [
  ...EVENT_COLUMNS,
  { name: 'data', type: 'BLOB', what: 'the payload as it was recorded' },
];

/** Rows that are held, and that a reader skips or reads together. */
const ROW_GROUP = 8_192;

/**
 * Writes a recording as one Parquet file, a row for each event by time, with the columns that archive and queries have
 * (`EVENT_COLUMNS`) and the payload behind them.
 *
 * @throws StoreError, what `sink` throws, the signal's reason
 */
export async function exportParquet(options: ParquetOptions): Promise<ExportResult> {
  const run = new ExportRun(options);
  const bytes = new FlushedBytes(options.sink);
  const writer = new ParquetWriter({
    writer: bytes,
    schema: SCHEMA,
    codec: 'ZSTD',
    compressors: { ZSTD: (page) => zstdCompressSync(page) },
    createdBy: 'sigma',
  });
  let table = new Columns();
  const flush = async (): Promise<void> => {
    if (table.rows === 0) return;
    const columnData = table.sources;
    table = new Columns();
    await writer.write({ columnData, rowGroupSize: ROW_GROUP });
    await bytes.flush();
  };
  await eachEvent(run, ({ chain: { head }, event }) => {
    const row = eventRow(head, event);
    table.add(row, event.data);
    if (table.rows >= ROW_GROUP) return flush();
  });
  await flush();
  await writer.finish();
  await bytes.flush();
  return run.result;
}

/** Columns in which hardly a value comes twice: nobody looks for their least and greatest. */
const LONG: ReadonlySet<string> = new Set(['body', 'data']);

type Cell = string | number | bigint | Uint8Array | null;

/** Whether the writer wants a column's numbers as bigints, column by column. */
const WIDE: readonly boolean[] = COLUMNS.map(({ type }) => type === 'BIGINT' || type === 'TIMESTAMP');

class Columns {
  readonly #values: Cell[][] = COLUMNS.map(() => []);
  readonly #heap = new ByteHeap();
  rows = 0;

  add(row: EventRow, data: Uint8Array): void {
    for (let k = 0; k < EVENT_COLUMNS.length; k++) {
      const { name } = EVENT_COLUMNS[k] as (typeof EVENT_COLUMNS)[number];
      const cell = row[name];
      (this.#values[k] as Cell[]).push(this.#held(cell, name, WIDE[k] === true));
    }
    (this.#values[EVENT_COLUMNS.length] as Cell[]).push(this.#heap.bytes(data));
    this.rows++;
  }

  #held(cell: string | number | null, name: string, wide: boolean): Cell {
    if (cell === null) return null;
    if (wide) return BigInt(cell);
    return name === 'body' ? this.#heap.text(cell as string) : cell;
  }

  get sources(): ColumnSource[] {
    return COLUMNS.map(({ name }, k) => {
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

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: COLUMNS.length },
  ...COLUMNS.map(({ name, type }): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...ELEMENTS[type] })),
];

/** What the writer of Parquet has put together, handed on after each group of rows. */
class FlushedBytes extends ByteWriter {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    super(1 << 20);
    this.#sink = sink;
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes().slice();
    this.index = 0;
    if (bytes.length > 0) await this.#sink.write(bytes);
  }
}
