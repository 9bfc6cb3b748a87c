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
  type SnapshotMark,
  type StoredBlock,
} from '../src/index.ts';
import { RowTable } from './row-table.ts';
import { BLOCK_COLUMNS, eventRow } from './schema.ts';

/** Rows that are skipped or read together: a question about one hour of a robot's day reads a small part of the day. */
const ROW_GROUP = 16_384;

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

  /** Blocks of one chain as a Parquet file (R160): a row for each event, the block in the row of its first. */
  async encode(chain: ChainId, blocks: readonly StoredBlock[]): Promise<Uint8Array> {
    const table = await RowTable.make(this.#connection, 'object', BLOCK_COLUMNS);
    for (const { bytes, hash } of blocks) {
      const { events } = decodeBlock(bytes);
      for (let i = 0; i < events.length; i++) {
        table.add(eventRow(chain, decodeEnvelope(events[i] as Uint8Array)), i === 0 ? [hash, bytes] : []);
      }
    }
    table.close();
    const path = join(this.#scratch, 'object.parquet');
    const how = `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 6, ROW_GROUP_SIZE ${ROW_GROUP}, PARQUET_VERSION v2`;
    await this.#connection.run(`COPY (SELECT * FROM object ORDER BY sequence) TO '${quoted(path)}' (${how})`);
    await this.#connection.run('DROP TABLE object');
    const bytes = await readFile(path);
    rmSync(path);
    return new Uint8Array(bytes);
  }

  /** The blocks of an object that hold any event of the range, in order. @param path an object that was checked */
  async *blocks(path: string, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    const file = `read_parquet('${quoted(path)}')`;
    const result = await this.#connection.stream(
      `SELECT sequence, block_hash, block FROM ${file}
       WHERE block IS NOT NULL AND sequence <= ${whole(toSequence)} AND sequence >= (SELECT coalesce(max(sequence), 0)
         FROM ${file} WHERE block_hash IS NOT NULL AND sequence <= ${whole(fromSequence)})
       ORDER BY sequence`,
    );
    for await (const rows of result.yieldRows()) {
      for (const [sequence, hash, block] of rows as [bigint, { bytes: Uint8Array }, { bytes: Uint8Array }][]) {
        yield { firstSequence: Number(sequence), hash: new Uint8Array(hash.bytes), bytes: new Uint8Array(block.bytes) };
      }
    }
  }

  /** The last snapshot of an object at or before a moment, and the first event of the block that holds it. */
  async snapshotBefore(path: string, atUs: number): Promise<(SnapshotMark & { blockSequence: number }) | null> {
    const file = `read_parquet('${quoted(path)}')`;
    const reader = await this.#connection.runAndReadAll(
      `SELECT s.sequence, s.at_us, (SELECT max(b.sequence) FROM ${file} AS b
         WHERE b.block_hash IS NOT NULL AND b.sequence <= s.sequence)
       FROM (SELECT sequence, at_us FROM ${file} WHERE type = '${EVENT_TYPE.snapshot}' AND at_us <= ${whole(atUs)}
         ORDER BY at_us DESC, sequence DESC LIMIT 1) AS s`,
    );
    const [row] = reader.getRows() as [bigint, bigint, bigint][];
    if (row === undefined) return null;
    return { sequence: Number(row[0]), atUs: Number(row[1]), blockSequence: Number(row[2]) };
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
