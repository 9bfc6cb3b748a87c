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

/** Parquet type of a column, in DuckDB's words. */
export type ColumnType = 'VARCHAR' | 'BIGINT' | 'INTEGER' | 'DOUBLE' | 'TIMESTAMP' | 'BLOB';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** For whoever writes SQL. */
  readonly what: string;
}

/** One event as it is asked for in SQL: the same columns in the archive, in hot rows, and in an exported Parquet file. */
export const EVENT_COLUMNS = [
  { name: 'tenant', type: 'VARCHAR', what: 'who owns it' },
  { name: 'source', type: 'VARCHAR', what: 'agent, hub or world that wrote it' },
  { name: 'epoch', type: 'BIGINT', what: "the writer's life, from 0" },
  { name: 'sequence', type: 'BIGINT', what: 'place in its chain, from 1' },
  { name: 'at_us', type: 'BIGINT', what: 'agent time, microseconds since the epoch began' },
  { name: 'time_us', type: 'BIGINT', what: 'wall clock, microseconds since 1970' },
  { name: 'time', type: 'TIMESTAMP', what: 'the same, as a time in UTC' },
  { name: 'type', type: 'VARCHAR', what: 'sigma.decision.v1, sigma.signal.v1, …' },
  {
    name: 'class',
    type: 'VARCHAR',
    what: 'safety, decision, stimulus, message, signal, snapshot or record: what retention goes by',
  },
  { name: 'subject', type: 'VARCHAR', what: 'what it is about: a task, a mission, an alert' },
  { name: 'traceparent', type: 'VARCHAR', what: 'W3C trace context' },
  { name: 'dataschema', type: 'VARCHAR', what: 'schema of the payload where it is not the one that type names' },
  { name: 'bytes', type: 'INTEGER', what: 'length of the payload' },
  { name: 'name', type: 'VARCHAR', what: 'of a signal: its name; of a message: its topic' },
  { name: 'chosen', type: 'VARCHAR', what: 'of a decision: the command that went out' },
  { name: 'authority', type: 'VARCHAR', what: 'of a decision: safety, operator, swarm, mission or rest' },
  { name: 'reason', type: 'VARCHAR', what: 'of a decision: its rationale' },
  { name: 'proposed_by', type: 'VARCHAR', what: 'of a decision: who proposed what was chosen' },
  { name: 'confidence', type: 'DOUBLE', what: 'of a decision: 0 to 1' },
  { name: 'rejected', type: 'INTEGER', what: 'of a decision: how many alternatives lost' },
  { name: 'task', type: 'VARCHAR', what: 'of a decision: the task it served' },
  { name: 'body', type: 'VARCHAR', what: 'the payload as JSON; null of stimuli, snapshots and sealed payloads' },
] as const satisfies readonly Column[];

/** Blocks as they were written, one in a row: what an archive is restored, verified and replayed from. */
export const BLOCK_COLUMNS = [
  { name: 'first_sequence', type: 'BIGINT', what: 'its first event' },
  { name: 'block_hash', type: 'BLOB', what: 'SHA-256 of the block' },
  { name: 'block', type: 'BLOB', what: 'its bytes' },
] as const satisfies readonly Column[];

/** Events of which retention has taken some away: the envelope where it stays, the hash of its leaf where it went. */
export const LEAF_COLUMNS = [
  { name: 'sequence', type: 'BIGINT', what: 'place in its chain' },
  { name: 'leaf', type: 'BLOB', what: 'leaf hash of an envelope that is gone' },
  { name: 'envelope', type: 'BLOB', what: 'envelope that stays' },
] as const satisfies readonly Column[];

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
  body: encodeState(decision),
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
