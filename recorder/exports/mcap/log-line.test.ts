import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '@sigma/kernel';
import fc from 'fast-check';
import { EVENT_TYPE, type EventDraft, encodeDecision, signalEvent, WireWriter } from '../../src/index.ts';
import { missionChanged, ordered, sensed } from '../testing/story.ts';
import { LOG_LEVEL } from './foxglove/messages.ts';
import { logLine } from './log-line.ts';

const line = (event: EventDraft) => logLine({ ...event, sequence: 1 });

function decision(authority: 'safety' | 'mission', params: Decision['command']['params']): EventDraft {
  const command: Decision['command'] = { kind: 'setpoint', name: 'drive', params, durationUs: 1_000 };
  const proposal = { source: 'plan', authority, severity: 0, priority: 0, sequence: 1, rationale: '', confidence: 1 };
  const wire = new WireWriter();
  encodeDecision(wire, {
    sequence: 1,
    atUs: 5,
    context: { epoch: 0, inputSequence: 1, policyHash: 'p' },
    chosen: { ...proposal, ruleHash: null, type: 'command', command },
    command,
    authority,
    rationale: 'the aisle is free',
    confidence: 1,
    rejected: [],
    restrictions: [],
    restriction: { atMost: {}, forbid: [] },
    clamped: [],
    forbiddenBy: null,
    taskId: null,
    planRevision: null,
    planner: null,
    planBasis: null,
  });
  return { type: EVENT_TYPE.decision, subject: '', atUs: 5, timeUs: 5, traceparent: '', data: wire.take() };
}

test('a decision is told by who decided, what, and why; one of safety is a warning', () => {
  assert.deepEqual(line(decision('mission', { speedMps: 0.61249, toXM: -1.5, careful: true, aisle: 'a7' })), {
    level: LOG_LEVEL.info,
    text: 'mission: drive aisle=a7 careful=true speedMps=0.612 toXM=-1.5 — the aisle is free',
  });
  assert.equal(line(decision('safety', {}))?.level, LOG_LEVEL.warning);
});

test('[R180] a number in a line is rounded to three places, and no other number', () => {
  const told = (value: number) => {
    const text = line(decision('mission', { speedMps: value }))?.text ?? '';
    assert.equal(text, `mission: drive speedMps=${Math.round(value * 1000) / 1000} — the aisle is free`);
  };
  for (const corner of [0, -0, 0.0004, -0.0004, 0.05, -0.999, 9.9995, 1e6 - 0.001, 1e6, -1e6, 1e21, Infinity, NaN])
    told(corner);
  fc.assert(fc.property(fc.double(), told), { seed: 7, numRuns: 500 });
  fc.assert(fc.property(fc.double({ min: -2e6, max: 2e6 }), told), { seed: 7, numRuns: 2_000 });
});

test('failsafes are warnings, orders and changes are news, inputs are none', () => {
  assert.deepEqual(line(signalEvent('failsafe', { change: 'raised' }, 1, 1)), {
    level: LOG_LEVEL.warning,
    text: 'failsafe {"change":"raised"}',
  });
  assert.equal(line(ordered(1))?.text, 'order of ann: assign m1.1');
  assert.equal(line(missionChanged(1, { name: 'dig' }))?.text, 'mission/m1 changed by ann: {"name":"dig"}');
  assert.equal(line(sensed(1)), null);
});

test('a payload that is not what its type says is told as an error, and a long one is cut', () => {
  const broken = line({ ...decision('mission', {}), data: Uint8Array.of(0x22, 0x7f) });
  assert.equal(broken?.level, LOG_LEVEL.error);
  assert.ok((line(signalEvent('note', 'x'.repeat(10_000), 1, 1))?.text.length ?? 0) <= 400);
});
