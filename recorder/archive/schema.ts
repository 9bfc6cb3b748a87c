import { type Decision, encodeState } from '@sigma/kernel';
import {
  type ChainId,
  decodeDecision,
  decodeMessage,
  decodeSignal,
  EVENT_TYPE,
  type RecordedEvent,
  readablePayload,
} from '../src/index.ts';
import type { EVENT_COLUMNS } from './columns.ts';
import { decisionBody } from './decision-body.ts';

export type EventColumn = (typeof EVENT_COLUMNS)[number]['name'];

/** The values of one event, column by column; BIGINT as whole numbers, TIMESTAMP in microseconds since 1970. */
export type EventRow = Readonly<Record<EventColumn, string | number | null>>;

/** What retention, and the order in which a link sheds, go by. */
export type EventClass = (typeof EVENT_CLASSES)[number];

const EVENT_CLASSES = ['safety', 'decision', 'stimulus', 'message', 'signal', 'snapshot', 'record'] as const;

export const isEventClass = (name: string): name is EventClass => (EVENT_CLASSES as readonly string[]).includes(name);

const CLASS_OF_TYPE: Readonly<Record<string, EventClass>> = {
  [EVENT_TYPE.stimulusSegment]: 'stimulus',
  [EVENT_TYPE.decision]: 'decision',
  [EVENT_TYPE.message]: 'message',
  [EVENT_TYPE.signal]: 'signal',
  [EVENT_TYPE.snapshot]: 'snapshot',
};

/** Payloads that would be far longer as JSON than they are, or say nothing to a person. */
const WITHOUT_BODY = new Set<string>([EVENT_TYPE.stimulusSegment, EVENT_TYPE.snapshot]);

const NOTHING_SAID = {
  name: null,
  chosen: null,
  authority: null,
  reason: null,
  proposed_by: null,
  confidence: null,
  rejected: null,
  task: null,
  body: null,
} as const;

/** What tells of a payload, and goes with it. */
export const PAYLOAD_COLUMNS: readonly string[] = ['subject', ...Object.keys(NOTHING_SAID)];

/**
 * What an event says, as columns. A payload that is not what its type says is kept by its place, and its columns are
 * null: an archive takes damaged recordings too, and `verify` is who judges them.
 */
export function eventRow(chain: ChainId, event: RecordedEvent): EventRow {
  const { sequence, type, subject, atUs, timeUs, traceparent, data } = event;
  const said = saidBy(event);
  return {
    tenant: chain.tenant,
    source: chain.source,
    epoch: chain.epoch,
    sequence,
    at_us: atUs,
    time_us: timeUs,
    time: timeUs,
    type,
    class: classOf(event, said),
    subject: subject === '' ? null : subject,
    traceparent: traceparent === '' ? null : traceparent,
    dataschema: event.dataschema ?? null,
    bytes: data.length,
    ...said,
  };
}

type Said = Readonly<Record<keyof typeof NOTHING_SAID, string | number | null>>;

/** A payload is decoded once, for its columns and its text. */
function saidBy(event: RecordedEvent): Said {
  const { type, atUs, data } = event;
  if (!KNOWN.has(type) || WITHOUT_BODY.has(type) || event.dataschema !== undefined) return NOTHING_SAID;
  try {
    if (type === EVENT_TYPE.decision) return decisionSaid(decodeDecision(data, atUs));
    if (type === EVENT_TYPE.signal) {
      const signal = decodeSignal(data);
      return { ...NOTHING_SAID, body: encodeState(signal), name: signal.name };
    }
    if (type === EVENT_TYPE.message) {
      const message = decodeMessage(data);
      return { ...NOTHING_SAID, body: encodeState(message), name: message.message.topic };
    }
    return { ...NOTHING_SAID, body: readablePayload(event) };
  } catch {
    return NOTHING_SAID;
  }
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(EVENT_TYPE));

const decisionSaid = (decision: Decision): Said => ({
  name: null,
  chosen: decision.command.name,
  authority: decision.authority,
  reason: decision.rationale,
  proposed_by: decision.chosen?.source ?? null,
  confidence: decision.confidence,
  rejected: decision.rejected.length,
  task: decision.taskId,
  body: decisionBody(decision),
});

/** Signals that tell of safety: they are kept as long as safety is, and a link never sheds them. */
const SAFETY_SIGNALS: ReadonlySet<string> = new Set([
  'failsafe',
  'violation',
  'mode',
  'lease',
  'rule_error',
  'reconcile',
]);

function classOf(event: RecordedEvent, { authority, name }: Said): EventClass {
  if (authority === 'safety') return 'safety';
  if (event.type === EVENT_TYPE.signal && SAFETY_SIGNALS.has(name as string)) return 'safety';
  return CLASS_OF_TYPE[event.type] ?? 'record';
}
