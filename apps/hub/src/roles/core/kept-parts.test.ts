import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeParts, KeptParts } from './kept-parts.ts';

const parts = (record: Record<string, unknown>): ReadonlyMap<string, unknown> => new Map(Object.entries(record));

test('the first time everything is written, later only what reads otherwise, and what is gone is dropped', () => {
  const kept = new KeptParts();
  const mission = { id: 'm1' };
  const first = kept.take(parts({ mission, r1: { x: 1 }, r2: { x: 2 } }));
  assert.deepEqual([first.whole, [...first.put.keys()], first.drop], [true, ['mission', 'r1', 'r2'], []]);
  const second = kept.take(parts({ mission, r1: { x: 1 }, r2: { x: 3 }, r3: { x: -0 } }));
  assert.deepEqual([second.whole, [...second.put.keys()], second.drop], [false, ['r2', 'r3'], []]);
  const third = kept.take(parts({ mission, r3: { x: -0 } }));
  assert.deepEqual([third.whole, third.put.size, third.drop], [false, 0, ['r1', 'r2']]);
  assert.ok(Object.is((decodeParts(second.put).get('r3') as { x: number }).x, -0));
});

test('a part that is the same object is not looked into again', () => {
  const kept = new KeptParts();
  let looks = 0;
  const part = {
    get x() {
      looks++;
      return 1;
    },
  };
  kept.take(parts({ part }));
  kept.take(parts({ part }));
  assert.equal(looks, 1);
});

test('[L3] after a save that failed everything is written again', () => {
  const kept = new KeptParts();
  const state = parts({ a: { x: 1 }, b: { x: 2 } });
  kept.take(state);
  kept.forget();
  const again = kept.take(state);
  assert.deepEqual([again.whole, again.put.size], [true, 2]);
});
