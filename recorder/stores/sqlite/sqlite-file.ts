import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName } from '../../src/event.ts';
import {
  type BlockRun,
  type ChainEnd,
  type ForeignBlockError,
  type SnapshotPlace,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  type StoredPack,
  type StoreError,
  StoreFailedError,
} from '../../src/store.ts';
import {
  blocksToCompare,
  type CommitPlan,
  chainKey,
  goesOn,
  headAfter,
  type PlacedBlock,
  planCommit,
} from '../commit-plan.ts';
import { BlockTable } from './block-table.ts';
import { storeError } from './errors.ts';
import { RecordingFiles } from './files.ts';
import { LandedView } from './landed-view.ts';
import {
  beyond,
  blocksAnywhere,
  Landing,
  LandingReader,
  landedBytes,
  landingOf,
  MOST_LANDED_BYTES,
} from './landing.ts';
import { assertFile, openForReading, takeLogAway } from './open-file.ts';
import { Packer } from './packer.ts';
import { PageFit } from './page-fit.ts';
import { migrate, pragma } from './schema.ts';

export interface SqliteOptions {
  /** Most bytes that the file may take; no limit but the disk's when absent. With one, nothing lands beside it. */
  readonly limitBytes?: number;
  /** How long to wait for another process that holds the file's lock. */
  readonly busyTimeoutMs?: number;
  /** Pages of 8 KB, about, after which the log is copied into the database: 1000 when absent. */
  readonly logPages?: number;
  /** Whether small commits land beside the database first (SPEC R137): for who commits often and stays long. */
  readonly landing?: boolean;
  /** Bytes of pages that a reader keeps: 2 MB when absent. */
  readonly cacheBytes?: number;
  /** Blocks that land before they go into the database together: 128 when absent. */
  readonly mostLanded?: number;
  /** Bytes of blocks that are packed together, little by little (SPEC R196): for who records for long. Absent: none are. */
  readonly packBytes?: number;
}

const LOG_PAGES = 1000;
const MOST_LANDED = 128;
/** An end waits no longer for who is reading. */
const GATHER_MS = 200;

/**
 * A block of a robot has about 1 KB, and what is left of a page when the next one finds no room in it is lost: pages of
 * 4 KB lose 17 % so, of 8 KB 9 %.
 */
const PAGE_BYTES = 8192;

/**
 * A recording in one SQLite file, on the calling thread. WAL with synchronous=FULL: a commit returns once its pages are
 * synced, so that committed means on disk (https://www.sqlite.org/pragma.html#pragma_synchronous). What landed is on disk
 * too, and in the database soon.
 */
