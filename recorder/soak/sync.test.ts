import assert from 'node:assert/strict';
import { test } from 'node:test';
import { together } from './seeds.ts';
import { NO_SYNC, type SyncTally, syncRound } from './sync-round.ts';

const SEEDS = [2, 3, 5, 8];

test(`[R120] [R121] [R122] [R123] [L3] [L6] partitions, kills, a hub that forgets, repeated and late words, clocks that jump, a twin (seeds ${SEEDS}): lost 0 doubled 0 reordered 0`, async () => {
  let all: SyncTally = NO_SYNC;
  for (const seed of SEEDS) all = together(all, await syncRound(seed));
  assert.deepEqual(all.findings, []);
  const { cuts, edgeKills, hubKills, forgotten, again, jumps, forks, blocks } = all;
  for (const count of [cuts, edgeKills, hubKills, forgotten, again, jumps, forks]) {
    assert.ok(count > 0, `a poor exam: ${JSON.stringify(all)}`);
  }
  assert.ok(blocks > 500, `${blocks} blocks`);
});
