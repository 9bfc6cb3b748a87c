import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as math from './index.ts';
import {
  acos,
  asin,
  atan,
  atan2,
  cos,
  doubleOfHex,
  drawUnit,
  exp,
  hexOfDouble,
  hypot,
  log,
  pow,
  sin,
  tan,
} from './index.ts';

/*
 * The reference below knows nothing of the code under test: fixed-point numbers
 * in BigInt with BITS fractional bits and Taylor series, good to some 90 digits.
 */
const BITS = 320n;
const ONE = 1n << BITS;

function fixed(x: number): bigint {
  const exponent = Math.max(((viewOf(x).getUint32(0) >>> 20) & 0x7ff) - 1075, -1074);
  const mantissa = BigInt(x * 2 ** -(exponent >> 1) * 2 ** -(exponent - (exponent >> 1)));
  const shift = BITS + BigInt(exponent);
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
}

function viewOf(x: number): DataView {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view;
}

const times = (a: bigint, b: bigint): bigint => (a * b) >> BITS;
const over = (a: bigint, b: bigint): bigint => (a << BITS) / b;

/** Distance of `got` from the true value, in units of the last place of `got`. */
function ulps(got: number, truth: bigint): number {
  const exponent = Math.max((viewOf(got).getUint32(0) >>> 20) & 0x7ff, 1) - 1075;
  const error = fixed(got) - truth;
  // 40 more bits keep the fraction of an ulp through the conversion to a double
  const scaled = (error << 40n) >> (BITS + BigInt(exponent));
  return Math.abs(Number(scaled)) / 2 ** 40;
}

function arctanOfInverse(n: bigint): bigint {
  let sum = 0n;
  let term = ONE / n;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? term / k : -(term / k);
    term /= n * n;
  }
  return sum;
}

const PI = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n));

function trueSinCos(x: bigint): [bigint, bigint] {
  const turns = x / (2n * PI);
  const r = x - turns * 2n * PI;
  let sine = 0n;
  let cosine = 0n;
  let term = ONE;
  for (let k = 1n; term !== 0n; k++) {
    if (k % 2n === 1n) cosine += k % 4n === 1n ? term : -term;
    else sine += k % 4n === 2n ? term : -term;
    term = times(term, r) / k;
  }
  return [sine, cosine];
}

function trueExp(x: bigint): bigint {
  const halvings = 12n;
  let sum = 0n;
  let term = ONE;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = times(term, x >> halvings) / k;
  }
  for (let i = 0n; i < halvings; i++) sum = times(sum, sum);
  return sum;
}

/** Halley's iteration from a guess that is good to 15 digits: two steps reach 130. */
function trueLog(x: bigint, guess: number): bigint {
  let y = fixed(guess);
  for (let i = 0; i < 2; i++) {
    const e = trueExp(y);
    y += over(2n * (x - e), x + e);
  }
  return y;
}

function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** Seeded numbers in (-1, 1). */
const seeded = (stream: number) => {
  let n = 0;
  return () => 2 * drawUnit(1993, stream, 0, 0, n++) - 1;
};

function worst(samples: number, once: () => number): number {
  let most = 0;
  for (let i = 0; i < samples; i++) most = Math.max(most, once());
  return most;
}

test('[L2] sin, cos and tan stay below 1 ulp of the true value, from tiny angles to the largest double', () => {
  const random = seeded(1);
  const scales = [1e-5, 0.8, 3, 100, 1e4, 1e6, 1.7e6, 1e9, 1e15, 1e30, 1e75];
  for (const scale of scales) {
    const most = worst(60, () => {
      const x = random() * scale;
      const [sine, cosine] = trueSinCos(fixed(x));
      return Math.max(ulps(sin(x), sine), ulps(cos(x), cosine), ulps(tan(x), over(sine, cosine)));
    });
    assert.ok(most < 1, `${most} ulp for |x| < ${scale}`);
  }
});

test('[L2] next to multiples of pi/2, where nearly all leading bits cancel, they are as good', () => {
  const random = seeded(2);
  const most = worst(400, () => {
    const x = Math.round(random() * 1e6) * (Math.PI / 2);
    if (x === 0) return 0;
    const [sine, cosine] = trueSinCos(fixed(x));
    return Math.max(ulps(sin(x), sine), ulps(cos(x), cosine), ulps(tan(x), over(sine, cosine)));
  });
  assert.ok(most < 1, `${most} ulp`);
  // the double nearest to a multiple of pi/2 of all (Muller), and the published sine of 10^22
  assert.equal(cos(5.319372648326541e255), -4.6871659242546277e-19);
  assert.equal(sin(1e22), -0.8522008497671888);
});

