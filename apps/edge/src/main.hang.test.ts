import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { LiveCart } from '../testing/live-cart.ts';
import type { Edge, EdgeStats } from './edge-words.ts';

/** Asks every 20 ms, for at most 15 s. */
async function until(what: string, edge: Edge, condition: (stats: EdgeStats) => boolean): Promise<void> {
  for (let i = 0; i < 750; i++) {
    if (condition(edge.stats())) return;
    await setTimeout(20);
  }
  assert.fail(`waited in vain for: ${what}`);
}

test('a planner that hangs delays no reflex: the loop ticks on, the chain ends in a stop, and it recovers [L5]', async (t) => {
  const live = new LiveCart();
  const edge = await live.start(null);
  t.after(() => edge.close());
  const chain = (stats: EdgeStats) => stats.bodies.get('cart-1')?.chain;
  await until('the secondary plans, there being no hub', edge, (stats) => chain(stats) === 'secondary');
  edge.hang.planner(2_500);
  edge.forgetTimes();
  await until('nobody plans', edge, (stats) => chain(stats) === 'mechanical');
  await until('a second of ticks', edge, ({ lateness }) => lateness.count >= 100);
  const { lateness } = edge.stats();
  assert.ok(lateness.p50Us < 10_000, `half of the ticks begin ${lateness.p50Us} us late or less`);
  assert.equal(chain(edge.stats()), 'mechanical', 'all of this while the planner still hung');
  await until('the secondary is trusted again', edge, (stats) => chain(stats) === 'secondary');
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
