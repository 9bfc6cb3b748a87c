import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { TelemetryFrameSchema } from '@sigma/proto';
import type { Uplink, UplinkClass } from '../runtime/uplink.ts';
import { UplinkQueue } from './uplink-queue.ts';

const frame = (kind: UplinkClass, sequence: number): Uplink => ({
  class: kind,
  frame: { case: 'telemetry', value: create(TelemetryFrameSchema, { sequence: BigInt(sequence) }) },
});
const numbers = (uplinks: readonly Uplink[]) =>
  uplinks.map(({ class: kind, frame: { value } }) => `${kind[0]}${'sequence' in value ? value.sequence : ''}`);

test('overload sheds the oldest of the class that is too many, never safety, and counts what it shed [L8]', () => {
  const queue = new UplinkQueue({ decision: 2, telemetry: 3 });
  for (let i = 1; i <= 5; i++) {
    for (const kind of ['telemetry', 'decision', 'safety'] as const) queue.push(frame(kind, i));
  }
  assert.deepEqual(queue.shed, { safety: 0, decision: 3, telemetry: 2 });
  assert.deepEqual(numbers(queue.drain()), ['s1', 's2', 's3', 's4', 's5', 'd4', 'd5', 't3', 't4', 't5']);
  assert.equal(queue.size, 0);
});

test('frames that did not arrive go first when they are put back', () => {
  const queue = new UplinkQueue();
  queue.push(frame('decision', 3));
  queue.putBack([frame('decision', 1), frame('safety', 7), frame('decision', 2)]);
  assert.deepEqual(numbers(queue.drain()), ['s7', 'd1', 'd2', 'd3']);
});
