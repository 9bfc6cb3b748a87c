import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentKey, draw, drawInt, drawNormal, drawUnit, normalQuantile, philox4x32, purpose, unit } from './index.ts';

test('[L12] the generator is Philox4x32-10: the three known-answer vectors of Random123', () => {
  const hex = (words: readonly number[]): string => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
  const all = 0xffffffff;
  assert.equal(hex(philox4x32([0, 0], [0, 0, 0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  assert.equal(hex(philox4x32([all, all], [all, all, all, all])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    hex(philox4x32([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('[K8] [L12] a draw is a function of its five arguments, and each of them counts', () => {
  const uint32 = fc.integer({ min: 0, max: 0xffffffff });
  const tick = fc.maxSafeInteger();
  fc.assert(
    fc.property(uint32, uint32, tick, uint32, uint32, (seed, agent, at, why, n) => {
      const word = draw(seed, agent, at, why, n);
      assert.equal(word, philox4x32([seed, agent], [at % 2 ** 32, Math.floor(at / 2 ** 32), why, n])[0]);
      draw(n, why, 5, agent, seed);
      assert.equal(draw(seed, agent, at, why, n), word, 'another draw in between changed it');
      assert.ok(Number.isInteger(word) && word >= 0 && word <= 0xffffffff);
      assert.equal(drawUnit(seed, agent, at, why, n), unit(word));
    }),
    { seed: 11, numRuns: 500 },
  );
  // neighbours in any one argument, a negative tick and a tick beyond 2^32 among them, are all different places
  const words = new Set<number>();
  for (let i = 0; i < 50; i++) {
    for (const [s, a, t, p, n] of [
      [i, 0, 0, 0, 0],
      [0, i + 1, 0, 0, 0],
      [0, 0, i + 1, 0, 0],
      [0, 0, -i - 1, 0, 0],
      [0, 0, (i + 1) * 2 ** 32, 0, 0],
      [0, 0, 0, i + 1, 0],
      [0, 0, 0, 0, i + 1],
    ] as const) {
      words.add(draw(s, a, t, p, n));
    }
  }
  assert.equal(words.size, 350);
});

/** The sum of squared deviations over expectation. Its mean is the number of cells less one, its variance twice that. */
function chiSquare(counts: ArrayLike<number>, total: number): number {
  const expected = total / counts.length;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += ((counts[i] as number) - expected) ** 2 / expected;
  return sum;
}

function tally(counts: Uint32Array, cell: number, by = 1): void {
  counts[cell] = (counts[cell] as number) + by;
}

function assertFair(counts: ArrayLike<number>, total: number, what: string): void {
  const freedom = counts.length - 1;
  const deviations = (chiSquare(counts, total) - freedom) / Math.sqrt(2 * freedom);
  assert.ok(Math.abs(deviations) < 4.5, `${what}: chi-square is ${deviations.toFixed(1)} deviations from its mean`);
}

/** How one walks through the arguments: whichever is counted up, the words must look random. */
const WALKS = {
  seed: (i: number) => draw(i, 1, 2, 3, 4),
  agent: (i: number) => draw(1, i, 2, 3, 4),
  tick: (i: number) => draw(1, 2, i, 3, 4),
  purpose: (i: number) => draw(1, 2, 3, i, 4),
  n: (i: number) => draw(1, 2, 3, 4, i),
  'agent by name': (i: number) => draw(1, agentKey(`robot-${i}`), 3, 4, 0),
};

test('along every argument: each byte is uniform, neighbours are uncorrelated, pairs fill the square', () => {
  const total = 65_536;
  for (const [name, at] of Object.entries(WALKS)) {
    const bytes = [0, 8, 16, 24].map(() => new Uint32Array(256));
    const pairs = new Uint32Array(4096);
    let correlation = 0;
    let previous = at(total);
    for (let i = 0; i < total; i++) {
      const word = at(i);
      for (let b = 0; b < 4; b++) tally(bytes[b] as Uint32Array, (word >>> (8 * b)) & 255);
      tally(pairs, ((previous >>> 26) << 6) | (word >>> 26));
      correlation += (unit(previous) - 0.5) * (unit(word) - 0.5) * 12;
      previous = word;
    }
    bytes.forEach((counts, b) => {
      assertFair(counts, total, `byte ${b} along ${name}`);
    });
    assertFair(pairs, total, `pairs along ${name}`);
    assert.ok(Math.abs(correlation) / Math.sqrt(total) < 4.5, `serial correlation along ${name}`);
  }
});

test('avalanche: one flipped bit of any argument flips each bit of the word in half of all cases', () => {
  const rounds = 600;
  const base = [1, 2, 3, 4, 5] as const;
  for (let argument = 0; argument < 5; argument++) {
    const bits = argument === 2 ? 53 : 32;
    for (let bit = 0; bit < bits; bit++) {
      const flips = new Uint32Array(32);
      for (let round = 0; round < rounds; round++) {
        const from = base.map((b) => draw(9, argument, bit, round, b)) as [number, number, number, number, number];
        if (argument === 2) from[2] += (draw(9, 2, bit, round, 9) % 2 ** 20) * 2 ** 32;
        const to = [...from] as typeof from;
        const weight = 2 ** bit;
        const set = Math.floor((to[argument] as number) / weight) % 2 === 1;
        to[argument] = (to[argument] as number) + (set ? -weight : weight);
        const changed = draw(...from) ^ draw(...to);
        for (let out = 0; out < 32; out++) tally(flips, out, (changed >>> out) & 1);
      }
      for (let out = 0; out < 32; out++) {
        const deviations = ((flips[out] as number) - rounds / 2) / Math.sqrt(rounds / 4);
        assert.ok(Math.abs(deviations) < 5.5, `argument ${argument} bit ${bit} -> ${out}: ${deviations.toFixed(1)}`);
      }
    }
  }
});

test('drawInt is the upper part of an exact 64-bit product, within its bound and fair', () => {
  const uint32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(uint32, uint32, fc.integer({ min: 1, max: 0xffffffff }), (seed, n, bound) => {
      const [high, low] = philox4x32([seed, 7], [8, 0, 9, n]);
      const exact = (((BigInt(high) << 32n) | BigInt(low)) * BigInt(bound)) >> 64n;
      assert.equal(drawInt(seed, 7, 8, 9, n, bound), Number(exact));
    }),
    { seed: 12, numRuns: 3000 },
  );
  for (const bound of [2, 3, 7, 100]) {
    const counts = new Uint32Array(bound);
    for (let i = 0; i < 50_000; i++) tally(counts, drawInt(1, 2, i, 3, 0, bound));
    assertFair(counts, 50_000, `bound ${bound}`);
  }
  for (const bound of [0, -1, 1.5, 2 ** 32, NaN, Infinity]) {
    assert.throws(() => drawInt(1, 2, 3, 4, 5, bound), /drawInt needs an integer bound/, `${bound}`);
  }
});

test('drawNormal has the mean, variance, skewness, kurtosis and tails of the normal law', () => {
  const total = 200_000;
  const moments = [0, 0, 0, 0];
  const cells = new Uint32Array(64);
  const edges = Array.from({ length: 63 }, (_, i) => normalQuantile((i + 1) / 64));
  for (let i = 0; i < total; i++) {
    const z = drawNormal(3, 1, i, 4, 0);
    let power = 1;
    for (let m = 0; m < 4; m++) {
      power *= z;
      moments[m] = (moments[m] as number) + power / total;
    }
    let low = 0;
    let high = 63;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (z < (edges[middle] as number)) high = middle;
      else low = middle + 1;
    }
    tally(cells, low);
  }
  // expected values and the variances of the sample means: 1, 2, 15, 96
  const [mean, variance, third, fourth] = moments as [number, number, number, number];
  const allowed = (varianceOfOne: number): number => 4.5 * Math.sqrt(varianceOfOne / total);
  assert.ok(Math.abs(mean) < allowed(1), `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < allowed(2), `variance ${variance}`);
  assert.ok(Math.abs(third) < allowed(15), `third moment ${third}`);
  assert.ok(Math.abs(fourth - 3) < allowed(96), `fourth moment ${fourth}`);
  assertFair(cells, total, 'equal-probability cells');
});

test('[L2] the normal quantile meets the tables and is odd, monotone and total', () => {
  // Wichura's own test values, and 97.5 % as every textbook prints it
  const near = (got: number, want: number): void =>
    assert.ok(Math.abs(got - want) <= 1e-15 * Math.abs(want), `${got}, not ${want}`);
  near(normalQuantile(0.25), -0.6744897501960817);
  near(normalQuantile(0.001), -3.090232306167814);
  near(normalQuantile(1e-20), -9.26234008979841);
  near(normalQuantile(0.975), 1.959963984540054);
  assert.equal(normalQuantile(0.5), 0);
  assert.equal(normalQuantile(0), -Infinity);
  assert.equal(normalQuantile(1), Infinity);
  for (const p of [-1e-300, 1.0000000000000002, NaN, Infinity]) assert.ok(Number.isNaN(normalQuantile(p)));
  let before = -Infinity;
  for (let i = 1; i < 4096; i++) {
    const z = normalQuantile(i / 4096);
    assert.ok(z > before, `at ${i}/4096`);
    assert.equal(normalQuantile(1 - i / 4096), z === 0 ? 0 : -z);
    before = z;
  }
});

test('names become keys by FNV-1a over UTF-8, as its authors published it', () => {
  assert.equal(purpose(''), 0x811c9dc5);
  assert.equal(purpose('a'), 0xe40c292c);
  assert.equal(purpose('foobar'), 0xbf9cf968);
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '\ud800', '\udc00', '\udc00\ud800'),
      (text, lone) => {
        let hash = 0x811c9dc5n;
        for (const byte of new TextEncoder().encode(text + lone)) {
          hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
        }
        assert.equal(agentKey(text + lone), Number(hash));
        assert.equal(purpose(text + lone), Number(hash));
      },
    ),
    { seed: 13, numRuns: 1000 },
  );
});
