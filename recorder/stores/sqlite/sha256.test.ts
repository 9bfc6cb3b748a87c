import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hexOfBytes } from '../../src/index.ts';
import { sha256 } from './sqlite-store.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('the digests are those of FIPS 180-4, examples B.1 and B.2, and of nothing at all', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const one = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const two = '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1';
  assert.equal(hexOfBytes(sha256(new Uint8Array())), empty);
  assert.equal(hexOfBytes(sha256(bytesOf('abc'))), one);
  assert.equal(hexOfBytes(sha256(bytesOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))), two);
});

test('every byte of a digest comes through, whatever its value, and each digest stands in 32 bytes of its own', () => {
  const seen = new Set<number>();
  for (let length = 0; length < 300; length++) {
    const input = new Uint8Array(length).fill(length);
    const digest = sha256(input);
    assert.deepEqual(digest, new Uint8Array(createHash('sha256').update(input).digest()));
    assert.equal(digest.buffer.byteLength, 32);
    for (const byte of digest) seen.add(byte);
  }
  assert.equal(seen.size, 256);
});

test('a view into a greater buffer is hashed as what it shows, and no more', () => {
  const whole = Uint8Array.from({ length: 200 }, (_, i) => i);
  assert.deepEqual(sha256(whole.subarray(50, 90)), sha256(whole.slice(50, 90)));
});
