import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from './merge-patch.ts';

test('a patch names what changed, what came and, as null, what went (RFC 7386)', () => {
  assert.deepEqual(mergePatch({ a: 1, b: { c: 2, d: 3 }, e: [1] }, { a: 1, b: { c: 4 }, e: [1, 2], f: 'new' }), {
    b: { c: 4, d: null },
    e: [1, 2],
    f: 'new',
  });
  assert.deepEqual(mergePatch({ a: 1 }, { a: 1 }), {});
  assert.deepEqual(mergePatch(null, { a: 1 }), { a: 1 });
  assert.equal(mergePatch({ a: 1 }, null), null);
});
