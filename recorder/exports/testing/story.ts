import { create, toBinary } from '@bufbuild/protobuf';
import type { Decision } from '@sigma/kernel';
import { OrderIssuedSchema, StateChangeSchema } from '@sigma/proto';
import {
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  encodeDecision,
  encodeSegment,
  type Opening,
  openingEvent,
  type Sha256,
  signalEvent,
  WireWriter,
} from '../../src/index.ts';
import { testOpening } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';

export const STORY_US = 1_700_000_000_000_000;

const event = (type: string, atUs: number, data: Uint8Array, more: Partial<EventDraft> = {}): EventDraft => ({
  type,
  subject: '',
  atUs,
  timeUs: STORY_US + atUs,
  traceparent: '',
  data,
  ...more,
});

/** A decision to do something, for a task or for nobody. */
export function decided(atUs: number, name: string, taskId: string | null): EventDraft {
  const decision: Decision = {
    sequence: 1,
    atUs,
    context: { epoch: 0, inputSequence: 1, policyHash: 'p0' },
    chosen: null,
    command: {
      kind: 'action',
      name,
      params: { speedMps: 0.5 },
      id: `${name}-1`,
      idempotencyKey: 'k',
      deadlineUs: atUs + 1,
    },
    authority: 'rest',
    rationale: `because of ${name}`,
    confidence: 0.75,
    rejected: [],
    restrictions: [],
    restriction: { atMost: {}, forbid: [] },
    clamped: [],
    forbiddenBy: null,
    taskId,
    planRevision: null,
    planner: null,
    planBasis: null,
  };
  const wire = new WireWriter();
  encodeDecision(wire, decision);
  return event(EVENT_TYPE.decision, atUs, wire.take(), { subject: taskId ?? '' });
}

export const missionChanged = (atUs: number, patch: object, traceparent = '', before = 1): EventDraft =>
  event(
    EVENT_TYPE.stateChange,
    atUs,
    toBinary(
      StateChangeSchema,
      create(StateChangeSchema, {
        target: 'mission/m1',
        beforeHash: Uint8Array.of(before),
        afterHash: Uint8Array.of(before + 1),
        patchJson: JSON.stringify(patch),
        by: 'ann',
      }),
    ),
    { subject: 'mission/m1', traceparent },
  );

export const taskIs = (atUs: number, status: string): EventDraft => ({
  ...signalEvent('task', { type: 'task', taskId: 'm1.1', missionId: 'm1', status, reason: '' }, atUs, STORY_US + atUs),
  subject: 'm1.1',
});

export const ordered = (atUs: number): EventDraft =>
  event(
    EVENT_TYPE.order,
    atUs,
    toBinary(OrderIssuedSchema, create(OrderIssuedSchema, { issuer: 'ann', summary: 'assign m1.1' })),
  );

export function sensed(atUs: number): EventDraft {
  const wire = new WireWriter();
  const values = Int32Array.of(1, -2, 3);
  encodeSegment(wire, { firstInput: 1, wakes: [{ atUs, inbox: [{ kind: 'percept', channel: 'gauge', values }] }] });
  return event(EVENT_TYPE.stimulusSegment, atUs, wire.take());
}

/** A store that holds one chain for each source, each event in a block of its own. */
export async function recorded(
  sha256: Sha256,
  chains: Readonly<Record<string, readonly EventDraft[]>>,
  more: Partial<Opening> = {},
): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [source, events] of Object.entries(chains)) {
    const opening = testOpening(source, { timeUs: STORY_US, ...more });
    const writer = new ChainWriter(opening, sha256);
    await store.append([writer.seal([openingEvent(opening)]), ...events.map((one) => writer.seal([one]))]);
  }
  return store;
}
