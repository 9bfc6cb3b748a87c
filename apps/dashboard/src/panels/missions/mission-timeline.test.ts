import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { AlertLevel, MarkSchema, MissionSchema } from '@sigma/proto';
import { timelineOf } from './mission-timeline.ts';

const mission = create(MissionSchema, {
  id: 'm-1',
  name: 'Cover the south',
  createdBy: 'user:ada@example.org',
  createdTimeUs: 10n,
  finishedTimeUs: 90n,
  detail: 'done',
  tasks: [
    {
      id: 'm-1.1',
      agentId: 'r3',
      sinceTimeUs: 50n,
      history: [{ agentId: 'r9', reason: 'r9 is out of reach', sinceTimeUs: 12n, untilTimeUs: 40n }],
    },
    { id: 'm-1.2', agentId: 'r4', sinceTimeUs: 12n },
  ],
});

test('the story of a mission tells who got which share, who lost it and why, among what else happened', () => {
  const marks = [
    create(MarkSchema, { timeUs: 30n, kind: 'stop', agentId: 'r9', text: 'r9 stopped', level: AlertLevel.WARNING }),
    create(MarkSchema, { timeUs: 35n, kind: 'stop', agentId: 'r7', text: 'no part of this mission' }),
    create(MarkSchema, { timeUs: 5n, kind: 'stop', agentId: 'r9', text: 'before it was sent' }),
  ];
  assert.deepEqual(
    timelineOf(mission, marks, []).map(({ timeUs, kind, agentId, text, level }) => [
      timeUs,
      kind,
      agentId,
      text,
      level,
    ]),
    [
      [10n, 'sent', '', 'sent by ada@example.org', 'calm'],
      [12n, 'given', 'r9', 'got share 1 of 2', 'calm'],
      [12n, 'given', 'r4', 'got share 2 of 2', 'calm'],
      [30n, 'stop', 'r9', 'r9 stopped', 'warning'],
      [40n, 'reassigned', 'r9', 'lost share 1 of 2: r9 is out of reach', 'advisory'],
      [50n, 'given', 'r3', 'got share 1 of 2', 'calm'],
      [90n, 'ended', '', 'done', 'calm'],
    ],
  );
});

test('of a mission whose hub kept no times nothing is invented', () => {
  const old = create(MissionSchema, { createdTimeUs: 10n, tasks: [{ agentId: 'r3', history: [{ agentId: 'r9' }] }] });
  assert.deepEqual(
    timelineOf(old, [], []).map(({ kind }) => kind),
    ['sent'],
  );
});
