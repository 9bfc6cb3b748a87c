import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';

/** Consecutive blocks of one chain in less room. */
export interface PackedBlocks {
  /** One Zstandard frame (RFC 8878) of what `framed` makes of them. */
  readonly bytes: Uint8Array;
  /** How long they are together. */
  readonly unpackedBytes: number;
}

/** How blocks are packed where a program can. */
export interface Packing {
  pack(content: Uint8Array): Uint8Array;
  /** @throws MalformedBytesError for what is no pack, or gives more than `mostBytes` */
  unpack(packed: Uint8Array, mostBytes: number): Uint8Array;
}

/** Blocks as the field `blocks` of sigma.v1.BlocksSent: each with tag and length before it. */
const BLOCKS = 7;
const TAG = (BLOCKS << 3) | 2;
/** Tag and length of a block of less than 2 MB. */
const FRAME_BYTES = 4;
/** Far less than any block has: it bears a hash of 32 bytes. */
const LEAST_BLOCK = 32;
/** As many as are packed together where nothing keeps them from it. */
export const PACK_BYTES: number = 256 * 1024;
/** Of one pack. */
const MOST_BYTES = 1024 * 1024;
/** What cannot be packed becomes no longer than that. */
const MOST_MORE = 1024;
/** Of a pack as it travels. */
export const MOST_PACKED_BYTES: number = MOST_BYTES + MOST_MORE;

/** Buffers of up to so many bytes share their memory with others. */
const MOST_SHARED = 64 * 1024;

/** Gives memory back at once; no view into it is to be used any more. */
export function giveBack(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer && memory.byteLength > MOST_SHARED) memory.transfer(0);
}

/** @param wire to put them together in, one for all packs: as much memory that is new each time costs more than the packing */
export function packBlocks(
  blocks: readonly Uint8Array[],
  { pack }: Packing,
  wire = new WireWriter(PACK_BYTES),
): PackedBlocks {
  const unpackedBytes = blocks.reduce((sum, block) => sum + block.length, 0);
  wire.reset();
  for (const block of blocks) wire.bytesPresent(BLOCKS, block);
  return { bytes: pack(wire.view()), unpackedBytes };
}

/** What a pack unpacks to, and where its blocks lie in there: of each where it begins, and where it ends (exclusive). */
export interface UnpackedBlocks {
  readonly content: Uint8Array;
  readonly places: Uint32Array;
}

/** @throws MalformedBytesError unless the blocks are as long together as it says, and that is at most 1 MB */
export function unpackBlocks({ bytes, unpackedBytes }: PackedBlocks, { unpack }: Packing): UnpackedBlocks {
  if (unpackedBytes > MOST_BYTES) throw new MalformedBytesError(`a pack holds ${MOST_BYTES} bytes at most`);
  if (bytes.length > unpackedBytes + MOST_MORE) throw new MalformedBytesError('a pack is longer than what it holds');
  const content = unpack(bytes, mostContent(unpackedBytes));
  const { places, length } = placesIn(content);
  if (length !== unpackedBytes) {
    throw new MalformedBytesError(`a pack of ${length} bytes says that it holds ${unpackedBytes}`);
  }
  return { content, places };
}

/** The blocks of a pack that was taken in before, however long they are together. @throws MalformedBytesError */
export function storedBlocks(packed: Uint8Array, { unpack }: Packing): readonly Uint8Array[] {
  const content = unpack(packed, mostContent(MOST_BYTES));
  return blocksAt({ content, places: placesIn(content).places });
}

/** The blocks themselves, as views. */
export function blocksAt({ content, places }: UnpackedBlocks): readonly Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < places.length; i += 2) blocks.push(content.subarray(places[i], places[i + 1]));
  return blocks;
}

const mostContent = (bytes: number): number => bytes + FRAME_BYTES * Math.ceil(bytes / LEAST_BLOCK);

/** @returns and how long the blocks are together */
function placesIn(content: Uint8Array): { readonly places: Uint32Array; readonly length: number } {
  const reader = new WireReader(content);
  const places: number[] = [];
  let length = 0;
  while (!reader.done) {
    if (reader.varint() !== TAG) throw new MalformedBytesError('a pack holds something that is no block');
    const end = reader.enter();
    places.push(reader.at, end);
    length += end - reader.at;
    reader.passTo(end);
  }
  return { places: new Uint32Array(places), length };
}
