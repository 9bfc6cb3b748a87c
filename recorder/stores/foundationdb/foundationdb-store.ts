import { hash as digest, randomInt } from 'node:crypto';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName, type Sha256 } from '../../src/event.ts';
import { byChain } from '../../src/site-head.ts';
import {
  type BlockStore,
  type CommittedBlock,
  ForeignBlockError,
  NO_VERSION,
  type SnapshotPlace,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  type StoreError,
  StoreFullError,
  type StoreVersion,
  type VersionedRecording,
} from '../../src/store.ts';
import { blockKey as blockName, blocksToCompare, chainKey, planCommit } from '../commit-plan.ts';
import { GroupCommit } from '../group-commit.ts';
import { tailFault } from '../tail-check.ts';
import { holderOf, readBlocks, readTail, writeBlock } from './block-pieces.ts';
import { connectFoundationDb } from './cluster.ts';
import { type Chance, createOrOpenDirectory, openDirectory } from './directory.ts';
import { storeError } from './errors.ts';
import * as keys from './keys.ts';
import { FDB_LIMITS, type FdbDatabase, type FdbTransaction } from './transaction.ts';

/** The recording of one tenant. */
export type FoundationDbStore = BlockStore & VersionedRecording;

/** The recordings of all tenants in one cluster. */
export interface FoundationDbRecordings {
  recording(tenant: string): FoundationDbStore;
  close(): Promise<void>;
}

/** Of what a transaction may hold, keys, entries and conflict ranges have their share too. */
const MOST_BYTES_AN_APPEND = FDB_LIMITS.transaction / 2;
const MOST_BYTES_A_COMMIT = 1_000_000;
/** Their order within a commit is two bytes. */
const MOST_BLOCKS_AN_APPEND = 20_000;
const PAGE_BLOCKS = 64;
const PAGE_BYTES = 4_000_000;

const sha256: Sha256 = (bytes) => digest('sha256', bytes, 'buffer');

/**
 * Opens the recordings of a cluster.
 *
 * @param clusterFile path of the cluster file; the programs take it from SIGMA_FDB_CLUSTER_FILE
 * @throws StoreFailedError when the package, the client library or the cluster is missing
 */
export async function openFoundationDb(clusterFile: string | undefined): Promise<FoundationDbRecordings> {
  return recordingsIn(await connectFoundationDb(clusterFile), randomInt);
}

