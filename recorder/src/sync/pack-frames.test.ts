import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { PackReader, packHead } from './pack-frames.ts';

const RUNS = { seed: 197, numRuns: 300 };

/** Packs with these lengths as they stand on a data connection, numbered from 1. */
function framed(lengths: readonly number[]): Uint8Array {
  return Buffer.concat(lengths.flatMap((length, i) => [packHead(i + 1, length), new Uint8Array(length).fill(i + 1)]));
}

test('[R197] packs come out as they were put in, into whatever pieces the connection cuts them', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lengths, cuts, (sizes, pieces) => {
      const bytes = framed(sizes);
      const come: (readonly [number, Uint8Array])[] = [];
      const reader = new PackReader((number, pack) => come.push([number, pack]));
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const piece = pieces[i % pieces.length] as number;
        reader.push(bytes.subarray(at, at + piece));
        at += piece;
      }
      assert.deepEqual(
        come,
        sizes.map((length, i) => [i + 1, new Uint8Array(length).fill(i + 1)]),
      );
      // Whoever takes one in hands its memory on.
      for (const [, pack] of come) assert.equal(pack.buffer.byteLength, pack.length);
    }),
    RUNS,
  );
});

test('[R197] a pack that is empty, longer than any pack is, or numbered back ends the reading, and says which it was', () => {
  const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
    [packHead(1, 0), /pack 1 has 0 bytes/],
    [packHead(1, 1024 * 1024 + 1025), /pack 1 has 1049601 bytes; 1 to 1049600 are taken/],
    [packHead(0, 5), /pack 0 comes behind pack 0/],
    [Buffer.concat([framed([3, 3]), packHead(2, 3)]), /pack 2 comes behind pack 2/],
  ];
  for (const [bytes, message] of wrong) {
    const reader = new PackReader(() => undefined);
    assert.throws(
      () => reader.push(bytes),
      (error) => error instanceof MalformedBytesError && message.test(error.message),
    );
  }
});
