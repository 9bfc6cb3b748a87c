import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
// A query has to begin at once: only what it needs is loaded, and not the whole recorder with its wire formats.
import { decodeBlock } from '../src/block.ts';
import { type ChainHead, type ChainId, chainName, type Sha256 } from '../src/event.ts';
import { leafHash } from '../src/proof/merkle.ts';
import { byChain } from '../src/site-head.ts';
import type { Recording, SnapshotPlace, StoredBlock } from '../src/store.ts';
import {
  ArchiveDamageError,
  type ArchivedChain,
  type ArchivedFile,
  type ArchivedObject,
  archivedHead,
  readManifest,
  type StoredManifest,
  tenantsOf,
} from './manifest.ts';
import type { ObjectStore } from './objects/object-store.ts';
import type { ArchivedLeaf, ParquetDesk } from './parquet-desk.ts';

export interface ColdOptions {
  /** Only these tenants; all that the archive holds when absent. */
  readonly tenants?: readonly string[];
  /** Where objects of a distant archive are kept once fetched, by their hash. */
  readonly cacheDir: string;
}

/**
 * An archive opened for reading: a recording of everything in it. No object is read before its length and hash were
 * found to be those that the manifest names; damage is a StoreCorruptError that says which, and what lies in other
 * objects can still be read (R163).
 */
export class ColdArchive implements Recording {
  readonly store: ObjectStore;
  readonly #options: ColdOptions;
  #manifests: readonly StoredManifest[] = [];
  /** Opened by the first that reads blocks: a query reads none, and DuckDB takes a while to load. */
  #desk: Promise<ParquetDesk> | null = null;
  readonly #checked = new Map<string, Checked>();

  private constructor(store: ObjectStore, options: ColdOptions) {
    this.store = store;
    this.#options = options;
  }

  /** @throws StoreError */
  static async open(store: ObjectStore, options: ColdOptions): Promise<ColdArchive> {
    const archive = new ColdArchive(store, options);
    await archive.refresh();
    return archive;
  }

  /** Reads what others archived meanwhile. Files that were checked are not read again. @throws StoreError */
  async refresh(): Promise<void> {
    const manifests: StoredManifest[] = [];
    for (const tenant of this.#options.tenants ?? (await tenantsOf(this.store))) {
      const manifest = await readManifest(this.store, tenant);
      if (manifest !== null) manifests.push(manifest);
    }
    this.#manifests = manifests;
  }

  get manifests(): readonly StoredManifest[] {
    return this.#manifests;
  }

  get chains(): readonly ArchivedChain[] {
    return this.manifests.flatMap(({ chains }) => chains);
  }

  chain(id: ChainId): ArchivedChain | null {
    return this.chains.find((chain) => byChain(chain, id) === 0) ?? null;
  }

  async heads(): Promise<readonly ChainHead[]> {
    return this.chains.map(archivedHead).sort(byChain);
  }