test('[L2] the two ways of reducing an angle agree where one takes over from the other', () => {
  for (let i = -2000; i < 2000; i++) {
    const x = math.REDUCTION_FAST_LIMIT + i * 0.001;
    const [sine] = trueSinCos(fixed(x));
    assert.ok(ulps(sin(x), sine) < 1, `sin(${x})`);
    if (i % 20 !== 0) i += 19;
  }
});

test('[L2] exp, log and pow stay below 1 ulp of the true value', () => {
  const random = seeded(3);
  for (const scale of [1e-6, 1, 40]) {
    const most = worst(150, () => {
      const x = random() * scale;
      return ulps(exp(x), trueExp(fixed(x)));
    });
    assert.ok(most < 1, `exp: ${most} ulp for |x| < ${scale}`);
  }
  for (const [centre, spread] of [
    [1, 1e-7],
    [1, 0.3],
    [50, 50],
  ] as const) {
    const most = worst(60, () => {
      const x = centre + spread * random();
      return ulps(log(x), trueLog(fixed(x), log(x)));
    });
    assert.ok(most < 1, `log: ${most} ulp near ${centre}`);
  }
  const most = worst(150, () => {
    const x = 5 + 5 * random();
    const y = 12 * random();
    return ulps(pow(x, y), trueExp(times(fixed(y), trueLog(fixed(x), log(x)))));
  });
  assert.ok(most < 1, `pow: ${most} ulp`);
  const besideOne = worst(100, () => {
    const x = 1 + 1.5e-7 * random();
    // the sign that makes the power large: tiny ones fall below the resolution of the reference
    const y = (x < 1 ? -1 : 1) * (2.2e9 + 1e9 * Math.abs(random()));
    return ulps(pow(x, y), trueExp(times(fixed(y), trueLog(fixed(x), log(x)))));
  });
  assert.ok(besideOne < 1, `pow beside 1 with a huge exponent: ${besideOne} ulp`);
});

test('[L2] atan, atan2, asin and acos stay below 1 ulp of the true value', () => {
  const random = seeded(4);
  // one Newton step from the answer doubles its digits, which is all the reference needs
  const most = worst(300, () => {
    const y = random();
    const x = random();
    const angle = atan2(y, x);
    const [sine, cosine] = trueSinCos(fixed(angle));
    const length = squareRoot(fixed(x) * fixed(x) + fixed(y) * fixed(y));
    const atan2Error = ulps(angle, fixed(angle) + over(times(fixed(y), cosine) - times(fixed(x), sine), length));

    const t = random() * 4;
    const [sineT, cosineT] = trueSinCos(fixed(atan(t)));
    const atanError = ulps(atan(t), fixed(atan(t)) + times(times(fixed(t), cosineT) - sineT, cosineT));

    const [sineA, cosineA] = trueSinCos(fixed(asin(x)));
    const asinError = ulps(asin(x), fixed(asin(x)) + over(fixed(x) - sineA, cosineA));
    const [sineB, cosineB] = trueSinCos(fixed(acos(x)));
    const acosError = ulps(acos(x), fixed(acos(x)) + over(cosineB - fixed(x), sineB));
    return Math.max(atan2Error, atanError, asinError, acosError);
  });
  assert.ok(most < 1, `${most} ulp`);
  for (const x of [5e-324, -5e-324, 1e-200, -1e-200]) assert.equal(atan2(1, x), Math.PI / 2);
});

test('[L2] hypot is the nearest double or the one beside it by a hair, for two and three sides and at any size', () => {
  const random = seeded(5);
  for (const size of [1, 2 ** 60, 2 ** -60]) {
    const most = worst(2000, () => {
      const x = random() * size;
      const y = random() * size;
      const z = random() * size;
      const xy = fixed(x) * fixed(x) + fixed(y) * fixed(y);
      return Math.max(ulps(hypot(x, y), squareRoot(xy)), ulps(hypot(x, y, z), squareRoot(xy + fixed(z) * fixed(z))));
    });
    assert.ok(most < 0.51, `${most} ulp at size ${size}`);
  }
  for (const power of [-1074, -1000, -600, -401, -399, 0, 509, 511, 1020]) {
    const unit = pow(2, power);
    assert.equal(hypot(3 * unit, 4 * unit), 5 * unit, `3-4-5 at 2^${power}`);
    assert.equal(hypot(2 * unit, 3 * unit, -6 * unit), 7 * unit, `2-3-6-7 at 2^${power}`);
  }
  assert.equal(hypot(Number.MAX_VALUE, Number.MAX_VALUE), Infinity);
  assert.equal(hypot(Number.MAX_VALUE, 1), Number.MAX_VALUE);
});

