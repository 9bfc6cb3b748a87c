import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sightedPeople } from './sighted-people.ts';

const ids = ['r1', 'r2'];
const poses = (r2AgeMs: number) => ({
  xM: Float32Array.of(10, 14),
  yM: Float32Array.of(5, 5),
  ageMs: Float32Array.of(0, r2AgeMs),
});
const told = (people: Float32Array) => [...people].map((at) => Math.round(at * 10) / 10);

test('in the past too a robot is no person, whoever did not know it yet, and who stood before a robot stays', () => {
  const sightings = [
    { by: 'r1', peopleM: [13.6, 5, 10.4, 5, 12, 5] },
    { by: 'r2', peopleM: [12.3, 5] },
  ];
  assert.deepEqual(told(sightedPeople(sightings, ids, poses(0))), [10.4, 5, 12, 5]);
});

test('where nothing is known of a robot any more, whoever stands there may be anybody', () => {
  assert.deepEqual(told(sightedPeople([{ by: 'r1', peopleM: [13.6, 5] }], ids, poses(60_000))), [13.6, 5]);
  assert.deepEqual(told(sightedPeople([{ by: 'r1', peopleM: [13.6, 5] }], ids, poses(Number.NaN))), [13.6, 5]);
});
