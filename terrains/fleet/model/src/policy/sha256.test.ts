import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256Hex } from './sha256.ts';

const byNode = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

test('[F64] SHA-256 says what FIPS 180-4 says, at every length around a block', () => {
  assert.equal(sha256Hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (let length = 0; length < 200; length++)
    assert.equal(sha256Hex('x'.repeat(length)), byNode('x'.repeat(length)), `${length}`);
});

test('[F64] and for any text, emoji and lone surrogates too', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => assert.equal(sha256Hex(text), byNode(text))),
    { seed: 3, numRuns: 300 },
  );
  assert.equal(sha256Hex('a\ud800b'), byNode('a\ufffdb'));
});
