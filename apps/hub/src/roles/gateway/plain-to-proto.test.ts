import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskView } from '../core/supervisor.ts';
import { taskViewOf } from './plain-to-proto.ts';

const view: TaskView = {
  task: { id: 'm1.1', missionId: 'm1', kind: 'cover', args: {}, priority: 2 },
  agentId: 'r3',
  status: 'done',
  progress: 1,
  detail: '',
  sinceUs: 1_700_000_000_000_007,
  untilUs: 1_700_000_090_000_001,
  history: [
    { agentId: 'r9', reason: 'kept by an older hub' },
    { agentId: 'r1', reason: 'r1 cannot move', sinceUs: 1_700_000_000_000_001, untilUs: 1_700_000_000_000_007 },
  ],
};

test('a task says who had it from when to when, to the microsecond; what nobody kept is 0', () => {
  const { agentId, sinceTimeUs, untilTimeUs, history } = taskViewOf(view);
  assert.deepEqual([agentId, sinceTimeUs, untilTimeUs], ['r3', 1_700_000_000_000_007n, 1_700_000_090_000_001n]);
  assert.deepEqual(
    history.map((one) => [one.agentId, one.reason, one.sinceTimeUs, one.untilTimeUs]),
    [
      ['r9', 'kept by an older hub', 0n, 0n],
      ['r1', 'r1 cannot move', 1_700_000_000_000_001n, 1_700_000_000_000_007n],
    ],
  );
});

test('a task that waits is nobody’s since no time', () => {
  const { sinceUs: _since, untilUs: _until, ...waiting } = view;
  const task = taskViewOf({ ...waiting, agentId: null, status: 'waiting' });
  assert.deepEqual([task.agentId, task.sinceTimeUs, task.untilTimeUs], ['', 0n, 0n]);
});
