import { hash as digest } from 'node:crypto';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName, type Sha256 } from '../../src/event.ts';
import { byChain } from '../../src/site-head.ts';
import {
  type BlockStore,
  type CommittedBlock,
  ForeignBlockError,
  NO_VERSION,
  type SnapshotPlace,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  type StoreError,
  StoreFullError,
  type StoreVersion,
  type VersionedRecording,
} from '../../src/store.ts';
import type { PackStore } from '../../src/sync/taking/sealed-pack.ts';
import {
  blockKey,
  blocksToCompare,
  type CommitPlan,
  chainKey,
  chainKeys,
  planCommit,
  type SealedUnit,
} from '../commit-plan.ts';
import { GroupCommit } from '../group-commit.ts';
import type { Moved } from '../moved.ts';
import { tailFault } from '../tail-check.ts';
import { type BlockRow, blocksOf } from './block-rows.ts';
import { PostgresDatabase, type PostgresOptions, type Transaction } from './database.ts';
import { hasMovedOn, mayTryAgain, storeError } from './errors.ts';
import { HeadBell } from './head-bell.ts';
import {
  type CommittedRow,
  chainNumber,
  type PageStart,
  readChanges,
  readHashes,
  readHeads,
  readMoved,
  readPage,
  readSnapshotBefore,
  readTails,
  readVersion,
  versionText,
} from './queries.ts';
import { writePlan } from './write-plan.ts';

export { type PostgresOptions, preparePostgres } from './database.ts';
export { releaseFromPostgres } from './release.ts';

/** The recording of one tenant. */
export type PostgresStore = BlockStore & VersionedRecording & PackStore;

/** The recordings of all tenants in one database, over one set of connections. */
export interface PostgresRecordings {
  /** The recording of a tenant. Several may be open at once, here and in other processes, also of one tenant. */
  recording(tenant: string): PostgresStore;
  /** What was moved out of a tenant's recording to an archive. @throws StoreError */
  moved(tenant: string): Promise<readonly Moved[]>;
  /** Closes every recording, each after what was appended, then the connections. */
  close(): Promise<void>;
}

/** PostgreSQL counts the bytes of one value in 30 bits; this leaves room for the rest of the message. */
const MOST_BYTES_AN_APPEND = 256 * 1024 * 1024;
const MOST_BYTES_A_COMMIT = 8 * 1024 * 1024;
const MOST_ATTEMPTS = 20;
const PAGE_BLOCKS = 64;
const PAGE_BYTES = 4 * 1024 * 1024;

const sha256: Sha256 = (bytes) => digest('sha256', bytes, 'buffer');

