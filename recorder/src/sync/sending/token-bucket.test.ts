import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

test('[R126] over any time no more leaves than the bucket held and what came in, but for one batch', () => {
  const steps = fc.array(
    fc.record({ us: fc.integer({ min: -50_000, max: 400_000 }), bytes: fc.integer({ min: 1, max: 3_000 }) }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      const bucket = new TokenBucket(10_000, 2_000);
      let nowUs = 1_000_000;
      let passedUs = 0;
      let sent = 0;
      for (const { us, bytes } of all) {
        nowUs += us;
        passedUs += Math.max(0, us);
        if (bucket.waitUs(nowUs) > 0) continue;
        bucket.take(bytes, nowUs);
        sent += bytes;
        assert.ok(sent <= 2_000 + (passedUs * 10_000) / 1e6 + bytes + 1e-6, `${sent} bytes in ${passedUs} us`);
      }
    }),
    { seed: 126, numRuns: 300 },
  );
});

test('[R126] after the time it names something may leave; blocks up to a safety event leave in debt', () => {
  const bucket = new TokenBucket(1_000, 500);
  bucket.take(800, 0);
  assert.equal(bucket.waitUs(0), 300_000);
  assert.equal(bucket.waitUs(0, 500), 0);
  assert.equal(bucket.waitUs(299_999), 1);
  assert.equal(bucket.waitUs(300_000), 0);
  const free = new TokenBucket(Number.POSITIVE_INFINITY, 1);
  free.take(1e12, 0);
  assert.equal(free.waitUs(0), 0);
});
