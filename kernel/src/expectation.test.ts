import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences } from './expectation.ts';

const expectation = {
  dueUs: 1,
  quantities: [
    { name: 'xM', value: 2, tolerance: 0.5 },
    { name: 'yM', value: -1, tolerance: 0 },
  ],
};

test('[K50] within tolerance, its edge included, is as expected', () => {
  assert.deepEqual(differences(expectation, { xM: 2.5, yM: -1 }), []);
  assert.deepEqual(differences(expectation, { xM: 1.5, yM: -1 }), []);
});

test('[K50] what differs is named with what was seen, in the order of the expectation', () => {
  const found = differences(expectation, { yM: 1, xM: 2.6 });
  assert.deepEqual(
    found.map(({ quantity, observed }) => [quantity.name, observed]),
    [
      ['xM', 2.6],
      ['yM', 1],
    ],
  );
});

test('[K50] a missing or NaN observation differs', () => {
  assert.equal(differences(expectation, { yM: -1 }).length, 1);
  assert.equal(differences(expectation, { xM: Number.NaN, yM: -1 }).length, 1);
});
