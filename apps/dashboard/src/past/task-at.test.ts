import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { TaskSchema } from '@sigma/proto';
import { taskAt } from './task-at.ts';

const task = create(TaskSchema, {
  id: 'm-1.1',
  agentId: 'r3',
  sinceTimeUs: 50n,
  untilTimeUs: 90n,
  progress: 1,
  history: [
    { agentId: 'r1', reason: 'its battery was low', sinceTimeUs: 10n, untilTimeUs: 20n },
    { agentId: 'r2', reason: 'r2 is out of reach', sinceTimeUs: 30n, untilTimeUs: 50n },
  ],
});

const story = (atUs: number) => {
  const { agentId, sinceTimeUs, untilTimeUs, history, progress } = taskAt(task, atUs);
  assert.ok(Number.isNaN(progress), 'nobody kept how far it had come');
  return [agentId, sinceTimeUs, untilTimeUs, history.map((one) => one.agentId).join(' ')];
};

test('a task of the past is with whom it was then, and knows only those who had lost it by then', () => {
  assert.deepEqual(story(5), ['', 0n, 0n, '']);
  assert.deepEqual(story(10), ['r1', 10n, 0n, '']);
  assert.deepEqual(story(25), ['', 0n, 0n, 'r1'], 'it waited between two robots');
  assert.deepEqual(story(30), ['r2', 30n, 0n, 'r1']);
  assert.deepEqual(story(50), ['r3', 50n, 0n, 'r1 r2']);
  assert.deepEqual(story(90), ['r3', 50n, 90n, 'r1 r2']);
});

test('where an older hub kept no times, the task stays as it is known now', () => {
  const old = create(TaskSchema, { agentId: 'r3', history: [{ agentId: 'r1', reason: 'failed' }] });
  const { agentId, history, untilTimeUs } = taskAt(old, 10);
  assert.deepEqual([agentId, history.map((one) => one.agentId), untilTimeUs], ['r3', ['r1'], 0n]);
});
