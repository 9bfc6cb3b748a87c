import type { BlockBatch, HybridMark, SealedBlock, SyncRefusal } from '@sigma/recorder';

export interface BacklogThreadData {
  /** Of the login role, with its password. */
  readonly url: string;
  readonly tenant: string;
  /** What is stored is given back, for somebody who reads along. */
  readonly givesBack: boolean;
}

export type ToBacklogs =
  | { readonly type: 'take'; readonly id: number; readonly batch: SentBatch; readonly ownSource: boolean }
  /** The moment of a batch is kept, or why it is not. */
  | { readonly type: 'kept'; readonly mark: number; readonly error: string | null }
  | { readonly type: 'end' };

export type FromBacklogs =
  | {
      readonly type: 'stored';
      readonly id: number;
      readonly sequence: number;
      readonly blocks: number;
      readonly given: GivenBlocks | null;
    }
  | { readonly type: 'refused'; readonly id: number; readonly refusal: SyncRefusal; readonly message: string }
  | {
      readonly type: 'foreign';
      readonly id: number;
      readonly sequence: number;
      readonly what: string;
      readonly block: Pick<SealedBlock, 'hash' | 'previousHash'> | null;
    }
  /** The store takes no more: it is to be opened anew. */
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'keep'; readonly mark: number; readonly of: HybridMark };

/** Several pieces of bytes in one that changes hands. */
interface Joined {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** A batch whose bytes belong to nothing else: of a view into what came from the wire all of that would be copied. */
export type SentBatch = Omit<BlockBatch, 'blocks' | 'packed' | 'previousHash' | 'hash'> & {
  /** The hash before it, its own, and then its pack or its blocks. */
  readonly content: Joined;
  /** Of a pack how long its blocks are together; null: it is not packed. */
  readonly unpackedBytes: number | null;
};

/** Blocks in columns: a thread that passes them on makes no objects of them. */
export interface GivenBlocks {
  readonly content: Joined;
  /** Of each block first sequence, count, first and last agent time. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Of each block its hash, behind that of the block before the first. */
  readonly hashes: Uint8Array<ArrayBuffer>;
  /** Places of the blocks that have some, and these. */
  readonly snapshots: readonly (readonly [block: number, snapshots: SealedBlock['snapshots']])[];
}

const HASH_BYTES = 32;
const NUMBERS = 4;

export function sentBatch({ blocks, packed, previousHash, hash, ...batch }: BlockBatch): SentBatch {
  const content = joined([previousHash, hash, ...(packed === undefined ? blocks : [packed.bytes])]);
  return { ...batch, content, unpackedBytes: packed?.unpackedBytes ?? null };
}

export function batchIn({ content, unpackedBytes, ...batch }: SentBatch): BlockBatch {
  const [previousHash = NOTHING, hash = NOTHING, ...blocks] = parted(content);
  const own = { ...batch, previousHash, hash };
  if (unpackedBytes === null) return { ...own, blocks };
  return { ...own, blocks: [], packed: { bytes: blocks[0] ?? NOTHING, unpackedBytes } };
}

const NOTHING: Uint8Array = new Uint8Array();

/** @param blocks of one chain, one behind the other */
export function givenBlocks(blocks: readonly SealedBlock[]): GivenBlocks {
  const numbers = new Float64Array(NUMBERS * blocks.length);
  const hashes = new Uint8Array(HASH_BYTES * (blocks.length + 1));
  for (const [i, { firstSequence, count, firstAtUs, lastAtUs, previousHash, hash }] of blocks.entries()) {
    numbers.set([firstSequence, count, firstAtUs, lastAtUs], NUMBERS * i);
    if (i === 0) hashes.set(previousHash);
    hashes.set(hash, HASH_BYTES * (i + 1));
  }
  const snapshots = [...blocks.entries()].flatMap(([i, block]) =>
    block.snapshots.length === 0 ? [] : [[i, block.snapshots] as const],
  );
  return { content: joined(blocks.map(({ bytes }) => bytes)), numbers, hashes, snapshots };
}

/** The blocks as they were sealed, but for their pack: that has gone to the store. */
export function blocksIn(
  { tenant, source, epoch }: Pick<BlockBatch, 'tenant' | 'source' | 'epoch'>,
  { content, numbers, hashes, snapshots }: GivenBlocks,
): readonly SealedBlock[] {
  const marked = new Map(snapshots);
  const hashAt = (place: number): Uint8Array => hashes.subarray(HASH_BYTES * place, HASH_BYTES * (place + 1));
  return parted(content).map((bytes, i) => {
    const [firstSequence = 0, count = 0, firstAtUs = 0, lastAtUs = 0] = numbers.subarray(NUMBERS * i);
    return {
      ...{ tenant, source, epoch, bytes, firstSequence, count, firstAtUs, lastAtUs },
      ...{ previousHash: hashAt(i), hash: hashAt(i + 1), snapshots: marked.get(i) ?? [] },
    };
  });
}

/** What of a message changes hands. */
export const handedOver = (content: Joined, ...more: readonly { readonly buffer: ArrayBuffer }[]): ArrayBuffer[] =>
  [content.bytes, content.ends, ...more].map(({ buffer }) => buffer);

function joined(parts: readonly Uint8Array[]): Joined {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const ends = new Uint32Array(parts.length);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    bytes.set(part, at);
    at += part.length;
    ends[i] = at;
  }
  return { bytes, ends };
}

function parted({ bytes, ends }: Joined): readonly Uint8Array[] {
  return Array.from(ends, (end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}
