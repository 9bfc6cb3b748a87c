import { existsSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { decodeBlock, decodeEnvelope, NO_BLOCK } from '../../src/block.ts';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName, sameBytes } from '../../src/event.ts';
import {
  ForeignBlockError,
  type SnapshotPlace,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  type StoreError,
  StoreFailedError,
} from '../../src/store.ts';
import { damaged, storeError } from './errors.ts';
import { RecordingFiles } from './files.ts';
import { migrate, pragma } from './schema.ts';
import { sha256 } from './sha256.ts';

export interface SqliteOptions {
  /** Most bytes that the file may take; no limit but the disk's when absent. */
  readonly limitBytes?: number;
  /** How long to wait for another process that holds the file's lock. */
  readonly busyTimeoutMs?: number;
  /** Pages of 4 KB, about, after which the log is copied into the database: 1000, as SQLite would, when absent. */
  readonly logPages?: number;
}

/** The end of a chain, with the number it has in this file. */
interface Tail extends ChainHead {
  readonly chain: number;
}

const PAGE_BLOCKS = 64;
const LOG_PAGES = 1000;

/**
 * A recording in one SQLite file, on the calling thread. WAL with synchronous=FULL: a commit returns once its pages are
 * synced, so that committed means on disk (https://www.sqlite.org/pragma.html#pragma_synchronous).
 */
