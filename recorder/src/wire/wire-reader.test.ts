import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedBytesError, WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** int64 as protobuf's specification has it: two's complement, seven bits a byte, the lowest first. */
function encoded(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Uint8Array.from(bytes);
  }
}

const CORNERS = [0, 1, 127, 128, 2 ** 49 - 1, 2 ** 49, 1_700_000_000_000_000, 2 ** 53 - 1, -1, -(2 ** 53 - 1)];

test('[R152] a wall time is read exactly, early or late, before 1970 or far in the future', () => {
  const exact = (value: number): void => {
    const reader = new WireReader(Uint8Array.from([...encoded(BigInt(value)), 5]));
    assert.equal(reader.signed(), value);
    assert.equal(reader.varint(), 5, 'and what follows stands where it stood');
  };
  for (const value of CORNERS) exact(value);
  fc.assert(fc.property(fc.maxSafeInteger(), exact), { seed: 7, numRuns: 500 });
});

test('[R152] what the writer writes the reader reads', () => {
  for (const value of CORNERS) {
    const wire = new WireWriter(64);
    wire.int(1, value);
    const reader = new WireReader(wire.take());
    if (value === 0) assert.ok(reader.done, 'an absent number is 0');
    else assert.deepEqual([reader.varint(), reader.signed()], [0x08, value]);
  }
});

test('[R152] a number that is cut short is an error, and not a smaller number', () => {
  for (const value of CORNERS) {
    const whole = encoded(BigInt(value));
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => new WireReader(whole, 0, length).signed(), MalformedBytesError);
    }
  }
});

test('[R5] whole numbers up to 2^53 - 1 are written and read exactly, and a greater one is refused, not rounded', () => {
  for (const value of [...CORNERS.filter((corner) => corner >= 0), 2 ** 52 - 1, 2 ** 53 - 2]) {
    const wire = new WireWriter(64);
    wire.varint(value);
    assert.equal(new WireReader(wire.take()).varint(), value);
  }
  const least = 2n ** 53n;
  for (const value of [least, least + 1n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.throws(() => new WireReader(encoded(value)).varint(), MalformedBytesError, `${value}`);
  }
});
