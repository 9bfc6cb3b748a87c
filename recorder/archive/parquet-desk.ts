import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  type ChainId,
  decodeBlock,
  decodeEnvelope,
  EVENT_TYPE,
  isStub,
  leafHash,
  type Sha256,
  type SnapshotMark,
  type StoredBlock,
} from '../src/index.ts';
import { BLOCK_COLUMNS, EVENT_COLUMNS, LEAF_COLUMNS } from './columns.ts';
import { RowTable } from './row-table.ts';
import { eventRow, PAYLOAD_COLUMNS } from './schema.ts';

/** Events that are skipped or read together: a question about one hour of a robot's day reads a small part of the day. */
const EVENT_GROUP = 32_768;
/** Blocks that are read together when one of them is wanted. */
const BLOCK_GROUP = 2_048;

/** An archived event as its tree sees it. */
export interface ArchivedLeaf {
  readonly sequence: number;
  readonly leaf: Uint8Array;
  /** Null where retention took it away. */
  readonly envelope: Uint8Array | null;
}

/** What DuckDB may never do here, whatever a file says: fetch or load anything, or write beside what it is told to. */
export const CLOSED_SITE: Readonly<Record<string, string>> = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  temp_directory: '',
};

/** DuckDB for writing and reading archive objects: a scratch folder and one connection. */
export class ParquetDesk {
  readonly #scratch = mkdtempSync(join(tmpdir(), 'sigma-archive-'));
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(): Promise<ParquetDesk> {
    const instance = await DuckDBInstance.create(':memory:', { ...CLOSED_SITE, memory_limit: '1GB' });
    return new ParquetDesk(instance, await instance.connect());
  }

  /** Blocks of one chain as a Parquet file, byte for byte (R160). */
  async encodeBlocks(blocks: readonly StoredBlock[]): Promise<Uint8Array> {
    const table = await RowTable.make(this.#connection, 'object', BLOCK_COLUMNS);
    for (const { firstSequence, bytes, hash } of blocks) {
      table.add({ first_sequence: firstSequence, block_hash: hash, block: bytes });
    }
    table.close();
    return this.#written('first_sequence', BLOCK_GROUP);
  }

  /** Their events as a Parquet file to be asked in SQL. */
  async encodeEvents(chain: ChainId, blocks: readonly StoredBlock[]): Promise<Uint8Array> {
    const table = await RowTable.make(this.#connection, 'object', EVENT_COLUMNS);
    for (const { bytes } of blocks) {
      // Of dropped blocks there is a row for the event that says so.
      if (isStub(bytes)) continue;
      for (const envelope of decodeBlock(bytes).events) table.add(eventRow(chain, decodeEnvelope(envelope)));
    }
    table.close();
    return this.#written('sequence', EVENT_GROUP);
  }

  /** Events with their leaf hashes, of which those of some classes have lost their envelope (R170). */
  async encodeLeaves(leaves: AsyncIterable<ArchivedLeaf>, gone: (sequence: number) => boolean): Promise<Uint8Array> {
    const table = await RowTable.make(this.#connection, 'object', LEAF_COLUMNS);
    for await (const { sequence, leaf, envelope } of leaves) {
      if (envelope === null || gone(sequence)) table.add({ sequence, leaf });
      else table.add({ sequence, envelope });
    }
    table.close();
    return this.#written('sequence', EVENT_GROUP);
  }

  /** A file of events without what those of some classes said. */
  async encodeThinnedEvents(path: string, classes: readonly string[]): Promise<Uint8Array> {
    const list = classes.map((name) => `'${quoted(name)}'`).join(', ');
    const columns = EVENT_COLUMNS.map(({ name }) =>
      PAYLOAD_COLUMNS.includes(name)
        ? `CASE WHEN class IN (${list}) THEN NULL ELSE "${name}" END AS "${name}"`
        : `"${name}"`,
    );
    const from = `read_parquet('${quoted(path)}')`;
    await this.#connection.run(`CREATE OR REPLACE TABLE object AS SELECT ${columns.join(', ')} FROM ${from}`);
    return this.#written('sequence', EVENT_GROUP);
  }

  /** Sequences of the events of some classes. */
  async sequencesOf(path: string, classes: readonly string[]): Promise<ReadonlySet<number>> {
    const list = classes.map((name) => `'${quoted(name)}'`).join(', ');
    const reader = await this.#connection.runAndReadAll(
      `SELECT sequence FROM read_parquet('${quoted(path)}') WHERE class IN (${list})`,
    );
    return new Set(reader.getRows().map(([sequence]) => Number(sequence)));
  }

  /** What a thinned file holds, in order. */
  async *leaves(path: string, sha256: Sha256): AsyncIterable<ArchivedLeaf> {
    const result = await this.#connection.stream(
      `SELECT sequence, leaf, envelope FROM read_parquet('${quoted(path)}') ORDER BY sequence`,
    );
    type Row = [bigint, { bytes: Uint8Array } | null, { bytes: Uint8Array } | null];
    for await (const rows of result.yieldRows()) {
      for (const [sequence, gone, kept] of rows as Row[]) {
        const envelope = kept === null ? null : new Uint8Array(kept.bytes);
        const leaf = envelope === null ? new Uint8Array(gone?.bytes ?? []) : leafHash(envelope, sha256);
        yield { sequence: Number(sequence), leaf, envelope };
      }
    }
  }

  async #written(order: string, group: number): Promise<Uint8Array> {
    const path = join(this.#scratch, 'object.parquet');
    const how = `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 6, ROW_GROUP_SIZE ${group}, PARQUET_VERSION v2`;
    await this.#connection.run(`COPY (SELECT * FROM object ORDER BY ${order}) TO '${quoted(path)}' (${how})`);
    await this.#connection.run('DROP TABLE object');
    const bytes = await readFile(path);
    rmSync(path);
    return new Uint8Array(bytes);
  }

  /** The blocks of a file that hold any event of the range, in order. @param path a file that was checked */
  async *blocks(path: string, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    const file = `read_parquet('${quoted(path)}')`;
    const result = await this.#connection.stream(
      `SELECT first_sequence, block_hash, block FROM ${file}
       WHERE first_sequence <= ${whole(toSequence)} AND first_sequence >= (SELECT coalesce(max(first_sequence), 0)
         FROM ${file} WHERE first_sequence <= ${whole(fromSequence)})
       ORDER BY first_sequence`,
    );
    for await (const rows of result.yieldRows()) {
      for (const [sequence, hash, block] of rows as [bigint, { bytes: Uint8Array }, { bytes: Uint8Array }][]) {
        yield { firstSequence: Number(sequence), hash: new Uint8Array(hash.bytes), bytes: new Uint8Array(block.bytes) };
      }
    }
  }

  /** The last snapshot at or before a moment, from a file of events that was checked. */
  async snapshotBefore(path: string, atUs: number): Promise<SnapshotMark | null> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT sequence, at_us FROM read_parquet('${quoted(path)}')
       WHERE type = '${EVENT_TYPE.snapshot}' AND at_us <= ${whole(atUs)} ORDER BY at_us DESC, sequence DESC LIMIT 1`,
    );
    const [row] = reader.getRows() as [bigint, bigint][];
    return row === undefined ? null : { sequence: Number(row[0]), atUs: Number(row[1]) };
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

/** A path within quotation marks of SQL. */
export const quoted = (path: string): string => path.replaceAll("'", "''");

const whole = (n: number): number => Math.max(-1, Math.min(Math.floor(n), Number.MAX_SAFE_INTEGER));
