import type { SealedBlock, SnapshotMark } from './chain-writer.ts';
import type { ChainHead, ChainId } from './event.ts';
import type { HybridMark } from './sync/hybrid-marks.ts';
import type { PackedBlocks } from './sync/packed-blocks.ts';

/** A block as a store holds it. */
export interface StoredBlock {
  /** First sequence under which the store files it; what the bytes say is for `verify` to compare. */
  readonly firstSequence: number;
  readonly bytes: Uint8Array;
  /** Hash as it was stored beside the bytes. */
  readonly hash: Uint8Array;
}

/** Where a snapshot stands. */
export interface SnapshotPlace extends SnapshotMark {
  /** First sequence of the block that holds it. */
  readonly blockSequence: number;
}

/** How far a chain reaches. */
export interface ChainEnd extends ChainId {
  readonly sequence: number;
}

/** What can be read of a recording. */
export interface Recording {
  /** The end of every chain, in order of tenant, source and epoch. */
  heads(): Promise<readonly ChainHead[]>;
  /**
   * Blocks that hold any event from `fromSequence` to `toSequence`, both inclusive, in order. Those durable when the
   * iteration reaches them.
   */
  blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock>;
  /** The last snapshot at or before that agent time, or null. */
  snapshotBefore(chain: ChainId, atUs: number): Promise<SnapshotPlace | null>;
  /**
   * Chains of which whole blocks are here behind a place where nothing can be read any more: how far they reach. Absent
   * where a store has no such places.
   */
  severed?(): Promise<readonly ChainEnd[]>;
  /** Of a hub that took chains in by sync: the moments of theirs that blocks do not tell (R128). */
  hybridMarks?(chain: ChainId): Promise<readonly HybridMark[]>;
  close(): Promise<void>;
}

/** Consecutive blocks of a chain in one piece of memory, one behind the other; nothing of them has been read. */
export interface BlockRun {
  readonly bytes: Uint8Array;
  /** Where each block ends in `bytes`, exclusive; one at least. */
  readonly ends: readonly number[];
  /** Of the last block, as it was stored beside it. Of each other the block behind it carries it. */
  readonly hash: Uint8Array;
}

/** Blocks that follow each other, as a run; null of none. */
export function runOf(blocks: readonly StoredBlock[]): BlockRun | null {
  const hash = blocks.at(-1)?.hash;
  if (hash === undefined) return null;
  const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + block.bytes.length, 0));
  let end = 0;
  const ends = blocks.map((block) => {
    bytes.set(block.bytes, end);
    end += block.bytes.length;
    return end;
  });
  return { bytes, ends, hash };
}

/** Blocks of a chain that a store keeps packed (R196), as they lie. */
export interface StoredPack extends PackedBlocks {
  readonly firstSequence: number;
  /** Events in all of them. */
  readonly count: number;
  /** Of the block before the first. */
  readonly previousHash: Uint8Array;
  /** Of the last block. */
  readonly hash: Uint8Array;
  /** Wall clock of the last event, microseconds since 1970. */
  readonly lastTimeUs: number;
}

/** A recording that gives many blocks at once, for who passes them on. */
export interface RunRecording extends Recording {
  /** The first of what `blocks` gives, at most so many, or what is packed together; null where that is nothing. */
  run(chain: ChainId, fromSequence: number, toSequence: number, mostBlocks: number): Promise<BlockRun | null>;
  /** The pack that begins with that event; null where none does. */
  packAt(chain: ChainId, firstSequence: number): Promise<StoredPack | null>;
  /** From that event on, the last one before the next pack, or how far was looked for one. */
  unpackedTo(chain: ChainId, fromSequence: number): Promise<number>;
}

/** A recording that can be appended to. */
export interface BlockStore extends Recording {
  /**
   * Resolves when every block is on disk, rejects when none is, or when nobody can know (then the store refuses all
   * more, and opening it again tells). A block that continues no chain is refused alone; one that is stored already
   * with the same hash is acknowledged and not stored again.
   *
   * @throws ForeignBlockError, StoreError
   */
  append(blocks: readonly SealedBlock[]): Promise<void>;
}

/**
 * A place in the order in which a tenant's blocks were committed. Versions of one recording compare as texts, a later one
 * being greater; `NO_VERSION` stands before them all. Nothing else about the text means anything.
 */
export type StoreVersion = string;

export const NO_VERSION: StoreVersion = '';

/** A block with its place in the order of commits. */
export interface CommittedBlock extends StoredBlock, ChainId {
  readonly version: StoreVersion;
}

/** A recording that many write and others follow: everything after a version can be asked for. */
export interface VersionedRecording extends Recording {
  /** Version of the block that was committed last; `NO_VERSION` of an empty recording. */
  version(): Promise<StoreVersion>;
  /**
   * Blocks committed after that version, in order of commit. No block ever becomes visible behind one that was given out
   * before it, so that the version of the last one is all that a follower must keep.
   */
  changes(after: StoreVersion): AsyncIterable<CommittedBlock>;
  /**
   * The newest version as soon as it is greater than `after`, and again whenever it has grown; steps may be left out.
   * Ends when the signal is aborted or the recording is closed.
   */
  watch(after: StoreVersion, signal?: AbortSignal): AsyncIterable<StoreVersion>;
}

/** A store that cannot do what was asked of it. `path` and `wayOut` stand in the message too. */
export class StoreError extends Error {
  readonly path: string;
  readonly what: string;
  readonly wayOut: string;

  constructor(path: string, what: string, wayOut: string, options?: ErrorOptions) {
    super(`${path}: ${what}. ${wayOut}`, options);
    this.name = new.target.name;
    this.path = path;
    this.what = what;
    this.wayOut = wayOut;
  }
}

/** No room is left, on the disk or within the store's own limit. */
export class StoreFullError extends StoreError {}
/** The file or its folder may not be written. */
export class StoreReadOnlyError extends StoreError {}
/** The file is no recording, or is damaged. */
export class StoreCorruptError extends StoreError {
  /** Last event of what was asked for that the damage hides, inclusive, where a store knows that. */
  readonly hiddenTo: number | null = null;
}
/** Written by a newer program. */
export class StoreNewerError extends StoreError {}
/** Another process writes this recording. */
export class StoreBusyError extends StoreError {}
/** The disk failed, or something else that no type above names. */
export class StoreFailedError extends StoreError {}
/** The store was closed, or has failed before. */
export class StoreClosedError extends StoreError {}

/** A block that does not continue the chain it names. Nothing was written. */
export class ForeignBlockError extends Error {
  readonly chain: ChainId;
  readonly sequence: number;
  readonly what: string;

  constructor(chain: ChainId, sequence: number, what: string) {
    super(`Block of ${chain.tenant}/${chain.source} epoch ${chain.epoch} at sequence ${sequence}: ${what}`);
    this.name = 'ForeignBlockError';
    this.chain = chain;
    this.sequence = sequence;
    this.what = what;
  }
}
