import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StarvedFleet } from '../../testing/starved-fleet.ts';

/** What may befall a robot on a machine that has no time for it: a person in its way, a long wait for another robot. */
const ALLOWED = new Set(['raised person_too_close', 'violation standsS']);

/** What happened that has no other cause than the machine. */
function blamed(happened: Readonly<Record<string, number>>): readonly string[] {
  return Object.keys(happened).filter((kind) => /^(raised|violation|collision)/.test(kind) && !ALLOWED.has(kind));
}

for (const [share, longestMs] of [
  [0.02, 300],
  [0.05, 700],
] as const) {
  const often = `pauses of up to ${longestMs} ms of reflexes, bodies and disk`;
  test(`[F57] [F59] ${often}: nobody touches anything, nobody is stopped for it, no planner is blamed`, () => {
    for (const seed of [1, 2, 4]) {
      const fleet = new StarvedFleet(8, 6, seed, longestMs * 1000);
      fleet.sendOut(6);
      fleet.run(40, share);
      assert.deepEqual(blamed(fleet.happened()), [], `seed ${seed}`);
    }
  });
}

test('[F57] after the pauses the same robots go about their work', () => {
  const fleet = new StarvedFleet(4, 2, 3, 500_000);
  fleet.sendOut(4);
  fleet.run(10, 0.05);
  const before = fleet.happened()['task done'] ?? 0;
  fleet.run(30, 0);
  const happened = fleet.happened();
  assert.ok((happened['task done'] ?? 0) >= before + 3, JSON.stringify(happened));
  assert.deepEqual(blamed(happened), []);
});
