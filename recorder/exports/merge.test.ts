import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeByTime } from './merge.ts';

interface Item {
  readonly timeUs: number;
  readonly feed: number;
  readonly n: number;
}

const times = fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 6 }), { maxLength: 5 });

test('many feeds come as one, by time, each in its own order, none read on before it is needed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(times, { maxLength: 6 }), async (drawn) => {
      let n = 0;
      const lists = drawn.map((feed, k) => {
        const sorted = feed.flat().sort((a, b) => a - b);
        return feed.map((list) => list.map((): Item => ({ timeUs: sorted.shift() as number, feed: k, n: n++ })));
      });
      const all = lists.flat(2);
      const held = { now: 0, most: 0 };
      const longest = lists.map((feed) => Math.max(0, ...feed.map(({ length }) => length)));
      const feeds = lists.map(async function* (feed) {
        for (const list of feed) {
          held.now += list.length;
          held.most = Math.max(held.most, held.now);
          yield list;
        }
      });
      const merged: Item[] = [];
      let beganUs: number | null = null;
      await mergeByTime(
        feeds,
        (item) => {
          held.now--;
          merged.push(item);
        },
        (timeUs) => {
          beganUs = timeUs;
        },
      );
      assert.equal(merged.length, all.length);
      assert.equal(beganUs, all.length === 0 ? null : Math.min(...all.map(({ timeUs }) => timeUs)));
      for (let k = 1; k < merged.length; k++) {
        assert.ok((merged[k] as Item).timeUs >= (merged[k - 1] as Item).timeUs);
      }
      for (const [k, feed] of lists.entries()) {
        assert.deepEqual(
          merged.filter((item) => item.feed === k),
          feed.flat(),
        );
      }
      assert.ok(held.most <= longest.reduce((sum, one) => sum + one, 0));
    }),
    { seed: 6, numRuns: 200 },
  );
});