const CORNERS = [
  0,
  5e-324,
  2.2250738585072014e-308,
  0.5,
  1,
  1.5,
  2,
  3,
  4,
  1023,
  9007199254740991,
  9007199254740992,
  1e22,
  1e300,
  Number.MAX_VALUE,
  Infinity,
].flatMap((x) => [x, -x]);
CORNERS.push(NaN);

test('zeros, infinities, NaN and subnormals are treated as ECMAScript treats them', () => {
  const exact = (x: number): boolean => !Number.isFinite(x) || x === 0;
  const same = (name: string, got: number, want: number): void => {
    if (exact(want) || exact(got)) assert.ok(Object.is(got, want), `${name} = ${got}, not ${want}`);
    else assert.ok(Math.abs(got - want) <= 2 ** -52 * Math.abs(want), `${name} = ${got}, not ${want}`);
  };
  const ours = { sin, cos, tan, atan, asin, acos, exp, log, atan2, pow, hypot };
  for (const x of CORNERS) {
    for (const name of ['sin', 'cos', 'tan', 'atan', 'asin', 'acos', 'exp', 'log'] as const) {
      same(`${name}(${x})`, ours[name](x), Math[name](x));
    }
    for (const y of CORNERS) {
      for (const name of ['atan2', 'pow', 'hypot'] as const) {
        same(`${name}(${x}, ${y})`, ours[name](x, y), Math[name](x, y));
      }
    }
  }
});

test('dense samples stay within one step of the Math of this engine', () => {
  const random = seeded(6);
  const step = (got: number, want: number): number =>
    Object.is(got, want) ? 0 : Math.abs(Number(viewOf(got).getBigInt64(0) - viewOf(want).getBigInt64(0)));
  for (let i = 0; i < 20_000; i++) {
    const x = random();
    const y = random();
    const pairs: [string, number, number][] = [
      ['sin', sin(x * 1e6), Math.sin(x * 1e6)],
      ['cos', cos(x * 1e6), Math.cos(x * 1e6)],
      ['tan', tan(x * 10), Math.tan(x * 10)],
      ['atan', atan(x * 5), Math.atan(x * 5)],

      ['asin', asin(x), Math.asin(x)],
      ['acos', acos(x), Math.acos(x)],
      ['exp', exp(x * 745), Math.exp(x * 745)],
      ['log', log(Math.abs(x) * 10), Math.log(Math.abs(x) * 10)],
      ['pow', pow(Math.abs(x) * 10, y * 300), (Math.abs(x) * 10) ** (y * 300)],
    ];
    for (const [name, got, want] of pairs) {
      assert.ok(step(got, want) <= 1, `${name} at sample ${i}: ${got} beside ${want}`);
    }
  }
});

test('[L2] pow of integers is exact whenever a double can hold the answer', () => {
  for (let base = -12; base <= 12; base++) {
    for (let power = 0n; power <= 14n; power++) {
      const truth = BigInt(base) ** power;
      if (truth <= 2n ** 53n && truth >= -(2n ** 53n)) {
        assert.ok(Object.is(pow(base, Number(power)), Number(truth)), `${base}^${power}`);
      }
    }
  }
});

test('[L2] every golden vector still gives its bits', () => {
  const golden = JSON.parse(readFileSync(new URL('./golden.json', import.meta.url), 'utf8')) as Record<
    string,
    string[]
  >;
  const functions = new Map(Object.entries(math)) as Map<string, unknown>;
  for (const [name, rows] of Object.entries(golden)) {
    assert.ok(rows.length >= 200, name);
    const call = functions.get(name) as (...given: number[]) => number;
    for (const row of rows) {
      const hex = row.split(' ');
      const want = hex.pop();
      assert.equal(hexOfDouble(call(...hex.map(doubleOfHex))), want, `${name}(${hex.join(', ')})`);
    }
  }
});

test('[L2] the digest of the whole folder is the one of the first release', () => {
  assert.equal(math.mathDigest(), '51a0431517ce7a4783336daa04ec34fa');
});
