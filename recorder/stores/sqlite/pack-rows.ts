import type { StatementSync } from 'node:sqlite';
import { blockHead, NewerFormatError } from '../../src/block.ts';
import { sameBytes } from '../../src/event.ts';
import { readSealedBlock } from '../../src/sealed-block.ts';
import type { StoredBlock } from '../../src/store.ts';
import { isStub } from '../../src/sync/gap.ts';
import { blocksIn } from '../../src/sync/taking/sealed-pack.ts';
import { MalformedBytesError } from '../../src/wire/wire-reader.ts';
import { blocksOfRow, encodePackRow, isPackRow } from './pack-row.ts';
import { sha256 } from './sha256.ts';

/** A row of the table of blocks. */
export interface BlockRow extends StoredBlock {
  readonly chain: number;
  /** Counts the blocks of its chain, from 1; of a pack the first one's. */
  readonly ordinal: number;
  readonly count: number;
  readonly firstAtUs: number;
  readonly lastAtUs: number;
}

/** A longer block stays by itself: packs of more than 1 MB are taken by nobody. */
const MOST_BLOCK_BYTES = 512 * 1024;
/** Of a pack, before a block that stays by itself: less is not worth it. */
const LEAST_SHARE = 0.25;
/** Rows behind the last pack that are looked for at most. */
const MOST_TAIL = 4_096;

/** Rows that begin with an event between these. */
type RowRange = readonly [chain: number, fromSequence: number, toSequence: number];

const NO_PACKS = { at: null, next: null };

/** Turns rows of blocks into rows of packs (SPEC R196), and back. Transactions are the caller's. */
export class PackRows {
  readonly #statement: (sql: string) => StatementSync;
  #hasTable: boolean | null = null;

  constructor(statement: (sql: string) => StatementSync) {
    this.#statement = statement;
  }

