import { existsSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { NO_BLOCK } from '../../src/block.ts';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName, sameBytes } from '../../src/event.ts';
import {
  type ForeignBlockError,
  type SnapshotPlace,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  type StoreError,
  StoreFailedError,
} from '../../src/store.ts';
import { decodeStub } from '../../src/sync/gap.ts';
import { blockKey, blocksToCompare, chainKey, planCommit } from '../commit-plan.ts';
import { tailFault } from '../tail-check.ts';
import { damaged, storeError } from './errors.ts';
import { RecordingFiles } from './files.ts';
import { PageFit } from './page-fit.ts';
import { migrate, pragma } from './schema.ts';
import { sha256 } from './sha256.ts';

export interface SqliteOptions {
  /** Most bytes that the file may take; no limit but the disk's when absent. */
  readonly limitBytes?: number;
  /** How long to wait for another process that holds the file's lock. */
  readonly busyTimeoutMs?: number;
  /** Pages of 8 KB, about, after which the log is copied into the database: 1000 when absent. */
  readonly logPages?: number;
  /** Whether the log takes its room at once: for who syncs often and stays long. */
  readonly layOutLog?: boolean;
}

/** A chain with the number it has in this file. */
interface NumberedChain extends ChainId {
  readonly chain: number;
}

const LOG_PAGES = 1000;
/** Of each page in the log. */
const FRAME_HEADER = 24;

/**
 * A block of a robot has about 1 KB, and what is left of a page when the next one finds no room in it is lost: pages of
 * 4 KB lose 17 % so, of 8 KB 9 %. Larger ones cost an event that is appended alone: each commit writes two of them.
 */
const PAGE_BYTES = 8192;

/**
 * A recording in one SQLite file, on the calling thread. WAL with synchronous=FULL: a commit returns once its pages are
 * synced, so that committed means on disk (https://www.sqlite.org/pragma.html#pragma_synchronous).
 */
