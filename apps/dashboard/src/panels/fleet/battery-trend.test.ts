import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatteryTrends, SAMPLE_MS } from './battery-trend.ts';

const PER_SAMPLE = SAMPLE_MS / 3_600_000;

test('the charge of each robot has its own trend, and none before there is enough of it', () => {
  const trends = new BatteryTrends();
  for (let n = 0; n < 20; n++) {
    trends.sample(['r1', 'r2', 'r3'], Float32Array.of(0.9 - 0.2 * PER_SAMPLE * n, 0.3 + 0.5 * PER_SAMPLE * n, 0.5));
    if (n === 2) assert.equal(trends.of('r1').word, 'unknown');
  }
  assert.equal(trends.of('r1').word, 'emptying');
  assert.ok(Math.abs(trends.of('r1').perHour + 0.2) < 0.01, `${trends.of('r1').perHour}`);
  assert.equal(trends.of('r2').word, 'charging');
  assert.equal(trends.of('r3').word, 'steady');
  assert.equal(trends.of('nobody').word, 'unknown');
});

test('a robot that joins late, or is silent for a while, is not mixed up with another', () => {
  const trends = new BatteryTrends();
  for (let n = 0; n < 10; n++) trends.sample(['r1'], Float32Array.of(0.8));
  for (let n = 0; n < 200; n++)
    trends.sample(['r9', 'r1'], Float32Array.of(0.2 + PER_SAMPLE * n, n % 2 ? Number.NaN : 0.8));
  assert.equal(trends.of('r9').word, 'charging');
  assert.equal(trends.of('r1').word, 'steady');
});
