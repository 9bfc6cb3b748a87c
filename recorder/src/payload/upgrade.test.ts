import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upgradeBetween } from './upgrade.ts';

const before = { software: 'edge 1.0.0', model: 'fleet', modelVersion: 2, flags: [3, 1], policyHash: 'aa' };

test('[R15] an upgrade names each thing that changed, and nothing when nothing did', () => {
  assert.equal(upgradeBetween(before, { ...before, flags: [1, 3] }), null);
  assert.deepEqual(upgradeBetween(before, { ...before, software: 'edge 1.1.0', flags: [1, 3, 10] }), {
    software: { from: 'edge 1.0.0', to: 'edge 1.1.0' },
    flags: { from: '1,3', to: '1,3,10' },
  });
  assert.deepEqual(upgradeBetween(before, { ...before, policyHash: 'bb', model: 'cart', modelVersion: 1 }), {
    model: { from: 'fleet', to: 'cart' },
    modelVersion: { from: 2, to: 1 },
    policyHash: { from: 'aa', to: 'bb' },
  });
});