export class SqliteFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #readOnly: boolean;
  readonly #mostLogPages: number;
  readonly #tails = new Map<string, Tail>();
  #files: RecordingFiles | null = null;
  #dataVersion = 0;
  /** Pages that went to the log since it was last copied, about. */
  #logPages = 0;
  #failure: StoreError | null = null;
  #statements = new Map<string, StatementSync>();

  /**
   * @param mode `read` changes nothing and checks nothing: verify is for that
   * @throws StoreError
   */
  constructor(path: string, mode: 'write' | 'read', options: SqliteOptions = {}) {
    this.path = path;
    this.#readOnly = mode === 'read';
    this.#mostLogPages = options.logPages ?? LOG_PAGES;
    try {
      assertFile(path, this.#readOnly);
      this.#db = this.#readOnly
        ? openForReading(path)
        : new DatabaseSync(path, { timeout: options.busyTimeoutMs ?? 2000 });
    } catch (error) {
      throw storeError(path, error);
    }
    try {
      if (!this.#readOnly) this.#prepareForWriting(options);
      migrate(this.#db, path, this.#readOnly);
      if (!this.#readOnly) {
        this.#loadTails();
        this.#dataVersion = pragma(this.#db, 'data_version');
      }
    } catch (error) {
      this.#db.close();
      throw storeError(path, error);
    }
  }

  /**
   * Writes groups of blocks in one transaction: one sync for all. A group is written whole or not at all.
   *
   * @returns for each group null, or why it was refused; refused groups leave no trace
   * @throws StoreError after which nobody can know what is on disk: the file takes no more, open it again
   */
  commit(groups: readonly (readonly SealedBlock[])[]): readonly (ForeignBlockError | null)[] {
    if (this.#failure !== null) throw this.#failure;
    const planned = new Map<string, Tail>();
    try {
      if (this.#logPages >= this.#mostLogPages) this.#checkpoint();
      this.#statement('BEGIN IMMEDIATE').run();
      if (this.#statement('PRAGMA data_version').get()?.data_version !== this.#dataVersion) {
        throw new StoreBusyError(this.path, 'another process wrote to it', 'Stop one of the two and open it again');
      }
      const answers = groups.map((blocks) => this.#write(blocks, planned));
      this.#statement('COMMIT').run();
      this.#files?.assertThere();
      for (const [key, tail] of planned) this.#tails.set(key, tail);
      return answers;
    } catch (error) {
      this.#failure = storeError(this.path, error) as StoreError;
      try {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      } catch {
        // The first error is the one that counts; opening again rolls back what is left.
      }
      throw this.#failure;
    }
  }

  heads(): readonly ChainHead[] {
    return this.#reading(() =>
      this.#statement('SELECT chain, tenant, source, epoch FROM chains ORDER BY tenant, source, epoch')
        .all()
        .map((row) => this.#tailOf(row as unknown as ChainId & { chain: number }))
        .filter(({ blocks }) => blocks > 0)
        .map(({ chain: _, ...head }) => head),
    );
  }

  /** Up to 64 blocks from the one that holds `fromSequence` on, none that begins after `toSequence`. */
  page(chain: ChainId, fromSequence: number, toSequence: number): readonly StoredBlock[] {
    return this.#reading(() => {
      const number = this.#chainNumber(chain);
      if (number === null) return [];
      const rows = this.#statement(
        `SELECT first_sequence, count, hash, bytes FROM blocks WHERE chain = ?1 AND first_sequence <= ?3
         AND first_sequence >= coalesce((SELECT max(first_sequence) FROM blocks WHERE chain = ?1 AND first_sequence <= ?2), 0)
         ORDER BY first_sequence LIMIT ${PAGE_BLOCKS}`,
      ).all(number, fromSequence, toSequence);
      const blocks = rows.map((row) => this.#blockOf(row));
      const [first] = rows;
      const past = first !== undefined && (first.first_sequence as number) + (first.count as number) <= fromSequence;
      return past ? blocks.slice(1) : blocks;
    });
  }

  /** A damaged page may still parse as a row, with columns of the wrong kind in it. */
  #blockOf({ first_sequence: firstSequence, hash, bytes }: Record<string, unknown>): StoredBlock {
    const sound = typeof firstSequence === 'number' && hash instanceof Uint8Array && bytes instanceof Uint8Array;
    if (sound) return { firstSequence, hash, bytes };
    throw damaged(this.path, `a block near event ${String(firstSequence)} is not as it was written`);
  }

  snapshotBefore(chain: ChainId, atUs: number): SnapshotPlace | null {
    return this.#reading(() => {
      const number = this.#chainNumber(chain);
      const row = this.#statement(
        `SELECT sequence, at_us, block_sequence FROM snapshots WHERE chain = ? AND at_us <= ?
         ORDER BY at_us DESC, sequence DESC LIMIT 1`,
      ).get(number, atUs);
      if (row === undefined) return null;
      return {
        sequence: row.sequence as number,
        atUs: row.at_us as number,
        blockSequence: row.block_sequence as number,
      };
    });
  }

  close(): void {
    this.#statements = new Map();
    this.#failure ??= new StoreClosedError(this.path, 'is closed', 'Open it again');
    if (this.#db.isOpen) this.#db.close();
  }

  #prepareForWriting({ limitBytes }: SqliteOptions): void {
    const db = this.#db;
    if (db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode !== 'wal') {
      const wayOut = 'Record to a disk of this machine';
      throw new StoreFailedError(this.path, 'stands on a file system without shared memory for a log', wayOut);
    }
    db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE');
    this.#files = new RecordingFiles(this.path);
    this.#files.settle();
    db.exec('COMMIT');
    if (limitBytes !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(limitBytes / pragma(db, 'page_size')))}`);
    }
  }

  /**
   * Copies the log into the database. Asked for by name, because SQLite passes over errors of the checkpoints that it
   * makes by itself. Readers may hold it back: then the next one goes further.
   */
  #checkpoint(): void {
    this.#statement('PRAGMA wal_checkpoint(PASSIVE)').get();
    this.#logPages = 0;
  }

  /** Writes one group, or says why not and leaves the transaction as it was. */
  #write(blocks: readonly SealedBlock[], planned: Map<string, Tail>): ForeignBlockError | null {
    const tails = new Map<string, Tail>();
    const fresh: { readonly block: SealedBlock; readonly tail: Tail }[] = [];
    for (const block of blocks) {
      const key = chainKey(block);
      const before = tails.get(key) ?? planned.get(key) ?? this.#tails.get(key) ?? null;
      const verdict = this.#judge(block, before);
      if (verdict === 'stored') continue;
      if (verdict !== 'continues') return verdict;
      const tail = tailAfter(block, before, before?.chain ?? this.#newChain(block));
      tails.set(key, tail);
      fresh.push({ block, tail });
    }
    for (const { block, tail } of fresh) this.#insert(block, tail);
    for (const [key, tail] of tails) planned.set(key, tail);
    return null;
  }

  #judge(block: SealedBlock, before: Tail | null): 'continues' | 'stored' | ForeignBlockError {
    const { firstSequence } = block;
    const head = before?.sequence ?? 0;
    if (firstSequence <= head) {
      const stored = this.#statement('SELECT hash FROM blocks WHERE chain = ? AND first_sequence = ?').get(
        before?.chain ?? 0,
        firstSequence,
      );
      if (stored !== undefined && sameBytes(stored.hash as Uint8Array, block.hash)) return 'stored';
      return new ForeignBlockError(
        block,
        firstSequence,
        `the recording already reaches ${head} with other content: two histories of one source`,
      );
    }
    if (firstSequence !== head + 1) {
      return new ForeignBlockError(block, firstSequence, `the recording ends at ${head}; events between are missing`);
    }
    if (!sameBytes(block.previousHash, before?.hash ?? NO_BLOCK)) {
      return new ForeignBlockError(block, firstSequence, 'it does not carry the hash of the block before it');
    }
    return 'continues';
  }

  #insert(block: SealedBlock, tail: Tail): void {
    // The block itself, and about three pages of tables and index with it.
    this.#logPages += 3 + Math.ceil(block.bytes.length / 4096);
    this.#statement(
      `INSERT INTO blocks (chain, ordinal, first_sequence, count, first_at_us, last_at_us, hash, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      tail.chain,
      tail.blocks,
      block.firstSequence,
      block.count,
      block.firstAtUs,
      block.lastAtUs,
      block.hash,
      block.bytes,
    );
    for (const { sequence, atUs } of block.snapshots) {
      this.#statement('INSERT INTO snapshots VALUES (?, ?, ?, ?)').run(tail.chain, atUs, sequence, block.firstSequence);
    }
  }

  #newChain({ tenant, source, epoch }: ChainId): number {
    const known = this.#chainNumber({ tenant, source, epoch });
    if (known !== null) return known;
    const insert = this.#statement('INSERT INTO chains (tenant, source, epoch) VALUES (?, ?, ?)');
    return Number(insert.run(tenant, source, epoch).lastInsertRowid);
  }

  #chainNumber({ tenant, source, epoch }: ChainId): number | null {
    const find = this.#statement('SELECT chain FROM chains WHERE tenant = ? AND source = ? AND epoch = ?');
    return (find.get(tenant, source, epoch)?.chain as number | undefined) ?? null;
  }

  #tailOf({ chain, tenant, source, epoch }: ChainId & { readonly chain: number }): Tail {
    const row = this.#statement(
      `SELECT ordinal, first_sequence, count, last_at_us, hash FROM blocks WHERE chain = ?
       ORDER BY first_sequence DESC LIMIT 1`,
    ).get(chain);
    if (row !== undefined && !(row.hash instanceof Uint8Array))
      throw damaged(this.path, `the end of ${source} is unreadable`);
    return {
      chain,
      tenant,
      source,
      epoch,
      sequence: row === undefined ? 0 : (row.first_sequence as number) + (row.count as number) - 1,
      hash: (row?.hash as Uint8Array | undefined) ?? NO_BLOCK,
      atUs: (row?.last_at_us as number | undefined) ?? 0,
      blocks: (row?.ordinal as number | undefined) ?? 0,
    };
  }

  /** Reads the end of every chain, and refuses one that is torn or foreign: nothing may be written after it. */
  #loadTails(): void {
    for (const row of this.#statement('SELECT chain, tenant, source, epoch FROM chains').all()) {
      const tail = this.#tailOf(row as unknown as ChainId & { chain: number });
      if (tail.blocks === 0) continue;
      const fault = this.#tailFault(tail);
      if (fault !== null) {
        const end = `the end of ${chainName(tail)} at sequence ${tail.sequence}`;
        throw damaged(this.path, `${end} is not as it was written: ${fault}`);
      }
      this.#tails.set(chainKey(tail), tail);
    }
  }

  #tailFault(tail: Tail): string | null {
    const rows = this.#statement(
      `SELECT first_sequence, count, hash, bytes FROM blocks WHERE chain = ? ORDER BY first_sequence DESC LIMIT 2`,
    ).all(tail.chain);
    const [last, before] = rows;
    if (last === undefined) return null;
    const bytes = last.bytes as Uint8Array;
    if (!sameBytes(sha256(bytes), last.hash as Uint8Array)) return 'its bytes do not have the hash stored beside them';
    try {
      const block = decodeBlock(bytes);
      if (chainKey(block) !== chainKey(tail)) return `it belongs to ${chainName(block)}`;
      const end = decodeEnvelope(block.events[block.events.length - 1] as Uint8Array);
      if (block.firstSequence !== last.first_sequence || end.sequence !== tail.sequence) {
        return `it holds the events ${block.firstSequence} to ${end.sequence}`;
      }
      const previous = (before?.hash as Uint8Array | undefined) ?? NO_BLOCK;
      const previousEnd = before === undefined ? 0 : (before.first_sequence as number) + (before.count as number) - 1;
      if (previousEnd + 1 !== block.firstSequence) return `the events after ${previousEnd} are missing`;
      if (!sameBytes(block.previousHash, previous)) return 'it does not carry the hash of the block before it';
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #reading<T>(read: () => T): T {
    if (!this.#db.isOpen) throw new StoreClosedError(this.path, 'is closed', 'Open it again');
    try {
      return read();
    } catch (error) {
      throw storeError(this.path, error);
    }
  }
}

