import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ChainHead,
  type ChainId,
  chainName,
  decodeBlock,
  decodeEnvelope,
  decodeStub,
  isStub,
  leafHash,
  type Recording,
  type Sha256,
  StoreCorruptError,
  type StoredBlock,
  sameBytes,
  TreeFrontier,
} from '../src/index.ts';
import { peakHeights } from '../src/proof/merkle.ts';
import {
  ArchiveDamageError,
  type ArchivedChain,
  type ArchivedFile,
  type ArchivedObject,
  bytesOfHex,
  encodeManifest,
  hexOf,
  lastObject,
  manifestKey,
  objectsOf,
  readManifest,
  type StoredManifest,
  withChains,
} from './manifest.ts';
import type { ObjectStore } from './objects/object-store.ts';
import type { ParquetDesk } from './parquet-desk.ts';

export interface ArchiveOptions {
  readonly sha256: Sha256;
  /** Which chains, and up to which event of each (to the end of the last block that ends there or before); all when absent. */
  readonly through?: (head: ChainHead) => number | Promise<number>;
  /** Signed checkpoints of a chain that are to be kept with it. */
  readonly checkpoints?: (chain: ChainId) => Promise<readonly string[]>;
  /** After each object. */
  readonly progress?: (chain: ChainId, object: ArchivedObject) => void;
  readonly signal?: AbortSignal;
  /** Most events of an object. */
  readonly mostEvents?: number;
}

export interface ArchiveReport {
  readonly manifests: readonly StoredManifest[];
  readonly written: readonly { readonly chain: ChainId; readonly object: ArchivedObject }[];
  readonly events: number;
  readonly bytes: number;
}

const MOST_EVENTS = 200_000;
const MOST_BYTES = 48 << 20;
const DAY_US = 86_400e6;
const ATTEMPTS = 8;

/**
 * Puts what an archive does not hold yet of a recording into it, in the order of R162. Nothing is taken out of the
 * recording. Ends early only by throwing, and can be called again at any time.
 *
 * @throws StoreCorruptError when the recording is damaged, or is another history than the archive's; what stands before
 * that is archived all the same at the next call with a smaller `through`
 * @throws StoreError
 */
export async function archiveRecording(
  recording: Recording,
  store: ObjectStore,
  options: ArchiveOptions,
): Promise<ArchiveReport> {
  const heads = await recording.heads();
  const manifests: StoredManifest[] = [];
  const written: { chain: ChainId; object: ArchivedObject }[] = [];
  const desk = await (await import('./parquet-desk.ts')).ParquetDesk.open();
  const scratch = await mkdtemp(join(tmpdir(), 'sigma-archive-'));
  try {
    for (const tenant of new Set(heads.map((head) => head.tenant))) {
      const mine = heads.filter((head) => head.tenant === tenant);
      const run = new Run(recording, store, options, desk, scratch);
      const manifest = await run.tenant(tenant, mine);
      if (manifest !== null) manifests.push(manifest);
      written.push(...run.written);
    }
  } finally {
    desk.close();
    await rm(scratch, { recursive: true, force: true });
  }
  const events = written.reduce((sum, { object }) => sum + object.lastSequence - object.firstSequence + 1, 0);
  return {
    manifests,
    written,
    events,
    bytes: written.reduce((sum, { object }) => sum + object.blockFile.bytes + object.eventFile.bytes, 0),
  };
}

class Run {
  readonly written: { chain: ChainId; object: ArchivedObject }[] = [];
  readonly #recording: Recording;
  readonly #store: ObjectStore;
  readonly #options: ArchiveOptions;
  readonly #desk: ParquetDesk;
  readonly #scratch: string;

  constructor(recording: Recording, store: ObjectStore, options: ArchiveOptions, desk: ParquetDesk, scratch: string) {
    this.#recording = recording;
    this.#store = store;
    this.#options = options;
    this.#desk = desk;
    this.#scratch = scratch;
  }

