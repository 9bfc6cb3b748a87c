import { blockHead } from '../../src/block.ts';
import type { StoredBlock, StoredPack } from '../../src/store.ts';
import { outgoingBlock } from '../../src/sync/outgoing.ts';
import { type PackedBlocks, packBlocks, storedBlocks } from '../../src/sync/packed-blocks.ts';
import { MalformedBytesError, WireReader } from '../../src/wire/wire-reader.ts';
import { WireWriter } from '../../src/wire/wire-writer.ts';
import { zstandard } from '../zstandard.ts';

/** Where a block or a stub has its format, a row that holds packed blocks has this one (SPEC R196). */
const PACK_FORMAT = 65;

/** What a pack row says of the blocks in it, and these. */
interface PackRow extends PackedBlocks {
  readonly blocks: number;
  /** Hash of the block before the first. */
  readonly previousHash: Uint8Array;
  /** Wall clock of the last event, microseconds since 1970. */
  readonly lastTimeUs: number;
}

/** Looks at the beginning only. */
export const isPackRow = (bytes: Uint8Array): boolean => bytes[0] === 0x08 && bytes[1] === PACK_FORMAT;

/**
 * The row of blocks that follow each other, the last of which is no stub.
 *
 * @throws MalformedBytesError, NewerFormatError for a last block that cannot be read
 */
export function encodePackRow(blocks: readonly StoredBlock[]): Uint8Array {
  const [first, last] = [blocks[0] as StoredBlock, blocks.at(-1) as StoredBlock];
  const packed = packBlocks(
    blocks.map(({ bytes }) => bytes),
    zstandard,
  );
  const wire = new WireWriter(packed.bytes.length + 128);
  wire.uint(1, PACK_FORMAT);
  wire.uint(2, blocks.length);
  wire.uint(3, packed.unpackedBytes);
  wire.uint(4, outgoingBlock(last).lastTimeUs);
  wire.bytes(5, blockHead(first.bytes).previousHash);
  wire.bytes(6, packed.bytes);
  return wire.take();
}

/** @throws MalformedBytesError */
function decodePackRow(row: Uint8Array): PackRow {
  const reader = new WireReader(row);
  let [blocks, unpackedBytes, lastTimeUs] = [0, 0, 0];
  let [previousHash, bytes] = [EMPTY, EMPTY];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x10) blocks = reader.varint();
    else if (tag === 0x18) unpackedBytes = reader.varint();
    else if (tag === 0x20) lastTimeUs = reader.varint();
    else if (tag === 0x2a) previousHash = reader.bytes();
    else if (tag === 0x32) bytes = reader.bytes();
    else reader.skip(tag);
  }
  return { blocks, unpackedBytes, lastTimeUs, previousHash, bytes };
}

const EMPTY: Uint8Array = new Uint8Array();

/** The pack of a row as it lies, for who passes it on; null where it is none. @throws MalformedBytesError */
export function packOfRow({ firstSequence, hash, bytes: row }: StoredBlock, count: number): StoredPack | null {
  if (!isPackRow(row)) return null;
  const { bytes, unpackedBytes, previousHash, lastTimeUs } = decodePackRow(row);
  return { firstSequence, count, hash, previousHash, lastTimeUs, bytes, unpackedBytes };
}

/**
 * The blocks of a row, in order. Their hashes stand in the block behind each, and of the last beside the row. What cannot
 * be unpacked is given as it lies, for whoever verifies to name.
 */
export function blocksOfRow(row: StoredBlock): readonly StoredBlock[] {
  const asItLies: readonly StoredBlock[] = [row];
  if (!isPackRow(row.bytes)) return asItLies;
  try {
    const pack = decodePackRow(row.bytes);
    const contents = storedBlocks(pack.bytes, zstandard);
    const heads = contents.map((content) => blockHead(content));
    if (contents.length !== pack.blocks || heads[0]?.firstSequence !== row.firstSequence) return asItLies;
    return contents.map((bytes, i) => ({
      firstSequence: heads[i]?.firstSequence as number,
      hash: heads[i + 1]?.previousHash ?? row.hash,
      bytes,
    }));
  } catch (error) {
    if (error instanceof MalformedBytesError) return asItLies;
    throw error;
  }
}
