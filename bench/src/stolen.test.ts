import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processorTime, stolenSince } from './stolen.ts';

test('what was stolen is a share of all processor time since then, and nothing where no time is told', () => {
  const before = { all: 1_000, stolen: 40 };
  assert.equal(stolenSince(before, { all: 1_400, stolen: 60 }), 0.05);
  assert.equal(stolenSince(before, before), 0);
  assert.equal(stolenSince({ all: 0, stolen: 0 }, { all: 0, stolen: 0 }), 0);
});

test('this machine tells of processor time that grows, and steals no more than there is of it', () => {
  const before = processorTime();
  while (processorTime().all === before.all && before.all > 0) Math.sqrt(2);
  const share = stolenSince(before);
  assert.ok(share >= 0 && share <= 1, `${share}`);
});
