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
  const reader = new WireReader(bytes);
  const events: NotableEvent[] = [];
  let malformed = 0;
  for (let i = 0; i < sequences.length; i++) {
    try {
      if (!mayBeNotable(reader, bytes, from[i] as number, to[i] as number)) continue;
      const event = notableEvent(bytes.subarray(from[i], to[i]));
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

/** Texts by their length in UTF-8: no two of these are equally long. */
const byLength = (texts: Iterable<string>): ReadonlyMap<number, Uint8Array> =>
  new Map([...texts].map((text) => [text.length, new TextEncoder().encode(text)]));
const TYPES = byLength(NOTABLE);
const NAMES = byLength(SIGNALS);
const SIGNAL = TYPES.get(EVENT_TYPE.signal.length);

/**
 * Reads no further than the type, and of a signal than its name: few signals are looked for. What is not as this program
 * writes it wants a closer look.
 */
function mayBeNotable(reader: WireReader, bytes: Uint8Array, from: number, to: number): boolean {
  reader.passTo(from);
  let signals = false;
  while (reader.at < to) {
    const tag = reader.varint();
    if (tag === TYPE) {
      const end = reader.enter();
      const type = textAt(bytes, reader.at, end, TYPES);
      reader.passTo(end);
      if (type === null) return false;
      if (type !== SIGNAL) return true;
      signals = true;
    } else if (tag === DATA) {
      if (!signals) return true;
      const end = reader.enter();
      if (reader.at === end || reader.varint() !== NAME) return true;
      const nameEnd = reader.enter();
      return nameEnd > end || textAt(bytes, reader.at, nameEnd, NAMES) !== null;
    } else if ((tag & 7) === 0) reader.passVarint();
    else reader.skip(tag);
  }
  return false;
}

/** Of an envelope, and of a signal. */
const [TYPE, DATA, NAME] = [0x12, 0x42, 0x0a];

/** @returns the one of these texts that stands there; null: none */
function textAt(
  bytes: Uint8Array,
  from: number,
  end: number,
  texts: ReadonlyMap<number, Uint8Array>,
): Uint8Array | null {
  const text = texts.get(end - from);
  if (text === undefined) return null;
  for (let i = text.length - 1; i >= 0; i--) if (text[i] !== bytes[from + i]) return null;
  return text;
}
