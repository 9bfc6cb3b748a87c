import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CartStory } from '../../testing/cart-story.ts';

/** One thing that happens before the next tick. */
type Happening =
  | { readonly type: 'plan'; readonly speedMps: number }
  | { readonly type: 'range'; readonly rangeM: number }
  | { readonly type: 'disk'; readonly diskUs: number | null }
  | { readonly type: 'nothing' };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ type: 'nothing' as const }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0.2, 0.5, 0.8, 1.2, 2).map((speedMps) => ({ type: 'plan' as const, speedMps })),
  },
  { weight: 2, arbitrary: fc.constantFrom(0.1, 0.6, 5).map((rangeM) => ({ type: 'range' as const, rangeM })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(null, 0, 20_000, 70_000).map((diskUs) => ({ type: 'disk' as const, diskUs })),
  },
);

test('[R50] [R51] whatever the disk does: nothing moves unrecorded, and no delay lets anything past a stop or a bound [L1] [L3]', () => {
  fc.assert(
    fc.property(fc.array(happening, { minLength: 10, maxLength: 120 }), (happenings) => {
      const story = new CartStory();
      story.assign();
      story.run(2);
      /** Speeds the kernel has asked for, with the block that holds each. */
      const asked: { readonly speedMps: number; sequence: number | null }[] = [];
      for (const event of happenings) {
        if (event.type === 'range') story.rangeM = event.rangeM;
        if (event.type === 'disk') story.diskUs = event.diskUs;
        const speedMps = Number(
          story.tick(...(event.type === 'plan' ? [story.plan(event.speedMps)] : [])).params.speedMps ?? 0,
        );
        const { durable, cut } = story.runtime.recorded;
        asked.push({ speedMps: Number(story.runtime.agent.command.params.speedMps ?? 0), sequence: null });
        // The last block cut holds everything up to this tick, if it was cut in it.
        if (story.blocks.at(-1)?.atUs === story.atUs) for (const one of asked) one.sequence ??= cut;
        const saved = asked.filter(({ sequence }) => sequence !== null && sequence <= durable);
        const most = Math.max(0, ...saved.map((one) => one.speedMps));
        assert.ok(speedMps <= most, `${speedMps} m/s at the wheels, on record no more than ${most}`);
        if (story.rangeM < 1) assert.ok(speedMps <= 0.3, 'the bound holds at once');
        if (story.rangeM < 0.3) assert.equal(speedMps, 0, 'and so does the stop');
      }
    }),
    { seed: 20261121, numRuns: 150 },
  );
});
