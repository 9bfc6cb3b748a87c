import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrendBuffer } from './trend-buffer.ts';

const read = (buffer: TrendBuffer) => buffer.window().map((column) => [...column]);

test('a trend keeps the last readings in the order of time, however often it went round', () => {
  const buffer = new TrendBuffer(4);
  assert.deepEqual(read(buffer), [[], []]);
  for (let n = 1; n <= 3; n++) buffer.push(n, n * 10);
  assert.deepEqual(read(buffer), [
    [1, 2, 3],
    [10, 20, 30],
  ]);
  for (let n = 4; n <= 10; n++) buffer.push(n, n * 10);
  assert.deepEqual(read(buffer), [
    [7, 8, 9, 10],
    [70, 80, 90, 100],
  ]);
});

test('the same reading told twice is one reading, and an older one is none', () => {
  const buffer = new TrendBuffer(4);
  assert.equal(buffer.push(2, 1), true);
  assert.equal(buffer.push(2, 1), false);
  assert.equal(buffer.push(1, 5), false);
  assert.equal(buffer.push(3, Number.NaN), true, 'that there was none is a reading too');
  assert.equal(buffer.count, 2);
});
