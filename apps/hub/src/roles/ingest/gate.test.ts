import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ChannelSchemaSchema, type TelemetryFrame, TelemetryFrameSchema } from '@sigma/proto';
import fc from 'fast-check';
import { STATE_SCHEMA, TRACKS_SCHEMA } from '../../../testing/fake-edge.ts';
import { Gate } from './gate.ts';

const NOW_US = 1_700_000_000_000_000;
const GOOD = [1, 2, 0, 0.5, 0.9, 40];

function open(): Gate {
  const gate = new Gate();
  gate.know('r1', [create(ChannelSchemaSchema, STATE_SCHEMA), create(ChannelSchemaSchema, TRACKS_SCHEMA)]);
  return gate;
}
const frame = (over: Partial<Omit<TelemetryFrame, '$typeName' | '$unknown'>> = {}): TelemetryFrame =>
  create(TelemetryFrameSchema, {
    agentId: 'r1',
    channel: 'state',
    sequence: 1n,
    timeUs: BigInt(NOW_US),
    values: GOOD,
    epoch: 1,
    ...over,
  });
const said = (gate: Gate, over: Parameters<typeof frame>[0]): string => {
  const verdict = gate.admit(frame(over), NOW_US);
  return verdict.admitted ? `admitted, ${verdict.missing} missing` : verdict.reason;
};

test('a frame that came before, out of order or from an ended epoch is refused; a new epoch begins anew', () => {
  const gate = open();
  assert.equal(said(gate, { sequence: 5n }), 'admitted, 0 missing');
  assert.equal(said(gate, { sequence: 5n }), 'duplicate');
  assert.equal(said(gate, { sequence: 4n }), 'out_of_order');
  assert.equal(said(gate, { sequence: 6n, timeUs: BigInt(NOW_US - 1) }), 'out_of_order');
  assert.equal(said(gate, { sequence: 1n, epoch: 2 }), 'admitted, 0 missing');
  assert.equal(said(gate, { sequence: 9n, epoch: 1 }), 'old_epoch');
});

test('a refused frame moves nothing: the right one may still come with its number', () => {
  const gate = open();
  assert.equal(said(gate, { sequence: 5n, values: [1, 2] }), 'wrong_length');
  assert.equal(said(gate, { sequence: 5n }), 'admitted, 0 missing');
});

test('no reading is NaN and counted; infinity and the impossible are refused', () => {
  const gate = open();
  assert.equal(said(gate, { values: [Number.NaN, 2, 0, 0.5, 0.9, Number.NaN] }), 'admitted, 2 missing');
  assert.equal(said(gate, { sequence: 2n, values: [Number.NEGATIVE_INFINITY, 2, 0, 0.5, 0.9, 40] }), 'not_a_number');
  assert.equal(said(gate, { sequence: 2n, values: [1, 2, 0, 0.5, 0.9, -273.16] }), 'out_of_range');
  assert.equal(said(gate, { sequence: 2n, values: [1, 2, 0, 0.5, 0.9, -273.15] }), 'admitted, 0 missing');
});

test('a unit that nobody knows needs finite readings, whatever it is called', () => {
  for (const unit of ['lux', 'constructor', '__proto__']) {
    const gate = new Gate();
    gate.know('r1', [create(ChannelSchemaSchema, { channel: 'state', fields: [{ name: 'x', unit }] })]);
    assert.equal(said(gate, { values: [-1e300] }), 'admitted, 0 missing');
    assert.equal(said(gate, { sequence: 2n, values: [Number.POSITIVE_INFINITY] }), 'not_a_number');
  }
});

test('five seconds ahead is tolerated, a microsecond more is the future', () => {
  assert.equal(said(open(), { timeUs: BigInt(NOW_US + 5_000_000) }), 'admitted, 0 missing');
  assert.equal(said(open(), { timeUs: BigInt(NOW_US + 5_000_001) }), 'future');
});

test('a list channel carries whole rows, none or many', () => {
  for (const [rows, verdict] of [
    [0, 'admitted, 0 missing'],
    [3, 'admitted, 0 missing'],
  ] as const) {
    assert.equal(said(open(), { channel: 'tracks', values: new Array(rows * 4).fill(1) }), verdict);
  }
  assert.equal(said(open(), { channel: 'tracks', values: [1, 2, 3] }), 'wrong_length');
});

test('whatever arrives, the gate answers and never throws; what it admits is finite or marked', () => {
  const any = fc.record({
    agentId: fc.constantFrom('r1', 'r2', ''),
    channel: fc.constantFrom('state', 'tracks', '__proto__'),
    sequence: fc.bigInt({ min: 0n, max: 1n << 63n }),
    timeUs: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    epoch: fc.integer({ min: 0, max: 3 }),
    values: fc.array(fc.double(), { maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 20 }), (frames) => {
      const gate = open();
      for (const over of frames) {
        const verdict = gate.admit(frame(over), NOW_US);
        if (!verdict.admitted) continue;
        assert.equal(verdict.missing, over.values.filter(Number.isNaN).length);
        assert.ok(over.values.every((value) => Number.isNaN(value) || Number.isFinite(value)));
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