  insert({ chain, ordinal, firstSequence, count, firstAtUs, lastAtUs, hash, bytes }: BlockRow): void {
    this.#statement(
      `INSERT INTO blocks (chain, ordinal, first_sequence, count, first_at_us, last_at_us, hash, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(chain, ordinal, firstSequence, count, firstAtUs, lastAtUs, hash, bytes);
  }

  /** See `BlockTable.packedTo`. */
  packedTo(chain: number): number {
    const packed = this.#statement(
      `SELECT first_sequence + count AS next FROM blocks WHERE chain = ?1
         AND first_sequence = (SELECT max(first_sequence) FROM packs WHERE chain = ?1)`,
    ).get(chain);
    const tail = this.#statement(
      `SELECT first_sequence AS first FROM blocks WHERE chain = ? ORDER BY first_sequence DESC LIMIT 1 OFFSET ${MOST_TAIL}`,
    ).get(chain);
    return Math.max((packed?.next ?? 1) as number, (tail?.first ?? 1) as number);
  }

  /** The pack with blocks that begin on either side of this place, and the next one behind it: with which event each begins. */
  around(chain: number, after: number): { readonly at: number | null; readonly next: number | null } {
    if (!this.#kept) return NO_PACKS;
    const at = this.#statement(
      `SELECT first_sequence AS first, last_first_sequence AS last FROM packs WHERE chain = ? AND first_sequence <= ?
       ORDER BY first_sequence DESC LIMIT 1`,
    ).get(chain, after);
    const next = this.#statement(
      'SELECT min(first_sequence) AS first FROM packs WHERE chain = ? AND first_sequence > ?',
    ).get(chain, after);
    const within = at !== undefined && (at.last as number) > after;
    return { at: within ? (at.first as number) : null, next: (next?.first ?? null) as number | null };
  }

  /** Whether this file can have any: one of an older schema, read as it is, has no table of them. */
  get #kept(): boolean {
    this.#hasTable ??= this.#statement(`SELECT 1 FROM sqlite_schema WHERE name = 'packs'`).get() !== undefined;
    return this.#hasTable;
  }

  /** See `BlockTable.packFrom`. */
  packFrom(chain: number, fromSequence: number, toSequence: number, mostPacks: number, packBytes: number): number {
    let next = fromSequence;
    for (const run of this.#runs([chain, fromSequence, toSequence], mostPacks, packBytes))
      next = this.#pack(run) ?? next;
    return next;
  }

  /** Stretches of rows that are packed together, each long enough; what they are of stands in the chain behind them. */
  #runs(
    [chain, fromSequence, toSequence]: RowRange,
    mostPacks: number,
    packBytes: number,
  ): readonly (readonly BlockRow[])[] {
    const runs: BlockRow[][] = [];
    let [run, bytes] = [[] as BlockRow[], 0];
    const end = (least: number): void => {
      while (run.length > 0 && isStub((run.at(-1) as BlockRow).bytes)) bytes -= run.pop()?.bytes.length ?? 0;
      if (run.length > 1 && bytes >= least) runs.push(run);
      [run, bytes] = [[], 0];
    };
    // The beginning of a chain is looked up by itself, and its end grows.
    const rows = this.#statement(
      `SELECT ${COLUMNS} FROM blocks WHERE chain = ?1 AND first_sequence >= ?2 AND first_sequence <= ?3 AND first_sequence > 1
         AND first_sequence < (SELECT max(first_sequence) FROM blocks WHERE chain = ?1) ORDER BY first_sequence`,
    );
    for (const columns of rows.iterate(chain, fromSequence, toSequence)) {
      const row = rowOf(chain, columns);
      if (row === null || isPackRow(row.bytes)) break;
      if (run.length > 0 && !follows(run.at(-1) as BlockRow, row)) break;
      if (row.bytes.length > MOST_BLOCK_BYTES) {
        end(packBytes * LEAST_SHARE);
        continue;
      }
      run.push(row);
      bytes += row.bytes.length;
      if (bytes >= packBytes && !isStub(row.bytes)) end(packBytes);
      if (runs.length >= mostPacks) return runs;
    }
    return runs;
  }

  /** @returns the first event behind it; null where it cannot be packed */
  #pack(run: readonly BlockRow[]): number | null {
    const [first, last] = [run[0] as BlockRow, run.at(-1) as BlockRow];
    const bytes = packed(run);
    if (bytes === null) return null;
    this.remove(first.chain, first.firstSequence, last.firstSequence);
    const next = last.firstSequence + last.count;
    this.insert({ ...first, count: next - first.firstSequence, lastAtUs: last.lastAtUs, hash: last.hash, bytes });
    this.#statement('INSERT INTO packs VALUES (?, ?, ?)').run(first.chain, first.firstSequence, last.firstSequence);
    return next;
  }

  /** Gives blocks rows of their own that are packed together, some with an event between these and some without. */
  unpackAround(chain: number, firstSequence: number, lastSequence: number): void {
    const rows = this.#statement(
      `SELECT ${COLUMNS} FROM blocks JOIN packs USING (chain, first_sequence)
       WHERE chain = ? AND first_sequence <= ? AND first_sequence + count > ?
         AND first_sequence >= coalesce((SELECT max(first_sequence) FROM packs WHERE chain = ? AND first_sequence <= ?), 0)
       ORDER BY first_sequence`,
    ).all(chain, lastSequence, firstSequence, chain, firstSequence);
    for (const columns of rows) {
      const row = rowOf(chain, columns);
      if (row === null || (row.firstSequence >= firstSequence && row.firstSequence + row.count - 1 <= lastSequence)) {
        continue;
      }
      const blocks = rowsOf(row);
      // What is not as it was written stays as it lies, for who verifies to name.
      if (blocks === null) continue;
      this.remove(chain, row.firstSequence, row.firstSequence);
      for (const block of blocks) this.insert(block);
    }
  }

  /** Takes out rows that begin with an event between these. */
  remove(chain: number, firstSequence: number, lastSequence: number): void {
    for (const table of ['blocks', 'packs']) {
      this.#statement(`DELETE FROM ${table} WHERE chain = ? AND first_sequence >= ? AND first_sequence <= ?`).run(
        chain,
        firstSequence,
        lastSequence,
      );
    }
  }
}

const COLUMNS = 'ordinal, first_sequence, count, first_at_us, last_at_us, hash, bytes';

/** Null of a row that is not one of ours any more. */
function rowOf(chain: number, columns: Record<string, unknown>): BlockRow | null {
  const { ordinal, first_sequence: firstSequence, count, first_at_us: firstAtUs, last_at_us: lastAtUs } = columns;
  const { hash, bytes } = columns;
  if (!(hash instanceof Uint8Array && bytes instanceof Uint8Array)) return null;
  const numbers = [ordinal, firstSequence, count, firstAtUs, lastAtUs];
  if (numbers.some((number) => typeof number !== 'number')) return null;
  return { chain, ordinal, firstSequence, count, firstAtUs, lastAtUs, hash, bytes } as BlockRow;
}

/** Whether a block goes on where another ends. Only of such is the hash told by the block behind. */
function follows(before: BlockRow, { firstSequence, bytes }: BlockRow): boolean {
  try {
    const head = blockHead(bytes);
    const inPlace = head.firstSequence === firstSequence && before.firstSequence + before.count === firstSequence;
    return inPlace && sameBytes(head.previousHash, before.hash);
  } catch (error) {
    if (error instanceof MalformedBytesError) return false;
    throw error;
  }
}

function packed(run: readonly BlockRow[]): Uint8Array | null {
  try {
    return encodePackRow(run);
  } catch (error) {
    if (error instanceof MalformedBytesError || error instanceof NewerFormatError) return null;
    throw error;
  }
}

/** Rows of the blocks of a pack, as they were; null where it is not as it was written. */
function rowsOf(pack: BlockRow): readonly BlockRow[] | null {
  const rows: BlockRow[] = [];
  let { ordinal } = pack;
  for (const stored of blocksOfRow(pack)) {
    const block = readSealedBlock(stored.bytes, sha256);
    if (block instanceof Error || !sameBytes(block.hash, stored.hash)) return null;
    rows.push({ ...block, chain: pack.chain, ordinal });
    ordinal += blocksIn(stored.bytes);
  }
  return rows;
}
