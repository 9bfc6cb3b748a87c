import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { zstandard } from '../../stores/zstandard.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { blocksAt, type PackedBlocks, packBlocks, storedBlocks, unpackBlocks } from './packed-blocks.ts';

const anyBlocks = fc.array(fc.uint8Array({ minLength: 32, maxLength: 3_000 }), { minLength: 1, maxLength: 40 });
const unpacked = (packed: PackedBlocks): readonly Uint8Array[] => blocksAt(unpackBlocks(packed, zstandard));
const plain = (blocks: readonly Uint8Array[]): Buffer[] => blocks.map((block) => Buffer.from(block));

test('[R195] blocks come out of a pack as they went in, by what it says and by what it holds', () => {
  fc.assert(
    fc.property(anyBlocks, (blocks) => {
      const packed = packBlocks(blocks, zstandard);
      assert.equal(
        packed.unpackedBytes,
        blocks.reduce((sum, { length }) => sum + length, 0),
      );
      assert.deepEqual(plain(unpacked(packed)), plain(blocks));
      assert.deepEqual(plain(storedBlocks(packed.bytes, zstandard)), plain(blocks));
    }),
    { seed: 195, numRuns: 60 },
  );
});

test('[R195] a pack that gives more or less than it says is refused, and no more is unpacked than it says', () => {
  const blocks = Array.from({ length: 20 }, () => new Uint8Array(1_000).fill(7));
  const { bytes, unpackedBytes } = packBlocks(blocks, zstandard);
  assert.ok(bytes.length < 200, 'it packs well');
  for (const wrong of [0, 1, 15_000, unpackedBytes - 1, unpackedBytes + 1, 1024 * 1024, 2 ** 40]) {
    assert.throws(() => unpackBlocks({ bytes, unpackedBytes: wrong }, zstandard), MalformedBytesError, `${wrong}`);
  }
  const bomb = zstdCompressSync(Buffer.alloc(1 << 26));
  const most: number[] = [];
  const watched = {
    ...zstandard,
    unpack: (packed: Uint8Array, mostBytes: number) => {
      most.push(mostBytes);
      return zstandard.unpack(packed, mostBytes);
    },
  };
  for (const claimed of [5_000, 1024 * 1024]) {
    assert.throws(() => unpackBlocks({ bytes: bomb, unpackedBytes: claimed }, watched), MalformedBytesError);
  }
  assert.ok(most.every((bytes) => bytes < 1.2 * 1024 * 1024));
});

test('[R195] every bit of a pack that is turned is found, and so is what was cut off or put behind', () => {
  const blocks = Array.from({ length: 5 }, (_, n) => Uint8Array.from({ length: 200 }, (_, i) => (i * n * 31) % 251));
  const { bytes, unpackedBytes } = packBlocks(blocks, zstandard);
  const refused = (altered: Uint8Array): void => {
    try {
      const found = unpacked({ bytes: altered, unpackedBytes });
      // A bit that says nothing (of the frame's header) may be turned: what comes out is the same.
      assert.deepEqual(plain(found), plain(blocks));
    } catch (error) {
      assert.ok(error instanceof MalformedBytesError, String(error));
      found++;
    }
  };
  let found = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const altered = bytes.slice();
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    refused(altered);
  }
  assert.ok(found > bytes.length * 7, `${found} of ${bytes.length * 8}`);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => unpackBlocks({ bytes: bytes.subarray(0, length), unpackedBytes }, zstandard));
  }
  const long = Buffer.concat([bytes, Buffer.alloc(unpackedBytes + 2_000)]);
  assert.throws(() => unpackBlocks({ bytes: long, unpackedBytes }, zstandard), /longer than what it holds/);
});

test('[R195] a pack of something else than blocks is refused', () => {
  const content = Buffer.from([0x32, 40, ...Buffer.alloc(40)]);
  const packed = { bytes: zstandard.pack(content), unpackedBytes: 40 };
  assert.throws(() => unpackBlocks(packed, zstandard), /something that is no block/);
  assert.throws(() => unpackBlocks({ bytes: Buffer.from('no frame'), unpackedBytes: 40 }, zstandard), /unpacked/);
});
