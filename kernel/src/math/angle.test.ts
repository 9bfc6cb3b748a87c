import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  angleDifference,
  cos,
  degrees,
  PI,
  quantize,
  radians,
  roundHalfAway,
  sin,
  stepsOf,
  TAU,
  wrapAngle,
} from './index.ts';

const angle = fc.double({ min: -1e6, max: 1e6, noNaN: true });

test('a wrapped angle lies in (-pi, pi], points the same way, and is not wrapped again', () => {
  fc.assert(
    fc.property(angle, (a) => {
      const w = wrapAngle(a);
      assert.ok(w > -PI && w <= PI, `${a} became ${w}`);
      assert.equal(wrapAngle(w), w);
      // TAU is 2.4e-16 short of a turn, and a million radians are 160,000 turns
      assert.ok(Math.abs(sin(w) - sin(a)) < 1e-10 && Math.abs(cos(w) - cos(a)) < 1e-10);
    }),
    { seed: 21, numRuns: 2000 },
  );
});

test('wrapping is exact at its edges: pi stays, -pi becomes pi, whole turns become zero', () => {
  assert.equal(wrapAngle(PI), PI);
  assert.equal(wrapAngle(-PI), PI);
  assert.equal(wrapAngle(-PI + 2 ** -51), -PI + 2 ** -51);
  assert.equal(wrapAngle(PI + 2 ** -51), -PI + 2 ** -51);
  assert.equal(wrapAngle(3 * PI), PI);
  for (const turns of [1, -1, 2, 1024, -(2 ** 40)]) assert.equal(Math.abs(wrapAngle(turns * TAU)), 0);
  for (const x of [NaN, Infinity, -Infinity]) assert.ok(Number.isNaN(wrapAngle(x)));
  const huge = wrapAngle(Number.MAX_VALUE);
  assert.ok(huge > -PI && huge <= PI);
});

test('the difference of two headings is the shortest turn from one to the other', () => {
  assert.equal(angleDifference(0.25, 0.5), -0.25);
  assert.ok(Math.abs(angleDifference(radians(-170), radians(170)) - radians(20)) < 1e-15);
  assert.equal(angleDifference(0, PI), PI);
  assert.ok(Number.isNaN(angleDifference(Infinity, 1)));
  fc.assert(
    fc.property(angle, angle, (to, from) => {
      const turn = angleDifference(to, from);
      assert.ok(turn > -PI && turn <= PI);
      assert.ok(Math.abs(wrapAngle(wrapAngle(from) + turn - wrapAngle(to))) < 1e-14);
    }),
    { seed: 22, numRuns: 1000 },
  );
});

test('degrees and radians go over into each other', () => {
  assert.equal(radians(180), PI);
  assert.equal(degrees(PI), 180);
  assert.equal(degrees(radians(90)), 90);
});

test('rounding takes halves away from zero, on both sides alike, and is not fooled next to a half', () => {
  for (const [x, want] of [
    [2.5, 3],
    [-2.5, -3],
    [0.5, 1],
    [-0.5, -1],
    [0.49999999999999994, 0],
    [-0.4, -0],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [9007199254740991, 9007199254740991],
    [Infinity, Infinity],
    [NaN, NaN],
    [-0, -0],
  ] as const) {
    assert.ok(Object.is(roundHalfAway(x), want), `${x} became ${roundHalfAway(x)}`);
  }
});

test('a quantized number lies on the grid, half a step away at most, mirrored at zero and settled', () => {
  const step = fc.constantFrom(0.001, 0.1, 0.25, 1, 7, 1e-6);
  fc.assert(
    fc.property(angle, step, (x, s) => {
      const q = quantize(x, s);
      assert.equal(q, stepsOf(x, s) * s);
      assert.ok(Math.abs(q - x) <= (s / 2) * (1 + 1e-6) + 1e-9 * Math.abs(x));
      assert.ok(Object.is(quantize(-x, s), -q));
      assert.equal(quantize(q, s), q);
    }),
    { seed: 23, numRuns: 2000 },
  );
  assert.equal(quantize(Number.MAX_VALUE, 0.001), Number.MAX_VALUE);
  for (const s of [0, -1, NaN, Infinity]) assert.throws(() => quantize(1, s), /finite and above 0/);
});
