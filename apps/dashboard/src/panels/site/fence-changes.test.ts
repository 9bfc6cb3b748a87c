import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedParts, differences, type FenceWish } from './fence-changes.ts';

const seen: FenceWish = {
  points: [
    [1, 4],
    [6, 4],
    [6, 9],
    [1, 9],
  ],
  kind: 'slow',
  speedMps: 0.5,
  name: 'wet floor',
  note: 'why: a leak',
};

test('an outline counted from another corner is the same one, and the speed of a closed area changes nothing', () => {
  const turned = { ...seen, points: [...seen.points.slice(2), ...seen.points.slice(0, 2)] };
  assert.deepEqual([...changedParts(seen, turned)], []);
  const shut = { ...seen, kind: 'restricted' } as const;
  assert.deepEqual([...changedParts(shut, { ...shut, speedMps: 0.2 })], []);
  assert.deepEqual([...changedParts(seen, { ...shut, name: 'ice' })], ['rule', 'name']);
});

test('what others changed is named beside what a person made of the same part; the same wish on both sides is no difference', () => {
  const now: FenceWish = { ...seen, speedMps: 0.2, name: 'ice', note: 'why: frost', points: seen.points.slice(0, 3) };
  const mine: FenceWish = { ...seen, name: 'ice', note: '' };
  assert.deepEqual(differences(seen, now, mine), [
    { part: 'outline', was: '4 corners, 25 m²', theirs: '3 corners, 12.5 m²', mine: null },
    { part: 'rule', was: 'at most 0.5 m/s', theirs: 'at most 0.2 m/s', mine: null },
    { part: 'note', was: 'why: a leak', theirs: 'why: frost', mine: 'empty' },
  ]);
  assert.deepEqual(differences(seen, seen, mine), []);
});