export class SqliteFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #readOnly: boolean;
  readonly #mostLogPages: number;
  /** Where each chain ends, and the number it has in this file: that never changes. */
  readonly #tails = new Map<string, ChainHead>();
  readonly #numbers = new Map<string, number>();
  #files: RecordingFiles | null = null;
  #dataVersion = 0;
  /** Pages that went to the log since it was last copied, about. */
  #logPages = 0;
  #failure: StoreError | null = null;
  #statements = new Map<string, StatementSync>();
  readonly #fit = new PageFit(PAGE_BYTES);

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
      this.#files?.close();
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
    return this.#transaction(
      () => {
        const plan = planCommit(groups, this.#tails, this.#storedTwins(groups));
        for (const { block, ordinal } of this.#fit.inOrder(plan.blocks)) this.#insert(block, ordinal);
        return plan;
      },
      ({ answers, advances }) => {
        for (const { to } of advances) this.#tails.set(chainKey(to), to);
        return answers;
      },
    );
  }

  /**
   * Puts stubs in the place of the blocks that they stand for (SPEC R127), in one transaction. The gaps that account for
   * them are on disk already. A stub whose blocks do not all stand there as it says, or with which a chain would end,
   * changes nothing.
   *
   * @returns how many stubs took their place
   * @throws StoreError after which nobody can know what is on disk: the file takes no more, open it again
   */
  drop(stubs: readonly SealedBlock[]): number {
    return this.#transaction(
      () => stubs.filter((stub) => this.#replace(stub)).length,
      (replaced) => replaced,
    );
  }

  #transaction<T, R>(write: () => T, committed: (written: T) => R): R {
    if (this.#failure !== null) throw this.#failure;
    try {
      if (this.#logPages >= this.#mostLogPages) this.#checkpoint();
      this.#db.exec('BEGIN IMMEDIATE');
      if (this.#statement('PRAGMA data_version').get()?.data_version !== this.#dataVersion) {
        throw new StoreBusyError(this.path, 'another process wrote to it', 'Stop one of the two and open it again');
      }
      const written = write();
      this.#db.exec('COMMIT');
      this.#files?.assertThere();
      return committed(written);
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

  #replace(stub: SealedBlock): boolean {
    const chain = this.#chainNumber(stub);
    const last = stub.firstSequence + stub.count - 1;
    const tail = this.#tails.get(chainKey(stub));
    if (chain === null || tail === undefined || tail.sequence <= last) return false;
    const stands = this.#statement(
      'SELECT ordinal, hash FROM blocks WHERE chain = ? AND first_sequence >= ? AND first_sequence <= ? ORDER BY first_sequence',
    ).all(chain, stub.firstSequence, last);
    const { dropped } = decodeStub(stub.bytes);
    const same = stands.every(({ hash }, i) => sameBytes(hash as Uint8Array, dropped[i]?.hash ?? NO_BLOCK));
    if (stands.length !== dropped.length || !same) return false;
    this.#statement('DELETE FROM blocks WHERE chain = ? AND first_sequence >= ? AND first_sequence <= ?').run(
      chain,
      stub.firstSequence,
      last,
    );
    this.#insert(stub, stands[0]?.ordinal as number);
    return true;
  }

  heads(): readonly ChainHead[] {
    return this.#reading(() =>
      this.#chains('ORDER BY tenant, source, epoch').flatMap((chain) => this.#end(chain) ?? []),
    );
  }

  /** Where to begin a range: blocks that begin after this sequence hold `fromSequence` and what follows. */
  before(chain: ChainId, fromSequence: number): number {
    return this.#reading(() => {
      const row = this.#statement(
        'SELECT first_sequence, count FROM blocks WHERE chain = ? AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1',
      ).get(this.#chainNumber(chain), fromSequence);
      if (row === undefined) return 0;
      const first = row.first_sequence as number;
      return first + (row.count as number) <= fromSequence ? first : first - 1;
    });
  }

  /** The first blocks that begin after `after` and not after `toSequence`, at most `most` of them. */
  page(chain: ChainId, after: number, toSequence: number, most: number): readonly StoredBlock[] {
    return this.#reading(() =>
      this.#statement(
        `SELECT first_sequence, hash, bytes FROM blocks WHERE chain = ? AND first_sequence > ? AND first_sequence <= ?
         ORDER BY first_sequence LIMIT ?`,
      )
        .all(this.#chainNumber(chain), after, toSequence, most)
        .map((row) => this.#blockOf(row)),
    );
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
    this.#files?.close();
  }

  #prepareForWriting({ limitBytes, layOutLog = false }: SqliteOptions): void {
    const db = this.#db;
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    if (db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode !== 'wal') {
      const wayOut = 'Record to a disk of this machine';
      throw new StoreFailedError(this.path, 'stands on a file system without shared memory for a log', wayOut);
    }
    db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE');
    this.#files = new RecordingFiles(this.path);
    this.#files.settle();
    if (layOutLog) this.#files.layOutLog(this.#mostLogPages * (PAGE_BYTES + FRAME_HEADER));
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

  /** Hashes of what is stored where these blocks, which lie before the end of their chain, would stand. */
  #storedTwins(groups: readonly (readonly SealedBlock[])[]): ReadonlyMap<string, Uint8Array> {
    const twins = new Map<string, Uint8Array>();
    for (const block of blocksToCompare(groups, this.#tails)) {
      const find = this.#statement('SELECT hash FROM blocks WHERE chain = ? AND first_sequence = ?');
      const stored = find.get(this.#chainNumber(block), block.firstSequence);
      if (stored !== undefined) twins.set(blockKey(block), stored.hash as Uint8Array);
    }
    return twins;
  }

  #insert(block: SealedBlock, ordinal: number): void {
    const chain = this.#chainNumber(block) ?? this.#newChain(block);
    // The block itself, and about three pages of tables and index with it.
    this.#logPages += 3 + Math.ceil(block.bytes.length / PAGE_BYTES);
    this.#statement(
      `INSERT INTO blocks (chain, ordinal, first_sequence, count, first_at_us, last_at_us, hash, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(chain, ordinal, block.firstSequence, block.count, block.firstAtUs, block.lastAtUs, block.hash, block.bytes);
    for (const { sequence, atUs } of block.snapshots) {
      this.#statement('INSERT INTO snapshots VALUES (?, ?, ?, ?)').run(chain, atUs, sequence, block.firstSequence);
    }
  }

  #newChain(chain: ChainId): number {
    const insert = this.#statement('INSERT INTO chains (tenant, source, epoch) VALUES (?, ?, ?)');
    const number = Number(insert.run(chain.tenant, chain.source, chain.epoch).lastInsertRowid);
    this.#numbers.set(chainKey(chain), number);
    return number;
  }

  #chainNumber(chain: ChainId): number | null {
    const key = chainKey(chain);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const find = this.#statement('SELECT chain FROM chains WHERE tenant = ? AND source = ? AND epoch = ?');
    const number = find.get(chain.tenant, chain.source, chain.epoch)?.chain as number | undefined;
    if (number !== undefined) this.#numbers.set(key, number);
    return number ?? null;
  }

  #chains(order = ''): readonly NumberedChain[] {
    return this.#statement(
      `SELECT chain, tenant, source, epoch FROM chains ${order}`,
    ).all() as unknown as NumberedChain[];
  }

  /** The end of a chain as its last row tells it; null of a chain without blocks. */
  #end({ chain, tenant, source, epoch }: NumberedChain): ChainHead | null {
    const row = this.#statement(
      `SELECT ordinal, first_sequence, count, last_at_us, hash FROM blocks WHERE chain = ?
       ORDER BY first_sequence DESC LIMIT 1`,
    ).get(chain);
    if (row === undefined) return null;
    const { ordinal, first_sequence: first, count, last_at_us: atUs, hash } = row;
    if (!(hash instanceof Uint8Array)) throw damaged(this.path, `the end of ${source} is unreadable`);
    const sequence = (first as number) + (count as number) - 1;
    return { tenant, source, epoch, sequence, hash, atUs: atUs as number, blocks: ordinal as number };
  }

  /** Reads the end of every chain, and refuses one that is torn or foreign: nothing may be written after it. */
  #loadTails(): void {
    for (const chain of this.#chains()) {
      const head = this.#end(chain);
      if (head === null) continue;
      const [last, before] = this.#statement(
        'SELECT first_sequence, count, hash, bytes FROM blocks WHERE chain = ? ORDER BY first_sequence DESC LIMIT 2',
      ).all(chain.chain);
      const tail = {
        last: this.#blockOf(last ?? {}),
        hashBefore: before === undefined ? null : this.#blockOf(before).hash,
        sequenceBefore: before === undefined ? 0 : (before.first_sequence as number) + (before.count as number) - 1,
      };
      const fault = tailFault(head, tail, sha256);
      if (fault !== null) {
        const end = `the end of ${chainName(head)} at sequence ${head.sequence}`;
        throw damaged(this.path, `${end} is not as it was written: ${fault}`);
      }
      this.#tails.set(chainKey(head), head);
    }
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