/** What lies at the path and cannot be a recording, before SQLite finds its own words for it. */
function assertFile(path: string, readOnly: boolean): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    throw new StoreCorruptError(path, 'is a folder and no recording', 'Name the file in it');
  }
  if (readOnly && found?.size === 0 && !existsSync(`${path}-wal`)) {
    const wayOut = 'Look for another copy: what a recorder acknowledged is not in this one';
    throw new StoreCorruptError(path, 'is empty and no recording', wayOut);
  }
}

/** A recording on a medium that cannot be written has no shared memory for WAL; without a log beside it, it is whole as it lies. */
function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    if (existsSync(`${path}-wal`) || !existsSync(path)) throw error;
    const url = pathToFileURL(path);
    url.search = '?immutable=1';
    return new DatabaseSync(url, { readOnly: true });
  }
}

const chainKey = ({ tenant, source, epoch }: ChainId): string => `${tenant}\0${source}\0${epoch}`;

function tailAfter(block: SealedBlock, before: Tail | null, chain: number): Tail {
  const { tenant, source, epoch, hash } = block;
  return {
    chain,
    tenant,
    source,
    epoch,
    hash,
    sequence: block.firstSequence + block.count - 1,
    atUs: block.lastAtUs,
    blocks: (before?.blocks ?? 0) + 1,
  };
}
