import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Mission, MissionSchema } from '@sigma/proto';
import { byQueue, priorityAfterMove } from './queue.ts';

const mission = (id: string, priority: number, created: number): Mission =>
  create(MissionSchema, { id, priority, createdTimeUs: BigInt(created) });

const order = (queue: readonly Mission[]) => [...queue].sort(byQueue).map(({ id }) => id);

test('the more urgent goes first; among equals the one that was there first', () => {
  assert.deepEqual(order([mission('c', 0, 3), mission('a', 0, 1), mission('u', 5, 9)]), ['u', 'a', 'c']);
});

test('a move changes places with one neighbour and touches nobody else', () => {
  const queue = [mission('a', 2, 1), mission('b', 2, 2), mission('c', 0, 3)].sort(byQueue);
  for (const [id, step] of [
    ['b', -1],
    ['c', -1],
    ['a', 1],
    ['b', 1],
  ] as const) {
    const priority = priorityAfterMove(queue, id, step);
    assert.notEqual(priority, null);
    const at = queue.findIndex((one) => one.id === id);
    const wanted = queue.map((one) => one.id);
    [wanted[at], wanted[at + step]] = [wanted[at + step] as string, wanted[at] as string];
    const moved = queue.map((one) => (one.id === id ? { ...one, priority: priority as number } : one));
    const got = order(moved);
    assert.ok(Math.abs(got.indexOf(id) - wanted.indexOf(id)) <= 1, `${id} by ${step}: ${got}`);
    assert.equal(Math.sign(got.indexOf(id) - at), step);
  }
});

test('at the ends of the queue and of the scale nothing can be moved', () => {
  const queue = [mission('a', 1_000, 1), mission('b', 1_000, 2)];
  assert.equal(priorityAfterMove(queue, 'a', -1), null);
  assert.equal(priorityAfterMove(queue, 'b', 1), null);
  assert.equal(priorityAfterMove(queue, 'b', -1), null, 'nothing is more urgent than the most urgent');
  assert.equal(priorityAfterMove(queue, 'nobody', 1), null);
});