  async tenant(tenant: string, heads: readonly ChainHead[]): Promise<StoredManifest | null> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.written.length = 0;
      const before = await readManifest(this.#store, tenant);
      const chains: ArchivedChain[] = [];
      for (const head of heads) {
        const grown = await this.#chain(head, before?.chains.find((chain) => sameChain(chain, head)) ?? null);
        if (grown !== null) chains.push(grown);
      }
      if (chains.length === 0) return before;
      const published = await this.#publish(withChains(before, tenant, chains));
      if (published !== null) return published;
    }
    const wayOut = 'Let one program archive this tenant at a time';
    throw new StoreCorruptError(
      this.#store.address,
      `others wrote ${ATTEMPTS} manifests of ${tenant} meanwhile`,
      wayOut,
    );
  }

  /** @returns null when another archiver has made this version */
  async #publish(manifest: Parameters<typeof encodeManifest>[0]): Promise<StoredManifest | null> {
    const bytes = encodeManifest(manifest);
    const key = manifestKey(manifest.tenant, manifest.version);
    if ((await this.#store.putNew(key, bytes)) === 'exists') return null;
    const back = await this.#store.get(key);
    if (back === null) throw new ArchiveDamageError(this.#store.address, key, 'is gone right after it was written');
    return sameBytes(back, bytes) ? { ...manifest, sha256: hash('sha256', bytes) } : null;
  }

  /** @returns null when nothing of it is new */
  async #chain(head: ChainHead, archived: ArchivedChain | null): Promise<ArchivedChain | null> {
    const through = Math.min(head.sequence, (await this.#options.through?.(head)) ?? head.sequence);
    const growth = new Growth(head, archived, this.#options.sha256, this.#recording);
    growth.assertSameHistory(head);
    if (through <= growth.sequence) return null;
    const objects: ArchivedObject[] = [];
    for await (const blocks of growth.portions(through, this.#options.mostEvents ?? MOST_EVENTS)) {
      this.#options.signal?.throwIfAborted();
      objects.push(await this.#object(head, blocks));
    }
    if (objects.length === 0) return null;
    const checkpoints = (await this.#options.checkpoints?.(head)) ?? [];
    return {
      tenant: head.tenant,
      source: head.source,
      epoch: head.epoch,
      atUs: growth.atUs,
      blocks: growth.blocks,
      peaks: growth.peaks(),
      checkpoints: [...new Set([...(archived?.checkpoints ?? []), ...checkpoints])],
      objects: [...(archived?.objects ?? []), ...objects],
    };
  }

  /** Writes an object and reads it back, to the last block (R162). */
  async #object(chain: ChainId, { all, place }: Portion): Promise<ArchivedObject> {
    const name = `${objectsOf(chain)}${String(place.firstSequence).padStart(16, '0')}-${place.lastSequence}`;
    const blockFile = await this.#file(name, 'blocks', await this.#desk.encodeBlocks(all));
    await this.#readBack(blockFile, all);
    const eventFile = await this.#file(name, 'events', await this.#desk.encodeEvents(chain, all));
    await this.#readBack(eventFile, null);
    const object = { blockFile, eventFile, ...place, thinned: [] };
    this.written.push({ chain, object });
    this.#options.progress?.(chain, object);
    return object;
  }

  async #file(name: string, what: string, bytes: Uint8Array): Promise<ArchivedFile> {
    const sha256 = hash('sha256', bytes);
    const file = { key: `${name}.${sha256.slice(0, 16)}.${what}.parquet`, bytes: bytes.length, sha256 };
    await this.#store.putNew(file.key, bytes);
    return file;
  }

  async #readBack(file: ArchivedFile, blocks: readonly StoredBlock[] | null): Promise<void> {
    const fault = (what: string): ArchiveDamageError =>
      new ArchiveDamageError(this.#store.address, file.key, `${what} right after it was written; nothing was removed`);
    const back = await this.#store.get(file.key);
    if (back === null) throw fault('is gone');
    if (hash('sha256', back) !== file.sha256) throw fault('is altered');
    if (blocks === null) return;
    const path = join(this.#scratch, 'back.parquet');
    await writeFile(path, back);
    let n = 0;
    for await (const block of this.#desk.blocks(path, 1, Number.MAX_SAFE_INTEGER)) {
      const wrote = blocks[n++];
      const same = wrote !== undefined && sameBytes(wrote.bytes, block.bytes) && sameBytes(wrote.hash, block.hash);
      if (!same || wrote.firstSequence !== block.firstSequence) throw fault('gives other blocks back');
    }
    if (n !== blocks.length) throw fault('gives other blocks back');
  }
}

type Place = Omit<ArchivedObject, 'blockFile' | 'eventFile' | 'thinned'>;

/** Blocks that go into one object. */
interface Portion {
  readonly all: readonly StoredBlock[];
  readonly place: Place;
}

/** Where a block stands, and the day it belongs to. */
interface Followed {
  readonly place: Place;
  readonly day: number;
}

/** Follows a chain from where its archive ends, and checks each block against it. */
class Growth {
  readonly #chain: ChainId;
  readonly #sha256: Sha256;
  readonly #recording: Recording;
  readonly #tree: TreeFrontier;
  readonly #complete = new Map<number, Uint8Array>();
  #hash: Uint8Array;
  /** Nobody knows the leaves of events that were dropped (R127): behind them there is no tree any more. */
  #treeless: boolean;
  #timeUs: number;
  sequence: number;
  atUs: number;
  blocks: number;

  constructor(chain: ChainId, archived: ArchivedChain | null, sha256: Sha256, recording: Recording) {
    this.#chain = chain;
    this.#sha256 = sha256;
    this.#recording = recording;
    this.#tree = new TreeFrontier(sha256, (height, _, node) => this.#complete.set(height, node));
    this.sequence = archived === null ? 0 : lastObject(archived).lastSequence;
    this.#hash = archived === null ? new Uint8Array(32) : bytesOfHex(lastObject(archived).hash);
    this.atUs = archived?.atUs ?? 0;
    this.blocks = archived?.blocks ?? 0;
    this.#treeless = archived !== null && archived.peaks.length === 0;
    this.#timeUs = archived === null ? 0 : lastObject(archived).greatestTimeUs;
    if (this.#treeless) return;
    const heights = peakHeights(this.sequence);
    for (const [i, height] of heights.entries()) {
      this.#complete.set(height, bytesOfHex(archived?.peaks[i] ?? ''));
    }
    this.#tree.resume(this.sequence, (height) => this.#complete.get(height) as Uint8Array);
  }

  /** @throws StoreCorruptError when the recording ends before the archive, or otherwise at the same event */
  assertSameHistory(head: ChainHead): void {
    if (head.sequence > this.sequence) return;
    if (head.sequence === this.sequence && sameBytes(head.hash, this.#hash)) return;
    const what =
      head.sequence < this.sequence
        ? `ends at ${head.sequence}, and the archive holds it up to ${this.sequence}: it is an older copy`
        : `is another history than the archive's: event ${head.sequence} is not the same`;
    throw this.#refused(what);
  }

  peaks(): readonly string[] {
    if (this.#treeless) return [];
    return peakHeights(this.#tree.size).map((height) => hexOf(this.#complete.get(height) as Uint8Array));
  }

  async *portions(through: number, mostEvents: number): AsyncIterable<Portion> {
    let open: { all: StoredBlock[]; place: Place; bytes: number; day: number } | null = null;
    for await (const block of this.#recording.blocks(this.#chain, this.sequence + 1, through)) {
      const told = this.#follow(block, through);
      if (told === null) break;
      const { place, day } = told;
      const events = place.lastSequence - (open?.place.firstSequence ?? place.firstSequence) + 1;
      if (open !== null && (events > mostEvents || open.bytes + block.bytes.length > MOST_BYTES || open.day !== day)) {
        yield open;
        open = null;
      }
      if (open === null) open = { all: [block], place, bytes: block.bytes.length, day };
      else {
        open.all.push(block);
        open.place = joined(open.place, place);
        open.bytes += block.bytes.length;
      }
      this.#grow(block);
    }
    if (open !== null) yield open;
  }

  #follow(block: StoredBlock, through: number): Followed | null {
    if (isStub(block.bytes)) return this.#followStub(block, through);
    if (!sameBytes(this.#sha256(block.bytes), block.hash))
      throw this.#refused(`is altered at event ${block.firstSequence}`);
    const content = decodeBlock(block.bytes);
    const { firstSequence } = content;
    if (firstSequence <= this.sequence) {
      throw this.#refused(
        `is another history than the archive's: a block spans event ${this.sequence}, where its last ends`,
      );
    }
    if (
      !sameChain(content, this.#chain) ||
      firstSequence !== this.sequence + 1 ||
      block.firstSequence !== firstSequence
    ) {
      throw this.#refused(`does not go on with event ${this.sequence + 1}: events are missing or in another order`);
    }
    if (!sameBytes(content.previousHash, this.#hash)) {
      throw this.#refused(`is another history than what stands before event ${block.firstSequence}`);
    }
    const lastSequence = content.firstSequence + content.events.length - 1;
    if (lastSequence > through) return null;
    const events = content.events.map(decodeEnvelope);
    const times = events.map((event) => event.timeUs);
    const place: Place = {
      firstSequence: content.firstSequence,
      lastSequence,
      blocks: 1,
      previousHash: hexOf(content.previousHash),
      hash: hexOf(block.hash),
      firstAtUs: events[0]?.atUs ?? 0,
      lastAtUs: events[events.length - 1]?.atUs ?? 0,
      leastTimeUs: times.reduce((a, b) => Math.min(a, b)),
      greatestTimeUs: times.reduce((a, b) => Math.max(a, b)),
    };
    return { place, day: Math.floor(place.leastTimeUs / DAY_US) };
  }

  /** What stands in the place of dropped blocks is archived as it is, and what comes behind it linked to it. */
  #followStub({ bytes, hash, firstSequence }: StoredBlock, through: number): Followed | null {
    const stub = decodeStub(bytes);
    const end = stub.dropped[stub.dropped.length - 1]?.hash ?? new Uint8Array();
    const linked = stub.firstSequence === this.sequence + 1 && sameBytes(stub.previousHash, this.#hash);
    if (!sameChain(stub, this.#chain) || stub.firstSequence !== firstSequence || !linked || !sameBytes(end, hash)) {
      throw this.#refused(`has a gap at event ${firstSequence} that does not fit in there`);
    }
    const lastSequence = firstSequence + eventsOfStub(stub) - 1;
    if (lastSequence > through) return null;
    const [lastAtUs, timeUs] = [stub.lastAtUs, this.#timeUs];
    const ends = { firstSequence, lastSequence, previousHash: hexOf(stub.previousHash), hash: hexOf(hash) };
    const times = { firstAtUs: lastAtUs, lastAtUs, leastTimeUs: timeUs, greatestTimeUs: timeUs };
    return { place: { ...ends, ...times, blocks: 1 }, day: Math.floor(timeUs / DAY_US) };
  }

  #grow(block: StoredBlock): void {
    if (isStub(block.bytes)) {
      const stub = decodeStub(block.bytes);
      this.#treeless = true;
      this.sequence += eventsOfStub(stub);
      this.#hash = block.hash;
      this.atUs = stub.lastAtUs;
      this.blocks++;
      return;
    }
    const { events } = decodeBlock(block.bytes);
    if (!this.#treeless) for (const event of events) this.#tree.push(leafHash(event, this.#sha256));
    this.sequence += events.length;
    this.#hash = block.hash;
    const { atUs, timeUs } = decodeEnvelope(events[events.length - 1] as Uint8Array);
    this.atUs = atUs;
    this.#timeUs = timeUs;
    this.blocks++;
  }

  #refused(what: string): StoreCorruptError {
    const wayOut =
      'Verify the recording; nothing of this chain was archived behind that event, and nothing was removed';
    return new StoreCorruptError(chainName(this.#chain), what, wayOut);
  }
}

const eventsOfStub = ({ dropped }: ReturnType<typeof decodeStub>): number =>
  dropped.reduce((sum, { count }) => sum + count, 0);

function joined(a: Place, b: Place): Place {
  return {
    ...a,
    lastSequence: b.lastSequence,
    blocks: a.blocks + b.blocks,
    hash: b.hash,
    lastAtUs: b.lastAtUs,
    leastTimeUs: Math.min(a.leastTimeUs, b.leastTimeUs),
    greatestTimeUs: Math.max(a.greatestTimeUs, b.greatestTimeUs),
  };
}

const sameChain = (a: ChainId, b: ChainId): boolean =>
  a.tenant === b.tenant && a.source === b.source && a.epoch === b.epoch;