/**
 * Opens the recordings of a database that `preparePostgres` has prepared.
 *
 * @param url connection of the login role, which is neither owner nor superuser
 * @throws StoreError when the server cannot be reached, does not keep what it acknowledges, or has another schema
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<PostgresRecordings> {
  const database = await PostgresDatabase.open(url, options);
  const bell = new HeadBell(database, url);
  const open = new Set<TenantStore>();
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([...open].map((store) => store.close()));
    await bell.close();
    await database.pool.end();
  };
  return {
    recording: (tenant) => {
      if (tenant === '' || tenant.includes('\0') || !tenant.isWellFormed()) {
        throw new RangeError('A tenant has a name, and it is well-formed text without NUL');
      }
      const store = new TenantStore(database, bell, tenant, options.pollMs ?? 1000, () => open.delete(store));
      open.add(store);
      return store;
    },
    moved: (tenant) => database.reading(tenant, (tx) => readMoved(tx, tenant)),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

class TenantStore implements BlockStore, VersionedRecording, PackStore {
  readonly #database: PostgresDatabase;
  readonly #bell: HeadBell;
  readonly #tenant: string;
  readonly #path: string;
  readonly #pollMs: number;
  readonly #closed = new AbortController();
  readonly #onClose: () => void;
  readonly #commits: GroupCommit<SealedUnit>;
  /** Where chains ended when this process last saw them; another may have carried them on since. */
  readonly #tails = new Map<string, ChainHead>();
  readonly #damaged = new Map<string, StoreError>();

  constructor(database: PostgresDatabase, bell: HeadBell, tenant: string, pollMs: number, onClose: () => void) {
    this.#database = database;
    this.#bell = bell;
    this.#tenant = tenant;
    this.#path = `${database.path} tenant ${tenant}`;
    this.#pollMs = pollMs;
    this.#onClose = onClose;
    this.#commits = new GroupCommit({
      path: this.#path,
      commit: (groups) => this.#commit(groups),
      mostBytesACommit: MOST_BYTES_A_COMMIT,
    });
  }

  append(blocks: readonly SealedBlock[]): Promise<void> {
    return this.appendPacked(blocks);
  }

  async appendPacked(units: readonly SealedUnit[]): Promise<void> {
    for (const unit of units) {
      const refused = this.#stranger(unit);
      if (refused !== null) throw refused;
    }
    const bytes = units.reduce((sum, unit) => sum + unit.bytes.length, 0);
    if (bytes > MOST_BYTES_AN_APPEND) {
      throw new StoreFullError(
        this.#path,
        `one append of ${bytes} bytes is more than the ${MOST_BYTES_AN_APPEND} that go in at once`,
        'Append fewer blocks together; nothing of it was written',
      );
    }
    await this.#commits.append(units);
  }

  async heads(): Promise<readonly ChainHead[]> {
    return (await this.#reading((tx) => readHeads(tx, this.#tenant))).sort(byChain);
  }

  async *blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    if (chain.tenant !== this.#tenant) return;
    const number = await this.#reading((tx) => chainNumber(tx, chain));
    if (number === null) return;
    let limit = PAGE_BLOCKS;
    let start: PageStart = { holding: fromSequence };
    for (;;) {
      const page = await this.#page(number, start, toSequence, limit);
      for (const row of page) yield* blocksWithin(row, fromSequence, toSequence);
      const last = page[page.length - 1];
      if (last === undefined) return;
      start = { after: last.firstSequence };
      limit = pageLimit(page);
    }
  }

  async snapshotBefore(chain: ChainId, atUs: number): Promise<SnapshotPlace | null> {
    return chain.tenant === this.#tenant ? this.#reading((tx) => readSnapshotBefore(tx, chain, atUs)) : null;
  }

  async version(): Promise<StoreVersion> {
    const version = await this.#reading((tx) => readVersion(tx, this.#tenant));
    return version === 0 ? NO_VERSION : versionText(version);
  }

  async *changes(after: StoreVersion): AsyncIterable<CommittedBlock> {
    let limit = PAGE_BLOCKS;
    for (let from = Number(after); ; ) {
      const page = await this.#reading((tx) => readChanges(tx, this.#tenant, from, limit));
      for (const row of page) yield* committedAfter(from, row);
      const last = page[page.length - 1];
      if (last === undefined) return;
      from = last.version;
      limit = pageLimit(page);
    }
  }

  async *watch(after: StoreVersion, signal?: AbortSignal): AsyncIterable<StoreVersion> {
    const ending = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    const ear = this.#bell.listen(this.#tenant);
    try {
      for (let seen = after; !ending.aborted; ) {
        await ear.wait(this.#pollMs, ending);
        if (ending.aborted) return;
        const version = await this.version();
        if (version <= seen) continue;
        seen = version;
        yield version;
      }
    } finally {
      ear.stop();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#commits.close();
    this.#onClose();
  }

  async #reading<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) throw new StoreClosedError(this.#path, 'is closed', 'Open it again');
    return this.#database.reading(this.#tenant, work);
  }

  #page(chain: number, start: PageStart, to: number, limit: number): Promise<readonly BlockRow[]> {
    return this.#reading((tx) => readPage(tx, this.#tenant, chain, start, to, limit));
  }

  #stranger(block: SealedUnit): ForeignBlockError | null {
    if (block.tenant !== this.#tenant) {
      return new ForeignBlockError(block, block.firstSequence, `this is the recording of tenant ${this.#tenant}`);
    }
    if (block.source.includes('\0') || !block.source.isWellFormed()) {
      return new ForeignBlockError(block, block.firstSequence, 'its source is no text that PostgreSQL can hold');
    }
    return null;
  }

  /** Plans against what is known of the chains, and again when another process has carried them on meanwhile. */
  async #commit(groups: readonly (readonly SealedUnit[])[]): Promise<readonly (Error | null)[]> {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const fresh = await this.#learn(groups.flat());
      const harmed = groups.map((group) => this.#harm(group));
      const sound = groups.filter((_, i) => harmed[i] === null);
      const plan = planCommit<SealedUnit>(sound, this.#tails, await this.#hashes(blocksToCompare(sound, this.#tails)));
      const refused = sound.flatMap((group, i) => (plan.answers[i] === null ? [] : group)).map(chainKey);
      // What is known from earlier is enough to say yes, for the commit checks it, but not to say no.
      if (refused.filter((key) => !fresh.has(key) && this.#tails.delete(key)).length > 0) continue;
      if (plan.blocks.length > 0 && !(await this.#write(plan))) continue;
      let next = 0;
      return harmed.map((error) => error ?? plan.answers[next++] ?? null);
    }
    throw new StoreBusyError(
      this.#path,
      `other processes wrote the same chains ${MOST_ATTEMPTS} times while this one tried`,
      'Stop all writers of a source but one, and open it again',
    );
  }

  /** Reads the ends of chains not seen before and checks them. @returns the keys of those it has read just now */
  async #learn(blocks: readonly SealedUnit[]): Promise<ReadonlySet<string>> {
    const unknown = new Map<string, ChainId>();
    const keyOf = chainKeys();
    for (const block of blocks) {
      const key = keyOf(block);
      if (!this.#tails.has(key) && !this.#damaged.has(key)) unknown.set(key, block);
    }
    if (unknown.size === 0) return new Set();
    const tails = await this.#database.reading(this.#tenant, (tx) =>
      readTails(tx, this.#tenant, [...unknown.values()]),
    );
    for (const { head, tail } of tails) {
      const fault = tailFault(head, tail, sha256);
      if (fault === null) this.#tails.set(chainKey(head), head);
      else {
        const what = `the end of ${chainName(head)} at sequence ${head.sequence} is not as it was written: ${fault}`;
        const wayOut = 'Keep it, run `sigma verify` on the recording, and let this source go on in a new epoch';
        this.#damaged.set(chainKey(head), new StoreCorruptError(this.#path, what, wayOut));
      }
    }
    return new Set(unknown.keys());
  }

  #harm(group: readonly SealedUnit[]): StoreError | null {
    if (this.#damaged.size === 0) return null;
    for (const block of group) {
      const error = this.#damaged.get(chainKey(block));
      if (error !== undefined) return error;
    }
    return null;
  }

  async #hashes(wanted: readonly SealedBlock[]): Promise<ReadonlyMap<string, Uint8Array>> {
    if (wanted.length === 0) return new Map();
    const found = await this.#database.reading(this.#tenant, (tx) => readHashes(tx, this.#tenant, wanted));
    return new Map(found.map((stored) => [blockKey(stored), stored.hash]));
  }

  /** @returns false when nothing was written and the plan must be made anew */
  async #write(plan: CommitPlan<SealedUnit>): Promise<boolean> {
    let sent = false;
    try {
      await this.#database.connected((client) => {
        sent = true;
        return writePlan(client, this.#tenant, plan);
      });
    } catch (error) {
      if (!hasMovedOn(error) && !mayTryAgain(error)) throw storeError(this.#path, error, sent ? 'commit' : 'open');
      for (const { chain } of plan.advances) this.#tails.delete(chainKey(chain));
      return false;
    }
    for (const { to } of plan.advances) this.#tails.set(chainKey(to), to);
    this.#bell.ring(this.#tenant);
    return true;
  }
}

/** Those of a row's blocks that hold any event from `fromSequence` to `toSequence`; the row holds some. */
function* blocksWithin(row: BlockRow, fromSequence: number, toSequence: number): Iterable<StoredBlock> {
  const blocks = blocksOf(row);
  for (const [i, block] of blocks.entries()) {
    if (block.firstSequence > toSequence) return;
    const behind = blocks[i + 1]?.firstSequence ?? Number.POSITIVE_INFINITY;
    if (behind > fromSequence) yield block;
  }
}

function* committedAfter(after: number, row: CommittedRow): Iterable<CommittedBlock> {
  const { tenant, source, epoch } = row;
  const blocks = blocksOf(row);
  for (const [i, block] of blocks.entries()) {
    const version = row.version - (blocks.length - 1 - i);
    if (version > after) yield { tenant, source, epoch, ...block, version: versionText(version) };
  }
}

/** So many rows that a page of their size stays in bounds. */
function pageLimit(page: readonly BlockRow[]): number {
  const bytes = page.reduce((sum, row) => sum + row.bytes.length, 0);
  return Math.max(2, Math.min(1024, Math.floor((PAGE_BYTES * page.length) / Math.max(1, bytes))));
}