export class SqliteFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #table: BlockTable;
  readonly #mostLogPages: number;
  readonly #mostLanded: number;
  /** Where each chain ends, with what landed. */
  #ends = new Map<string, ChainHead>();
  #files: RecordingFiles | null = null;
  #landing: Landing | null = null;
  /** What landed and is not in the database yet, in order. */
  #landed: PlacedBlock[] = [];
  readonly #landingPath: string;
  readonly #view: LandedView;
  #dataVersion = 0;
  /** Pages that went to the log since it was last copied, about. */
  #logPages = 0;
  #failure: StoreError | null = null;
  readonly #fit = new PageFit(PAGE_BYTES);
  readonly #packer: Packer | null;
  readonly #readOnly: boolean;

  /**
   * @param mode `read` changes nothing and checks nothing: verify is for that
   * @throws StoreError
   */
  constructor(path: string, mode: 'write' | 'read', options: SqliteOptions = {}) {
    this.path = path;
    const readOnly = mode === 'read';
    this.#readOnly = readOnly;
    this.#mostLogPages = options.logPages ?? LOG_PAGES;
    this.#mostLanded = options.mostLanded ?? MOST_LANDED;
    try {
      assertFile(path, readOnly);
      this.#db = readOnly ? openForReading(path) : new DatabaseSync(path, { timeout: options.busyTimeoutMs ?? 2000 });
    } catch (error) {
      throw storeError(path, error);
    }
    this.#table = new BlockTable(this.#db, path);
    const { packBytes } = options;
    this.#packer = packBytes === undefined ? null : new Packer(this.#table, packBytes);
    this.#landingPath = landingOf(path);
    const landing = readOnly ? new LandingReader(this.#landingPath) : null;
    const landed = (): readonly SealedBlock[] => landing?.blocks() ?? this.#landed.map(({ block }) => block);
    this.#view = new LandedView(this.#table, this.#landingPath, landed);
    try {
      if (options.cacheBytes !== undefined) {
        this.#db.exec(`PRAGMA cache_size = ${-Math.ceil(options.cacheBytes / 1024)}`);
      }
      if (!readOnly) this.#prepareForWriting(options);
      migrate(this.#db, path, readOnly);
      if (!readOnly) this.#beginLife(options);
    } catch (error) {
      this.#db.close();
      this.#files?.close();
      this.#landing?.close();
      throw storeError(path, error);
    }
  }

  /**
   * Writes groups of blocks with one sync for all. A group is written whole or not at all.
   *
   * @returns for each group null, or why it was refused; refused groups leave no trace
   * @throws StoreError after which nobody can know what is on disk: the file takes no more, open it again
   */
  commit(groups: readonly (readonly SealedBlock[])[]): readonly (ForeignBlockError | null)[] {
    return this.#finally(() => {
      const toCompare = blocksToCompare(groups, this.#ends);
      if (toCompare.length > 0) this.#carryOver();
      const plan = planCommit(groups, this.#ends, this.#table.twinsOf(toCompare));
      const bytes = landedBytes(plan.blocks.map(({ block }) => block));
      if (this.#landing === null || bytes > MOST_LANDED_BYTES) this.#carryOver(plan.blocks);
      else if (plan.blocks.length > 0) this.#land(this.#landing, plan, bytes);
      for (const { to } of plan.advances) this.#ends.set(chainKey(to), to);
      return plan.answers;
    });
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
    return this.#finally(() => {
      this.#carryOver();
      this.#begin();
      const replaced = stubs.filter((stub) => this.#replace(stub));
      if (this.#packer !== null) this.#logPages += this.#packer.thinned(replaced);
      this.#end();
      return replaced.length;
    });
  }

  /**
   * Takes in what goes on from what is here, in one transaction, and passes over the rest.
   *
   * @throws StoreError
   */
  goOnWith(blocks: readonly SealedBlock[]): void {
    this.#finally(() => {
      this.#carryOver();
      this.#begin();
      this.#goOnWith(blocks);
      this.#end();
    });
  }

  heads(): readonly ChainHead[] {
    return this.#reading(() => this.#view.heads());
  }

  /** Where to begin a range: blocks that begin after this sequence hold `fromSequence` and what follows. */
  before(chain: ChainId, fromSequence: number): number {
    return this.#reading(() => this.#view.before(chain, fromSequence));
  }

  /** The first blocks that begin after `after` and not after `toSequence`: `most`, and what is packed with the last. */
  page(chain: ChainId, after: number, toSequence: number, most: number): readonly StoredBlock[] {
    return this.#reading(() => this.#view.page(chain, after, toSequence, most));
  }

  /** The same for who passes them on; null where there are none. */
  run(chain: ChainId, after: number, toSequence: number, most: number): BlockRun | null {
    return this.#reading(() => this.#view.run(chain, after, toSequence, most));
  }

  /** The pack that begins with that event, as it lies; null where none does. */
  packAt(chain: ChainId, firstSequence: number): StoredPack | null {
    return this.#reading(() => this.#view.packAt(chain, firstSequence));
  }

  /** From that event on, the last one before the next pack, or how far was looked for one. */
  unpackedTo(chain: ChainId, fromSequence: number): number {
    return this.#reading(() => this.#view.unpackedTo(chain, fromSequence));
  }

  snapshotBefore(chain: ChainId, atUs: number): SnapshotPlace | null {
    return this.#reading(() => this.#view.snapshotBefore(chain, atUs));
  }

  /** See `Recording.severed`. */
  severed(): readonly ChainEnd[] {
    return this.#reading(() => this.#view.severed());
  }

  /** Whatever landed goes into the database; where it cannot, it is on disk, and the next who opens the recording finds it. */
  close(): void {
    try {
      if (this.#failure === null) this.#finally(() => this.#leave());
    } catch {
      // The landing stays where it is.
    }
    this.#table.forget();
    if (!this.#readOnly && this.#failure === null && this.#db.isOpen) this.#gather();
    this.#failure ??= new StoreClosedError(this.path, 'is closed', 'Open it again');
    if (this.#db.isOpen) {
      this.#db.close();
      if (this.#readOnly) takeLogAway(this.path);
    }
    this.#files?.close();
    this.#landing?.close();
    this.#landing = null;
  }

  #leave(): void {
    this.#carryOver();
    if (this.#landing !== null) this.#asOwner(() => rmSync(this.#landingPath, { force: true }));
  }

  /**
   * Does something to the landing under the database's lock, and only while nobody else has begun a life since: from then
   * on the landing is theirs.
   */
  #asOwner(act: () => void): void {
    this.#begin();
    act();
    this.#db.exec('COMMIT');
  }

  /**
   * Lands a commit. The database's lock is taken before the first block lands and kept until they are in the database:
   * nobody else can open the recording for writing meanwhile, and take for whole what lies here.
   */
  #land(landing: Landing, { blocks }: CommitPlan, bytes: number): void {
    if (this.#landed.length >= this.#mostLanded || !landing.fits(bytes)) this.#carryOver();
    if (this.#landed.length === 0) this.#begin();
    landing.write(blocks.map(({ block }) => block));
    this.#files?.assertThere();
    this.#landed.push(...blocks);
  }

  /** Puts what landed, and more behind it, into the database. */
  #carryOver(more: readonly PlacedBlock[] = []): void {
    const blocks = this.#landed.length === 0 ? more : [...this.#landed, ...more];
    if (blocks.length === 0) return;
    if (this.#landed.length === 0) this.#begin();
    for (const { block, ordinal } of this.#fit.inOrder(blocks)) this.#insert(block, ordinal);
    if (this.#packer !== null) this.#logPages += this.#packer.grown(blocks);
    this.#end();
    this.#landed = [];
    this.#landing?.clear();
  }

  /** Begins a transaction, under the lock of whoever writes the database. */
  #begin(): void {
    this.#assertAlone();
    if (this.#logPages >= this.#mostLogPages) this.#checkpoint();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#assertAlone();
  }

  #assertAlone(): void {
    if (this.#table.statement('PRAGMA data_version').get()?.data_version === this.#dataVersion) return;
    throw new StoreBusyError(this.path, 'another process wrote to it', 'Stop one of the two and open it again');
  }

  #end(): void {
    this.#db.exec('COMMIT');
    this.#files?.assertThere();
  }

  /** An error is final (R48): of what was to be written nobody can know what is on disk. */
  #finally<T>(write: () => T): T {
    if (this.#failure !== null) throw this.#failure;
    try {
      return write();
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

  #insert(block: SealedBlock, ordinal: number): void {
    // The block itself, and about three pages of tables and index with it.
    this.#logPages += 3 + Math.ceil(block.bytes.length / PAGE_BYTES);
    this.#table.insert(block, ordinal);
  }

  #replace(stub: SealedBlock): boolean {
    const end = this.#ends.get(chainKey(stub));
    return end !== undefined && end.sequence > stub.firstSequence + stub.count - 1 && this.#table.replace(stub);
  }

  #prepareForWriting({ limitBytes }: SqliteOptions): void {
    const db = this.#db;
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
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
   * Begins a life of the recording: whoever else has it open for writing hears of it before it acknowledges anything
   * more, and what landed in an earlier life goes into the database.
   */
  #beginLife({ landing = false, limitBytes }: SqliteOptions): void {
    this.#dataVersion = pragma(this.#db, 'data_version');
    this.#begin();
    this.#ends = this.#table.soundEnds();
    this.#takeLanded();
    const life = this.#table.beginLife();
    this.#end();
    if (landing && limitBytes === undefined) {
      this.#asOwner(() => {
        this.#landing = Landing.layOut(this.#landingPath, this.path, life);
        if (this.#landing !== null) this.#files?.watchToo(this.#landingPath);
      });
    } else if (existsSync(this.#landingPath)) {
      this.#asOwner(() => rmSync(this.#landingPath, { force: true }));
    }
  }

  #takeLanded(): void {
    this.#goOnWith(new LandingReader(this.#landingPath).blocks());
    const [left] = beyond(blocksAnywhere(this.#landingPath), this.#ends.values());
    if (left === undefined) return;
    const end = this.#ends.get(chainKey(left))?.sequence ?? 0;
    throw new StoreCorruptError(
      this.#landingPath,
      `holds events of ${chainName(left)} up to ${left.sequence} that do not follow what the recording holds, up to ${end}`,
      'It was altered, or belongs to another copy of the recording: keep both, and take it away to go on without',
    );
  }

  #goOnWith(blocks: readonly SealedBlock[]): void {
    for (const block of blocks) {
      const before = this.#ends.get(chainKey(block)) ?? null;
      if (!goesOn(block, before)) continue;
      const end = headAfter(block, before);
      this.#insert(block, (before?.blocks ?? 0) + 1);
      this.#ends.set(chainKey(block), end);
    }
  }

  /**
   * Copies the log into the database. Asked for by name, because SQLite passes over errors of the checkpoints that it
   * makes by itself. Readers may hold it back: then the next one goes further.
   */
  #checkpoint(): void {
    this.#table.statement('PRAGMA wal_checkpoint(PASSIVE)').get();
    this.#logPages = 0;
  }

  /** Puts what is in the log into the file, which SQLite does by itself only where nobody else has it open. */
  #gather(): void {
    try {
      this.#db.exec(`PRAGMA busy_timeout = ${GATHER_MS}; PRAGMA wal_checkpoint(TRUNCATE)`);
    } catch {
      // The log stays beside it, and whoever opens the recording reads both.
    }
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
