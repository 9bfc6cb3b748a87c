import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { MissionSchema, type TaskSchema } from '@sigma/proto';
import { taskLanes } from './task-lanes.ts';

const missionWith = (task: MessageInitShape<typeof TaskSchema>, finishedTimeUs = 0n) =>
  create(MissionSchema, { createdTimeUs: 100n, finishedTimeUs, tasks: [{ id: 'm.1', kind: 'cover', ...task }] });

const lost = { agentId: 'r1', reason: 'r1 cannot move', sinceTimeUs: 110n, untilTimeUs: 150n };

test('a lane shows who had the task from when to when, and a gap where nobody had it', () => {
  const lanes = taskLanes(missionWith({ agentId: 'r2', sinceTimeUs: 180n, history: [lost] }), 300);
  assert.deepEqual([lanes?.fromUs, lanes?.toUs], [100, 300]);
  assert.deepEqual(lanes?.lanes[0]?.spans, [
    { agentId: 'r1', fromUs: 110, toUs: 150, kind: 'lost', reason: 'r1 cannot move' },
    { agentId: 'r2', fromUs: 180, toUs: 300, kind: 'has', reason: '' },
  ]);
});

test('a task that ended, ended with its last robot; a mission that ended, ends the picture', () => {
  const lanes = taskLanes(missionWith({ agentId: 'r2', sinceTimeUs: 180n, untilTimeUs: 250n }, 260n), 9_000);
  assert.deepEqual(
    [lanes?.toUs, lanes?.lanes[0]?.spans[0]?.toUs, lanes?.lanes[0]?.spans[0]?.kind],
    [260, 250, 'ended'],
  );
});

test('a robot that lost the task for good stands once, although the failed task still names it', () => {
  const lanes = taskLanes(missionWith({ agentId: 'r1', history: [lost] }, 400n), 400);
  assert.equal(lanes?.lanes[0]?.spans.length, 1);
});

test('nothing is drawn where nobody had a task, or where no times were kept', () => {
  assert.equal(taskLanes(missionWith({}), 300), null);
  assert.equal(taskLanes(missionWith({ agentId: 'r2', history: [{ agentId: 'r1', reason: 'failed' }] }), 300), null);
});

test('clocks that disagree by a little never draw outside the picture', () => {
  const lanes = taskLanes(missionWith({ agentId: 'r2', sinceTimeUs: 90n, untilTimeUs: 999n }, 260n), 260);
  assert.deepEqual([lanes?.lanes[0]?.spans[0]?.fromUs, lanes?.lanes[0]?.spans[0]?.toUs], [100, 260]);
});