/** The recordings of a database that is open already, in the directory `root`. */
export function recordingsIn(
  database: FdbDatabase,
  chance: Chance,
  root: readonly string[] = ['sigma', 'recorder'],
): FoundationDbRecordings {
  const open = new Set<TenantStore>();
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([...open].map((store) => store.close()));
    await database.close();
  };
  return {
    recording: (tenant) => {
      if (tenant === '' || !tenant.isWellFormed())
        throw new RangeError('A tenant has a name, and it is well-formed text');
      const store = new TenantStore(database, chance, [...root, tenant], () => open.delete(store));
      open.add(store);
      return store;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

class TenantStore implements BlockStore, VersionedRecording {
  readonly #database: FdbDatabase;
  readonly #chance: Chance;
  readonly #tenant: string;
  /** Path of the tenant's directory. */
  readonly #home: readonly string[];
  readonly #path: string;
  readonly #onClose: () => void;
  readonly #closed = new AbortController();
  readonly #commits: GroupCommit;
  /** Prefixes of the directories of sources, and at null of the tenant, that are known to be committed. */
  readonly #prefixes = new Map<string | null, Buffer>();
  /** Chains whose end was checked, or was written here. */
  readonly #checked = new Set<string>();

  constructor(database: FdbDatabase, chance: Chance, home: readonly string[], onClose: () => void) {
    this.#database = database;
    this.#chance = chance;
    this.#home = home;
    this.#tenant = home[home.length - 1] as string;
    this.#path = `${database.path} tenant ${this.#tenant}`;
    this.#onClose = onClose;
    this.#commits = new GroupCommit({
      path: this.#path,
      commit: (groups) => this.#commit(groups),
      mostBytesACommit: MOST_BYTES_A_COMMIT,
    });
  }

  async append(blocks: readonly SealedBlock[]): Promise<void> {
    for (const block of blocks) {
      if (block.tenant !== this.#tenant) {
        throw new ForeignBlockError(block, block.firstSequence, `this is the recording of tenant ${this.#tenant}`);
      }
      if (!block.source.isWellFormed()) {
        throw new ForeignBlockError(block, block.firstSequence, 'its source is no well-formed text');
      }
    }
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    if (bytes > MOST_BYTES_AN_APPEND || blocks.length > MOST_BLOCKS_AN_APPEND) {
      throw new StoreFullError(
        this.#path,
        `one append of ${blocks.length} blocks and ${bytes} bytes is more than one transaction takes (${MOST_BYTES_AN_APPEND} bytes)`,
        'Append fewer blocks together; nothing of it was written',
      );
    }
    await this.#commits.append(blocks);
  }

  async heads(): Promise<readonly ChainHead[]> {
    const heads: ChainHead[] = [];
    await this.#pages(async (tn, tenant, from: Buffer | null) => {
      const [begin, end] = keys.headRange(tenant);
      const rows = await tn.getRange(from ?? begin, end, { limit: 1000 });
      for (const [key, value] of rows) {
        heads.push(keys.readHeadValue({ tenant: this.#tenant, ...keys.readHeadKey(tenant, key) }, value));
      }
      const last = rows[rows.length - 1];
      return rows.length < 1000 || last === undefined ? null : Buffer.concat([last[0], Buffer.alloc(1)]);
    });
    return heads.sort(byChain);
  }

  async *blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    if (chain.tenant !== this.#tenant) return;
    let limit = PAGE_BLOCKS;
    let from = { sequence: whole(fromSequence), holding: true };
    for (;;) {
      const { sequence, holding } = from;
      const page = await this.#reading(async (tn) => {
        const source = await this.#prefix(tn, chain.source);
        if (source === null) return [];
        const first = holding ? await holderOf(tn, source, chain.epoch, sequence) : sequence;
        return readBlocks(tn, source, chain.epoch, first, whole(toSequence), limit);
      });
      yield* page;
      const last = page[page.length - 1];
      if (last === undefined) return;
      from = { sequence: last.firstSequence + 1, holding: false };
      limit = pageLimit(page);
    }
  }

  async snapshotBefore(chain: ChainId, atUs: number): Promise<SnapshotPlace | null> {
    if (chain.tenant !== this.#tenant) return null;
    return this.#reading(async (tn) => {
      const source = await this.#prefix(tn, chain.source);
      if (source === null) return null;
      const [begin, end] = keys.snapshotsUpTo(source, chain.epoch, whole(atUs));
      const [last] = await tn.getRange(begin, end, { limit: 1, reverse: true });
      if (last === undefined) return null;
      return { ...keys.placeOfSnapshotKey(source, last[0]), blockSequence: keys.readNumberValue(last[1]) };
    });
  }

  async version(): Promise<StoreVersion> {
    return this.#reading(async (tn) => {
      const tenant = await this.#prefix(tn, null);
      return tenant === null ? NO_VERSION : ((await tn.get(keys.newestKey(tenant)))?.toString('hex') ?? NO_VERSION);
    });
  }

  async *changes(after: StoreVersion): AsyncIterable<CommittedBlock> {
    let limit = PAGE_BLOCKS;
    for (let from = after; ; ) {
      const since = from;
      const page = await this.#reading((tn) => this.#changesPage(tn, since, limit));
      yield* page;
      const last = page[page.length - 1];
      if (last === undefined) return;
      from = last.version;
      limit = pageLimit(page);
    }
  }

  async *watch(after: StoreVersion, signal?: AbortSignal): AsyncIterable<StoreVersion> {
    const ending = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    const ended = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve(), { once: true }));
    for (let seen = after; !ending.aborted; ) {
      // The watch is set by the transaction that read the version, so that no change falls between the two.
      const { version, watch } = await this.#transact('read', async (tn) => {
        const key = keys.newestKey(await createOrOpenDirectory(tn, this.#directory(null), this.#chance));
        return { version: (await tn.get(key))?.toString('hex') ?? NO_VERSION, watch: tn.watch(key) };
      });
      if (version > seen) {
        watch.cancel();
        seen = version;
        yield version;
        continue;
      }
      await Promise.race([watch.promise, ended]);
      watch.cancel();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#commits.close();
    this.#onClose();
  }

  #directory(source: string | null): readonly string[] {
    return source === null ? this.#home : [...this.#home, source];
  }

  /** Prefix of the tenant's directory, or of one of its sources'; null where nothing was written yet. */
  async #prefix(tn: FdbTransaction, source: string | null): Promise<Buffer | null> {
    return this.#prefixes.get(source) ?? openDirectory(tn, this.#directory(source));
  }

  async #transact<T>(doing: 'read' | 'commit', body: (tn: FdbTransaction) => Promise<T>): Promise<T> {
    try {
      return await this.#database.transact(body);
    } catch (error) {
      throw storeError(this.#path, error, doing);
    }
  }

  async #reading<T>(body: (tn: FdbTransaction) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) throw new StoreClosedError(this.#path, 'is closed', 'Open it again');
    return this.#transact('read', body);
  }

  async #pages(
    page: (tn: FdbTransaction, tenant: Buffer, from: Buffer | null) => Promise<Buffer | null>,
  ): Promise<void> {
    let from: Buffer | null = null;
    do {
      const start: Buffer | null = from;
      from = await this.#reading(async (tn) => {
        const tenant = await this.#prefix(tn, null);
        return tenant === null ? null : page(tn, tenant, start);
      });
    } while (from !== null);
  }

  async #changesPage(tn: FdbTransaction, after: StoreVersion, limit: number): Promise<readonly CommittedBlock[]> {
    const tenant = await this.#prefix(tn, null);
    if (tenant === null) return [];
    const [begin, end] = keys.versionsAfter(tenant, after);
    const rows = await tn.getRange(begin, end, { limit });
    return Promise.all(
      rows.map(async ([key, value]) => {
        const { source, epoch, first } = keys.readVersionValue(value);
        const prefix = await this.#prefix(tn, source);
        const [block] = prefix === null ? [] : await readBlocks(tn, prefix, epoch, first, first, 1);
        if (block === undefined) {
          throw new StoreCorruptError(
            this.#path,
            `the block of ${source} epoch ${epoch} at sequence ${first} was committed and is not there`,
            'Keep the cluster as it is, run `sigma verify` on the recording, and restore the block from a copy',
          );
        }
        return { ...block, tenant: this.#tenant, source, epoch, version: keys.versionOfKey(key) };
      }),
    );
  }

  /**
   * One transaction: it reads where the chains end, plans, and writes. That others have not carried them on meanwhile is
   * what FoundationDB checks; a commit whose answer was lost is made again and finds its blocks stored.
   */
  async #commit(groups: readonly (readonly SealedBlock[])[]): Promise<readonly (Error | null)[]> {
    const done = await this.#transact('commit', async (tn) => {
      const prefixes = new Map<string | null, Buffer>();
      for (const source of [null, ...new Set(groups.flat().map((block) => block.source))]) {
        const known = this.#prefixes.get(source);
        prefixes.set(source, known ?? (await createOrOpenDirectory(tn, this.#directory(source), this.#chance)));
      }
      const tenant = prefixes.get(null) as Buffer;
      const { tails, harm } = await this.#tails(tn, prefixes, groups.flat());
      const harmed = groups.map((group) => group.map((block) => harm.get(chainKey(block))).find((error) => error));
      const sound = groups.filter((_, i) => harmed[i] === undefined);
      const stored = new Map<string, Uint8Array>();
      for (const block of blocksToCompare(sound, tails)) {
        const key = keys.blockKey(prefixes.get(block.source) as Buffer, block.epoch, block.firstSequence);
        const value = await tn.get(key);
        if (value !== undefined) stored.set(blockName(block), keys.readBlockValue(value).hash);
      }
      const plan = planCommit(sound, tails, stored);
      for (const { to } of plan.advances) tn.set(keys.headKey(tenant, to.source, to.epoch), keys.headValue(to));
      for (const [n, { block }] of plan.blocks.entries()) {
        writeBlock(tn, prefixes.get(block.source) as Buffer, block);
        const value = keys.versionValue(block.source, block.epoch, block.firstSequence);
        tn.setVersionstampedKey(keys.versionPrefix(tenant), keys.orderBytes(n), value);
      }
      if (plan.blocks.length > 0) {
        tn.setVersionstampedValue(keys.newestKey(tenant), keys.orderBytes(plan.blocks.length - 1));
      }
      let next = 0;
      const sane = [...tails.keys(), ...plan.advances.map(({ chain }) => chainKey(chain))];
      return { prefixes, sane, answers: harmed.map((error) => error ?? plan.answers[next++] ?? null) };
    });
    for (const [source, prefix] of done.prefixes) this.#prefixes.set(source, prefix);
    for (const key of done.sane) this.#checked.add(key);
    return done.answers;
  }

  /** Where the chains of these blocks end, and which of those ends are not as they were written. */
  async #tails(tn: FdbTransaction, prefixes: ReadonlyMap<string | null, Buffer>, blocks: readonly SealedBlock[]) {
    const tails = new Map<string, ChainHead>();
    const harm = new Map<string, StoreError>();
    const chains = new Map<string, ChainId>(blocks.map((block) => [chainKey(block), block]));
    for (const [key, { tenant, source, epoch }] of chains) {
      const value = await tn.get(keys.headKey(prefixes.get(null) as Buffer, source, epoch));
      if (value === undefined) continue;
      const head = keys.readHeadValue({ tenant, source, epoch }, value);
      const prefix = prefixes.get(source) as Buffer;
      const fault = this.#checked.has(key) ? null : tailFault(head, await readTail(tn, prefix, epoch), sha256);
      if (fault === null) {
        tails.set(key, head);
        continue;
      }
      const what = `the end of ${chainName(head)} at sequence ${head.sequence} is not as it was written: ${fault}`;
      const wayOut = 'Keep it, run `sigma verify` on the recording, and let this source go on in a new epoch';
      harm.set(key, new StoreCorruptError(this.#path, what, wayOut));
    }
    return { tails, harm };
  }
}

/** A number that the tuple layer writes as an integer: it sorts all integers before all others. */
const whole = (n: number): number => Math.max(-1, Math.min(Math.floor(n), Number.MAX_SAFE_INTEGER));

/** So many blocks that a page of their size stays in bounds. */
function pageLimit(page: readonly StoredBlock[]): number {
  const bytes = page.reduce((sum, block) => sum + block.bytes.length, 0);
  return Math.max(1, Math.min(1024, Math.floor((PAGE_BYTES * page.length) / Math.max(1, bytes))));
}
