import { fromBinary, toJsonString } from '@bufbuild/protobuf';
import { encodeState } from '@sigma/kernel';
import { GapSchema, OrderIssuedSchema, StateChangeSchema } from '@sigma/proto';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { decodeMessage, decodeSignal } from './agent-events.ts';
import { decodeDecision } from './decision.ts';
import { decodeOpening } from './opening.ts';
import { decodeSnapshot } from './snapshot.ts';
import { decodeSegment } from './stimulus-segment.ts';

type Payload = Pick<RecordedEvent, 'type' | 'atUs' | 'data'>;

const READERS: Readonly<Record<string, (event: RecordedEvent) => string>> = {
  [EVENT_TYPE.opening]: (event) => encodeState(decodeOpening(event)),
  [EVENT_TYPE.decision]: (event) => encodeState(decodeDecision(event.data, event.atUs)),
  [EVENT_TYPE.stateChange]: ({ data }) => toJsonString(StateChangeSchema, fromBinary(StateChangeSchema, data)),
  [EVENT_TYPE.message]: ({ data }) => encodeState(decodeMessage(data)),
  [EVENT_TYPE.order]: ({ data }) => toJsonString(OrderIssuedSchema, fromBinary(OrderIssuedSchema, data)),
  [EVENT_TYPE.stimulusSegment]: ({ data }) => encodeState(decodeSegment(data)),
  [EVENT_TYPE.signal]: ({ data }) => encodeState(decodeSignal(data)),
  [EVENT_TYPE.snapshot]: (event) => encodeState(decodeSnapshot(event)),
  [EVENT_TYPE.gap]: ({ data }) => toJsonString(GapSchema, fromBinary(GapSchema, data)),
};

/**
 * An event's payload as JSON for a person to read. A type that this program does not know is shown by its length.
 *
 * @throws MalformedBytesError when the payload is not what its type says
 */
export function readablePayload(event: Payload): string {
  const read = READERS[event.type];
  if (read === undefined) return `${event.data.length} bytes of ${event.type}`;
  try {
    return read({ sequence: 0, subject: '', timeUs: 0, traceparent: '', ...event });
  } catch (error) {
    if (error instanceof MalformedBytesError) throw error;
    throw new MalformedBytesError(`${event.type} (${(error as Error).message})`);
  }
}
