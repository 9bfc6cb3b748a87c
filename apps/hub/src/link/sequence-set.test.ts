import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SequenceSet } from './sequence-set.ts';

test('[L3] in whatever order numbers come and come again, each is new exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 60n }), { maxLength: 200 }), (numbers) => {
      const runs = new SequenceSet();
      const known = new Set<bigint>();
      for (const n of numbers) {
        assert.equal(runs.add(n), !known.has(n), `${n} of ${numbers.join(' ')}`);
        known.add(n);
      }
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('with too many holes only the oldest is given up; what is newer stays exact', () => {
  const runs = new SequenceSet(3);
  for (const n of [1n, 3n, 5n, 7n]) assert.ok(runs.add(n));
  assert.equal(runs.add(2n), false, 'the hole given up');
  assert.ok(runs.add(4n));
  assert.ok(runs.add(6n));
  assert.equal(runs.add(6n), false);
});
