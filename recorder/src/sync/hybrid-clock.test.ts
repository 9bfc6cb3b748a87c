import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareHybrid, HybridClock, type HybridTime, MOST_AHEAD_US } from './hybrid-clock.ts';

test('[R128] a clock gives moments that grow, near its wall clock, whatever that does', () => {
  const clock = new HybridClock();
  assert.deepEqual(clock.tick(100), { us: 100, count: 0 });
  assert.deepEqual(clock.tick(100), { us: 100, count: 1 });
  assert.deepEqual(clock.tick(40), { us: 100, count: 2 });
  assert.deepEqual(clock.tick(101), { us: 101, count: 0 });
});

test('[R128] what was heard comes before what happens next, and a clock that is far ahead is not followed', () => {
  const clock = new HybridClock();
  assert.equal(clock.hear({ us: 500, count: 7 }, 100), true);
  assert.deepEqual(clock.tick(100), { us: 500, count: 8 });
  assert.equal(clock.hear({ us: 100 + MOST_AHEAD_US + 1, count: 0 }, 100), false);
  assert.deepEqual(clock.tick(100), { us: 500, count: 9 });
});

test('[R128] among sources whose wall clocks disagree and jump, an effect is always later than its cause', () => {
  const step = fc.record({
    node: fc.nat(3),
    other: fc.nat(3),
    sends: fc.boolean(),
    jumpUs: fc.integer({ min: -5_000, max: 5_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clocks = Array.from({ length: 4 }, () => new HybridClock());
      const walls = [0, 40_000, 80_000, 20_000];
      /** Of each node, the newest moment that it could have known. */
      const known: HybridTime[] = Array.from({ length: 4 }, () => ({ us: -1, count: 0 }));
      for (const { node, other, sends, jumpUs } of steps) {
        walls[node] = Math.max(0, (walls[node] as number) + jumpUs);
        const made = (clocks[node] as HybridClock).tick(walls[node] as number);
        assert.ok(compareHybrid(made, known[node] as HybridTime) > 0);
        known[node] = made;
        if (!sends) continue;
        assert.ok((clocks[other] as HybridClock).hear(made, walls[other] as number));
        if (compareHybrid(made, known[other] as HybridTime) > 0) known[other] = made;
      }
    }),
    { seed: 128, numRuns: 300 },
  );
});
