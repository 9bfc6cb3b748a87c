import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureModel } from '../testing/measure.ts';

/** Ten times what the hot paths may cost: enough for a busy machine, not for a loop that should not be there. */
const MOST_US: Readonly<Record<string, number>> = {
  'fold motion': 10,
  'fold scan': 600,
  'reflex cycle': 50,
  'cycle at all rates': 100,
  policy: 200,
};

test('[F92] the hot paths stay cheap', (t) => {
  // The least of three rounds is what a path costs; what else the machine did meanwhile is in the others.
  const rounds = [1, 2, 3].map(() => measureModel(0.1));
  for (const { name } of rounds[0] ?? []) {
    const us = Math.min(...rounds.flat().flatMap((cost) => (cost.name === name ? [cost.us] : [])));
    t.diagnostic(`${name}: ${us.toFixed(2)} us`);
    const most = MOST_US[name];
    if (most !== undefined) assert.ok(us < most, `${name} took ${us} us`);
  }
});
