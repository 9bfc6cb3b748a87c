import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolute, beside, relative } from './line.ts';

test('a figure passes at its target, on the side that the target names', () => {
  assert.equal(absolute('a', 10, 'x', '>=', 10).pass, true);
  assert.equal(absolute('a', 9.99, 'x', '>=', 10).pass, false);
  assert.equal(absolute('a', 50, 'ms', '<=', 50).pass, true);
  assert.equal(absolute('a', 50.1, 'ms', '<=', 50).pass, false);
});

test('a ratio is judged before it is rounded for people', () => {
  assert.equal(relative('a', 49_999, '1/s', 'bare', 100_000, '>=', 0.5).pass, false);
  assert.equal(relative('a', 50_000, '1/s', 'bare', 100_000, '>=', 0.5).ratio, 0.5);
});

test('a peer is shown beside a figure and changes no verdict', () => {
  const line = beside(absolute('a', 12, 'x', '>=', 10), 'peer', 3);
  assert.deepEqual([line.peer, line.peerValue, line.ratio, line.pass], ['peer', 3, 4, true]);
});
