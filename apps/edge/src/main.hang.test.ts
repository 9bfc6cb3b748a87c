import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveCart } from '../testing/live-cart.ts';
import { until } from '../testing/until.ts';

/** Longer than a hundred ticks take after nobody has planned for long enough to be missed. */
const HANGS_MS = 4_000;

test('a planner that hangs delays no reflex: the loop ticks on, the chain ends in a stop, and it recovers [L5]', async (t) => {
  const live = new LiveCart();
  const edge = await live.start(null);
  t.after(() => edge.close());
  const chain = () => edge.stats().bodies.get('cart-1')?.chain;
  const ticks = (count: number) => until('ticks', () => edge.stats().lateness.count >= count);
  await until('the secondary plans, there being no hub', () => chain() === 'secondary');
  edge.forgetTimes();
  await ticks(100);
  const before = edge.stats().lateness;
  edge.hang.planner(HANGS_MS);
  await until('nobody plans', () => chain() === 'mechanical');
  edge.forgetTimes();
  await ticks(100);
  const { lateness } = edge.stats();
  assert.equal(chain(), 'mechanical', 'all of this while the planner still hung');
  // The machine may have little time for this program; the planner that hangs takes none of it from the reflexes.
  const mostUs = Math.max(10_000, 3 * before.p50Us);
  assert.ok(
    lateness.p50Us < mostUs,
    `half of the ticks begin ${lateness.p50Us} us late or less, ${before.p50Us} before`,
  );
  await until('the secondary is trusted again', () => chain() === 'secondary');
  await edge.close();
  assert.equal(await edge.ended, null);
  live.remove();
});

test('an edge whose recording cannot be opened does not start, and says why', async () => {
  const live = new LiveCart();
  await assert.rejects(
    live.start(null, { recordingPath: `${live.folder}/no/such/folder/x.sigma` }),
    /no\/such\/folder/,
  );
  live.remove();
});
