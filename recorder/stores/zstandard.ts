import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { giveBack, PACK_BYTES, type Packing } from '../src/sync/packed-blocks.ts';
import { MalformedBytesError } from '../src/wire/wire-reader.ts';

export { PACK_BYTES };

/** Of what comes out in one piece; zlib takes no smaller one. */
const LEAST_CHUNK = 64;
/** What Zstandard may give at most of so many bytes, by ZSTD_COMPRESSBOUND: with room for that it packs in one go. */
const bound = (bytes: number): number => bytes + Math.ceil(bytes / 256) + 64;

/**
 * Level 2 with a window of 256 KB, as long as a pack is as a rule: it packs blocks of a fleet a fiftieth better than level
 * 1 does with its own window, of 512 KB, and takes a tenth less time, most of which went into laying that out.
 */
const QUICK_AND_CHECKED = {
  [constants.ZSTD_c_compressionLevel]: 2,
  [constants.ZSTD_c_windowLog]: 18,
  [constants.ZSTD_c_checksumFlag]: 1,
};
const plain = ({ buffer, byteOffset, length }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, length);

/**
 * Zstandard (RFC 8878) at a quick level, with the checksum of the content in the frame: what rots is found when it
 * is unpacked, and not taken for something else.
 */
export const zstandard: Packing = {
  pack: (content) => {
    const packed = zstdCompressSync(content, { params: QUICK_AND_CHECKED, chunkSize: bound(content.length) });
    // Of what was laid out for it about half is used.
    const own = new Uint8Array(packed);
    giveBack(packed.buffer);
    return own;
  },
  unpack: (packed, mostBytes) => {
    try {
      return plain(
        zstdDecompressSync(packed, { maxOutputLength: mostBytes, chunkSize: Math.max(LEAST_CHUNK, mostBytes) }),
      );
    } catch (error) {
      throw new MalformedBytesError(`a pack cannot be unpacked (${(error as Error).message})`);
    }
  },
};
