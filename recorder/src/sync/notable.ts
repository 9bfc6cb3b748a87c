import { decodeEnvelope, scanBlock } from '../block.ts';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { signalName } from '../payload/agent-events.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';

/** An event that somebody looks for later: on a time bar, in a list of decisions. */
export interface NotableEvent extends RecordedEvent {
  /** Of a signal, its name; else empty. */
  readonly name: string;
  /** sigma.v1.Envelope as it stands in its block. */
  readonly envelope: Uint8Array;
}

export interface NotableEvents {
  /** In order; views into the block's bytes. */
  readonly events: readonly NotableEvent[];
  readonly lastSequence: number;
  /** Agent time of the last event, whatever it is. */
  readonly lastAtUs: number;
  /** Events that are not what their type says. */
  readonly malformed: number;
}

/**
 * Openings, decisions, orders, and those signals of the kernel that tell of a violation, a failsafe or an order that was
 * accepted. All else, which is most of a block's bytes, is passed over unread.
 *
 * @throws MalformedBytesError, NewerFormatError, DroppedEventsError of a block that cannot be read at all
 */
export function notableEvents(bytes: Uint8Array): NotableEvents {
  const { from, to, sequences, atUs } = scanBlock(bytes);
  const events: NotableEvent[] = [];
  let malformed = 0;
  for (let i = 0; i < sequences.length; i++) {
    if (!isNotableType(bytes, from[i] as number, to[i] as number)) continue;
    const envelope = bytes.subarray(from[i], to[i]);
    try {
      const event = notableEvent(envelope);
      if (event !== null) events.push(event);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      malformed++;
    }
  }
  return { events, lastSequence: sequences.at(-1) as number, lastAtUs: atUs.at(-1) as number, malformed };
}

/** @returns null for an event that nobody looks for. @throws MalformedBytesError */
export function notableEvent(envelope: Uint8Array): NotableEvent | null {
  const event = decodeEnvelope(envelope);
  if (event.type !== EVENT_TYPE.signal) return NOTABLE.has(event.type) ? { ...event, name: '', envelope } : null;
  const name = signalName(event.data);
  return SIGNALS.has(name) ? { ...event, name, envelope } : null;
}

const NOTABLE = new Set<string>([EVENT_TYPE.opening, EVENT_TYPE.decision, EVENT_TYPE.order, EVENT_TYPE.signal]);
const SIGNALS = new Set(['violation', 'failsafe', 'order_accepted']);

/** Types by their length in UTF-8: no two are equally long. */
const BY_LENGTH = new Map([...NOTABLE].map((type) => [type.length, new TextEncoder().encode(type)]));

/** Reads no further than the type. */
function isNotableType(bytes: Uint8Array, from: number, to: number): boolean {
  const reader = new WireReader(bytes, from, to);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x12) {
      const type = reader.bytes();
      const known = BY_LENGTH.get(type.length);
      if (known === undefined) return false;
      for (let i = type.length - 1; i >= 0; i--) if (type[i] !== known[i]) return false;
      return true;
    }
    if ((tag & 7) === 0) reader.passVarint();
    else reader.skip(tag);
  }
  return false;
}
