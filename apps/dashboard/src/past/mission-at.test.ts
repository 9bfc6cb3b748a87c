import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { MissionSchema, MissionStatus, TaskSchema, TaskStatus } from '@sigma/proto';
import { missionAt, taskAt } from './mission-at.ts';

const task = create(TaskSchema, {
  id: 'm-1.1',
  agentId: 'r3',
  sinceTimeUs: 50n,
  untilTimeUs: 90n,
  status: TaskStatus.DONE,
  progress: 1,
  history: [
    { agentId: 'r1', reason: 'its battery was low', sinceTimeUs: 10n, untilTimeUs: 20n },
    { agentId: 'r2', reason: 'r2 is out of reach', sinceTimeUs: 30n, untilTimeUs: 50n },
  ],
});

/** What each robot had sensed of it while it had it. */
const sensed = (agentId: string): number => ({ r1: 0.2, r2: 0.5, r3: 0.75 })[agentId] ?? Number.NaN;

const story = (atUs: number) => {
  const { agentId, sinceTimeUs, untilTimeUs, history, progress } = taskAt(task, atUs, sensed);
  return [agentId, sinceTimeUs, untilTimeUs, history.map((one) => one.agentId).join(' '), progress];
};

test('a task of the past is with whom it was then, as far as he had come, and knows only those who had lost it by then', () => {
  assert.deepEqual(story(5), ['', 0n, 0n, '', 0]);
  assert.deepEqual(story(10), ['r1', 10n, 0n, '', 0.2]);
  assert.deepEqual(story(25), ['', 0n, 0n, 'r1', 0], 'it waited between two robots');
  assert.deepEqual(story(30), ['r2', 30n, 0n, 'r1', 0.5]);
  assert.deepEqual(story(50), ['r3', 50n, 0n, 'r1 r2', 0.75]);
  assert.deepEqual(story(90), ['r3', 50n, 90n, 'r1 r2', 1]);
});

test('where an older hub kept no times, the task stays as it is known now, and nobody says how far it had come', () => {
  const old = create(TaskSchema, { agentId: 'r3', progress: 1, history: [{ agentId: 'r1', reason: 'failed' }] });
  const { agentId, history, untilTimeUs, progress } = taskAt(old, 10, sensed);
  assert.deepEqual([agentId, history.map((one) => one.agentId), untilTimeUs], ['r3', ['r1'], 0n]);
  assert.ok(Number.isNaN(progress));
});

test('a mission had come as far as its tasks on the whole; one robot that cannot be computed, and nobody knows', () => {
  const second = create(TaskSchema, { id: 'm-1.2', agentId: 'r2', sinceTimeUs: 5n });
  const mission = create(MissionSchema, {
    createdTimeUs: 5n,
    finishedTimeUs: 100n,
    status: MissionStatus.DONE,
    progress: 1,
    tasks: [task, second],
  });
  assert.equal(missionAt(mission, 4, sensed), undefined);
  const then = missionAt(mission, 60, sensed);
  assert.deepEqual([then?.status, then?.progress], [MissionStatus.ACTIVE, (0.75 + 0.5) / 2]);
  const unknown = missionAt(mission, 60, (agentId) => (agentId === 'r2' ? Number.NaN : 0.75));
  assert.ok(Number.isNaN(unknown?.progress));
  assert.equal(missionAt(mission, 100, sensed), mission);
});
