import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { encodeState } from '@sigma/kernel';
import { GapSchema, OrderIssuedSchema, StateChangeSchema } from '@sigma/proto';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { decodeMessage, decodeSignal } from './agent-events.ts';
import { decodeDecision } from './decision.ts';
import { decodeOpening } from './opening.ts';
import { decodeSnapshot } from './snapshot.ts';
import { decodeSegment } from './stimulus-segment.ts';

/** What an event says, as its type's own value. */
type Reader = (event: RecordedEvent) => unknown;

const message =
  <Desc extends DescMessage>(schema: Desc): Reader =>
  ({ data }) =>
    toJson(schema, fromBinary(schema, data));

const READERS: Readonly<Record<string, Reader>> = {
  [EVENT_TYPE.opening]: decodeOpening,
  [EVENT_TYPE.decision]: ({ data, atUs }) => decodeDecision(data, atUs),
  [EVENT_TYPE.stateChange]: message(StateChangeSchema),
  [EVENT_TYPE.message]: ({ data }) => decodeMessage(data),
  [EVENT_TYPE.order]: message(OrderIssuedSchema),
  [EVENT_TYPE.stimulusSegment]: ({ data }) => decodeSegment(data),
  [EVENT_TYPE.signal]: ({ data }) => decodeSignal(data),
  [EVENT_TYPE.snapshot]: decodeSnapshot,
  [EVENT_TYPE.gap]: message(GapSchema),
};

/**
 * Reads an event's payload, whatever its type; null for a type that this program does not know.
 *
 * @throws MalformedBytesError when the payload is not what its type says
 */
export function readPayload(event: RecordedEvent): unknown {
  const read = Object.hasOwn(READERS, event.type) ? READERS[event.type] : undefined;
  if (read === undefined) return null;
  try {
    return read(event);
  } catch (error) {
    if (error instanceof MalformedBytesError) throw error;
    throw new MalformedBytesError(`no ${event.type} (${(error as Error).message})`);
  }
}

/**
 * An event's payload as JSON for a person to read. A type that this program does not know is shown by its length.
 *
 * @throws MalformedBytesError when the payload is not what its type says
 */
export function readablePayload(event: Pick<RecordedEvent, 'type' | 'atUs' | 'data'>): string {
  if (!Object.hasOwn(READERS, event.type)) return `${event.data.length} bytes of ${event.type}`;
  return encodeState(readPayload({ sequence: 0, subject: '', timeUs: 0, traceparent: '', ...event }));
}
