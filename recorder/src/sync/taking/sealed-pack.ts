import type { SealedBlock } from '../../chain-writer.ts';
import type { ChainId } from '../../event.ts';
import type { SnapshotPlace } from '../../store.ts';
import { decodeStub, isStub, stubBlocks } from '../gap.ts';

/** Blocks of one chain, one behind the other, in columns: what passes many of them on makes no object of any. */
export interface BlockColumns {
  /** Where they lie, with whatever stands between them. */
  readonly content: Uint8Array;
  /** Of each block where it begins in `content`, and where it ends (exclusive). */
  readonly places: Uint32Array;
  /** Of each block first sequence, count, first and last agent time. */
  readonly numbers: Float64Array;
  /** Of each block its hash, behind that of the block before the first. */
  readonly hashes: Uint8Array;
  readonly snapshots: readonly SnapshotPlace[];
}

/** Blocks that came packed, judged one by one (R120) and handed on as one. It never begins a chain. */
export interface SealedPack extends ChainId, BlockColumns {
  /** The pack as it came. */
  readonly bytes: Uint8Array;
  /** Blocks in it. */
  readonly blocks: number;
  /** Blocks that these are or, of a stub, took the place of. */
  readonly standsFor: number;
  readonly previousHash: Uint8Array;
  /** Of the last block; bytes of its own. */
  readonly hash: Uint8Array;
  readonly firstSequence: number;
  /** Events of all. */
  readonly count: number;
  readonly firstAtUs: number;
  readonly lastAtUs: number;
}

/** A store that keeps packs as they come (R195). */
export interface PackStore {
  /** As `BlockStore.append`, of blocks and packs in order. What of a pack is stored already is not stored again. */
  appendPacked(units: readonly (SealedBlock | SealedPack)[]): Promise<void>;
}

export const HASH_BYTES = 32;
/** In a row of `numbers` and of `places`. */
export const NUMBERS = 4;
export const PLACES = 2;

export const isPack = (unit: SealedBlock | SealedPack): unit is SealedPack => 'standsFor' in unit;

/** Blocks that these bytes stand for: one, or those that a stub took the place of. */
export const blocksIn = (bytes: Uint8Array): number => (isStub(bytes) ? stubBlocks(decodeStub(bytes)) : 1);

/** Columns with room for so many blocks. */
export function emptyColumns(blocks: number): Pick<BlockColumns, 'numbers' | 'hashes'> {
  return { numbers: new Float64Array(NUMBERS * blocks), hashes: new Uint8Array(HASH_BYTES * (blocks + 1)) };
}

/**
 * Blocks in columns, copied into bytes of their own.
 *
 * @param blocks of one chain, one behind the other; one at least
 */
export function columnsOf(blocks: readonly SealedBlock[]): BlockColumns {
  const content = new Uint8Array(blocks.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const places = new Uint32Array(PLACES * blocks.length);
  const { numbers, hashes } = emptyColumns(blocks.length);
  const snapshots: SnapshotPlace[] = [];
  let at = 0;
  for (const [i, block] of blocks.entries()) {
    const { bytes, firstSequence, count, firstAtUs, lastAtUs, previousHash, hash } = block;
    content.set(bytes, at);
    places.set([at, at + bytes.length], PLACES * i);
    at += bytes.length;
    numbers.set([firstSequence, count, firstAtUs, lastAtUs], NUMBERS * i);
    if (i === 0) hashes.set(previousHash);
    hashes.set(hash, HASH_BYTES * (i + 1));
    for (const mark of block.snapshots) snapshots.push({ ...mark, blockSequence: firstSequence });
  }
  return { content, places, numbers, hashes, snapshots };
}

/** One of the blocks, as it was sealed; its bytes and hashes are views. @param place counts from 0 */
export function blockAt(chain: ChainId, columns: BlockColumns, place: number): SealedBlock {
  return blockWith(chain, columns, place, hashAt(columns, place));
}

/** All of them. */
export function blocksOf(chain: ChainId, columns: BlockColumns): readonly SealedBlock[] {
  const blocks: SealedBlock[] = [];
  let previousHash = hashAt(columns, 0);
  for (let place = 0; place < columns.places.length / PLACES; place++) {
    const block = blockWith(chain, columns, place, previousHash);
    blocks.push(block);
    previousHash = block.hash;
  }
  return blocks;
}

const NO_SNAPSHOTS: SealedBlock['snapshots'] = [];

function blockWith(
  { tenant, source, epoch }: ChainId,
  columns: BlockColumns,
  place: number,
  previousHash: Uint8Array,
): SealedBlock {
  const { content, places, numbers } = columns;
  const firstSequence = numbers[NUMBERS * place] as number;
  return {
    tenant,
    source,
    epoch,
    bytes: content.subarray(places[PLACES * place], places[PLACES * place + 1]),
    hash: hashAt(columns, place + 1),
    previousHash,
    firstSequence,
    count: numbers[NUMBERS * place + 1] as number,
    firstAtUs: numbers[NUMBERS * place + 2] as number,
    lastAtUs: numbers[NUMBERS * place + 3] as number,
    snapshots: columns.snapshots.length === 0 ? NO_SNAPSHOTS : snapshotsIn(columns, firstSequence),
  };
}

const snapshotsIn = ({ snapshots }: BlockColumns, first: number): SealedBlock['snapshots'] =>
  snapshots.filter(({ blockSequence }) => blockSequence === first).map(({ sequence, atUs }) => ({ sequence, atUs }));

const hashAt = ({ hashes }: BlockColumns, place: number): Uint8Array =>
  hashes.subarray(HASH_BYTES * place, HASH_BYTES * (place + 1));
