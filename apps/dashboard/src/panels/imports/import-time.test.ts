import assert from 'node:assert/strict';
import { test } from 'node:test';
import { around, lasting, moved, parseShift, shiftText, shiftWords, ticks, xOf, zoomed } from './import-time.ts';
import { fieldsOf, lineOf } from './value-words.ts';

const S = 1_000_000;
const DAY = { fromUs: 1_000 * S, toUs: 1_100 * S };

test('zooming keeps the moment under the pointer where it is, within bounds', () => {
  const near = zoomed(DAY, 1_025 * S, 0.5);
  assert.equal(xOf(near, 1_025 * S, 400), xOf(DAY, 1_025 * S, 400));
  assert.equal(near.toUs - near.fromUs, 50 * S);
  assert.equal(zoomed(DAY, 1_050 * S, 1e-9).toUs - zoomed(DAY, 1_050 * S, 1e-9).fromUs, 20_000);
  assert.deepEqual(moved(DAY, 5 * S), { fromUs: 1_005 * S, toUs: 1_105 * S });
  assert.deepEqual(moved(DAY, -2_000 * S), { fromUs: 0, toUs: 100 * S });
  assert.ok(around({ fromUs: 5 * S, toUs: 5 * S }).toUs > 5 * S, 'a single event has room, too');
});

test('marks of the axis are round and leave room for their words', () => {
  for (const spanS of [0.05, 3, 100, 86_400, 86_400 * 400]) {
    const stretch = { fromUs: 1_700_000_000 * S, toUs: (1_700_000_000 + spanS) * S };
    const found = ticks(stretch, 900);
    assert.ok(found.length >= 1 && found.length <= 10, `${found.length} marks in ${spanS} s`);
    assert.equal(new Set(found.map(({ label }) => label)).size, found.length, 'no two say the same');
  }
});

test('a shift is typed and told as people do', () => {
  assert.deepEqual(['3.2', '+3,2', '-0:05', '−5', '26:00:00.5', '0', '-0'].map(parseShift), [
    3.2 * S,
    3.2 * S,
    -5 * S,
    -5 * S,
    93_600.5 * S,
    0,
    0,
  ]);
  for (const none of ['', 'soon', '1e9', '--1', '1:2:3:4', '99999999999999']) assert.equal(parseShift(none), null);
  assert.equal(parseShift(shiftText(-12_345_000)), -12_345_000);
  assert.equal(shiftWords(0), 'as they stand in the file');
  assert.equal(shiftWords(-93_784_200_000), '1 d 2 h 3 min 4.2 s earlier than in the file');
  assert.equal(lasting(0), '0 s');
});

test('a value is told field by field, whatever it is', () => {
  const pose = '{"timestamp":"x","frame_id":"map","pose":{"position":{"x":4.123456789,"y":2}},"tags":["a","b"]}';
  assert.equal(lineOf(pose), 'pose.position.x 4.123457 · pose.position.y 2 · tags a, b');
  assert.equal(lineOf('{"n":1'), '{"n":1', 'what was cut is told as it stands');
  assert.equal(lineOf('{"timestamp":"x"}'), 'timestamp x');
  const { fields, more } = fieldsOf({ a: Array.from({ length: 50 }, () => ({ b: 1 })) }, 10);
  assert.deepEqual([fields.length, more], [10, true]);
  assert.deepEqual(fieldsOf([], 5).fields, [{ path: '', text: 'none' }]);
});