  async *blocks(id: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    const chain = this.chain(id);
    if (chain === null) return;
    for (const object of chain.objects) {
      if (object.lastSequence < fromSequence || object.firstSequence > toSequence) continue;
      const path = await this.#blocksOf(chain, object).catch((error: unknown) => {
        throw error instanceof ArchiveDamageError ? error.hiding(Math.min(object.lastSequence, toSequence)) : error;
      });
      const desk = await this.#opened();
      yield* desk.blocks(path, fromSequence, toSequence);
    }
  }

  async snapshotBefore(id: ChainId, atUs: number): Promise<SnapshotPlace | null> {
    const chain = this.chain(id);
    for (const object of [...(chain?.objects ?? [])].reverse()) {
      if (chain === null || object.firstAtUs > atUs || object.thinned.length > 0) continue;
      const desk = await this.#opened();
      const mark = await desk.snapshotBefore(await this.fileOf(chain, object, 'eventFile'), atUs);
      if (mark === null) continue;
      for await (const { firstSequence } of this.blocks(id, mark.sequence, mark.sequence)) {
        return { ...mark, blockSequence: firstSequence };
      }
    }
    return null;
  }

  /**
   * Every event of a chain as its tree sees it, those without an envelope included, in order.
   *
   * @throws ArchiveDamageError, StoreError
   */
  async *leaves(chain: ArchivedChain, objects: readonly ArchivedObject[], sha256: Sha256): AsyncIterable<ArchivedLeaf> {
    const desk = await this.#opened();
    for (const object of objects) {
      const path = await this.fileOf(chain, object, 'blockFile');
      if (object.thinned.length > 0) yield* desk.leaves(path, sha256);
      else yield* leavesOfBlocks(desk.blocks(path, 1, Number.MAX_SAFE_INTEGER), sha256);
    }
  }

  /** A file of an object on this machine, whose content was checked. @throws ArchiveDamageError, StoreError */
  async fileOf(chain: ChainId, object: ArchivedObject, which: 'blockFile' | 'eventFile'): Promise<string> {
    const { key } = object[which];
    const known = this.#checked.get(key);
    if (known !== undefined && (await traitsOf(known.path)) === known.traits) return known.path;
    this.#checked.delete(key);
    const path = await this.#check(chain, object, object[which]);
    this.#checked.set(key, { path, traits: await traitsOf(path) });
    return path;
  }

  async #blocksOf(chain: ChainId, object: ArchivedObject): Promise<string> {
    this.#refuseThinned(chain, object);
    return this.fileOf(chain, object, 'blockFile');
  }

  async close(): Promise<void> {
    (await this.#desk)?.close();
  }

  #opened(): Promise<ParquetDesk> {
    this.#desk ??= import('./parquet-desk.ts').then(({ ParquetDesk }) => ParquetDesk.open());
    return this.#desk;
  }

  async #check(chain: ChainId, { firstSequence, lastSequence }: ArchivedObject, file: ArchivedFile): Promise<string> {
    const { key, sha256, bytes: length } = file;
    const holds = `events ${firstSequence} to ${lastSequence} of ${chainName(chain)}`;
    const local = this.store.file?.(key);
    if (local !== undefined) {
      const found = await fileHash(local);
      if (found === null) throw this.#damage(key, `is missing: it holds ${holds}`);
      if (found !== sha256) throw this.#damage(key, `is altered: it holds ${holds}, ${differs(sha256, found)}`);
      return local;
    }
    const cached = join(this.#options.cacheDir, `${sha256}.parquet`);
    if ((await fileHash(cached)) === sha256) return cached;
    const bytes = await this.store.get(key);
    if (bytes === null) throw this.#damage(key, `is missing: it holds ${holds}`);
    const found = hash('sha256', bytes);
    if (found !== sha256 || bytes.length !== length) {
      throw this.#damage(key, `is altered: it holds ${holds}, ${differs(sha256, found)}`);
    }
    await mkdir(this.#options.cacheDir, { recursive: true, mode: 0o700 });
    const scratch = `${cached}.${process.pid}-${threadId}.part`;
    await writeFile(scratch, bytes, { mode: 0o600 });
    await rename(scratch, cached);
    return cached;
  }

  #refuseThinned(chain: ChainId, { blockFile, firstSequence, lastSequence, thinned }: ArchivedObject): void {
    if (thinned.length === 0) return;
    const classes = [...new Set(thinned.map((one) => one.class))].join(', ');
    const events = `events ${firstSequence} to ${lastSequence} of ${chainName(chain)}`;
    throw this.#damage(
      blockFile.key,
      `was thinned by retention (${classes}): ${events} are proved by the tree and cannot be read as blocks`,
    );
  }

  #damage(key: string, what: string): ArchiveDamageError {
    return new ArchiveDamageError(this.store.address, key, what);
  }
}

/** A file whose content was found to be what the manifest says, and what the system said of it then. */
interface Checked {
  readonly path: string;
  readonly traits: string;
}

/** Changes with every write to a file: what was checked with the same traits is not read again to be checked. */
async function traitsOf(path: string): Promise<string> {
  const there = await stat(path, { bigint: true }).catch(() => null);
  return there === null ? 'none' : [there.dev, there.ino, there.size, there.mtimeNs, there.ctimeNs].join(' ');
}

async function* leavesOfBlocks(blocks: AsyncIterable<StoredBlock>, sha256: Sha256): AsyncIterable<ArchivedLeaf> {
  for await (const { bytes, firstSequence } of blocks) {
    let sequence = firstSequence;
    for (const envelope of decodeBlock(bytes).events) {
      yield { sequence: sequence++, leaf: leafHash(envelope, sha256), envelope };
    }
  }
}

const differs = (expected: string, found: string): string => `its SHA-256 is ${found} and not ${expected}`;

/** What is no longer is read at once. */
const READ_WHOLE_BYTES = 4 << 20;

/** SHA-256 of a file, in hex; null of none. */
async function fileHash(path: string): Promise<string | null> {
  const there = await stat(path).catch(() => null);
  if (there === null || !there.isFile()) return null;
  if (there.size <= READ_WHOLE_BYTES) return hash('sha256', await readFile(path));
  const sum = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) sum.update(chunk as Buffer);
  return sum.digest('hex');
}
