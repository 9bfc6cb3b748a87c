import { checkFormat } from '../block.ts';
import { EVENT_TYPE } from '../event.ts';
import { signalName } from '../payload/agent-events.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';

/** An event that somebody looks for later: on a time bar, in a list of decisions. Its bytes are views into the block. */
export interface NotableEvent {
  readonly sequence: number;
  readonly type: string;
  readonly atUs: number;
  /** Wall clock, microseconds since 1970. */
  readonly timeUs: number;
  readonly data: Uint8Array;
  /** Of a signal, its name; else empty. */
  readonly name: string;
  /** sigma.v1.Envelope as it stands in its block. */
  readonly envelope: Uint8Array;
}

export interface NotableEvents {
  /** In order. */
  readonly events: readonly NotableEvent[];
  readonly lastSequence: number;
  /** Agent time of the last event, whatever it is. */
  readonly lastAtUs: number;
  /** Events that are not what their type says. */
  readonly malformed: number;
}

/**
 * Openings, decisions, orders, and those signals of the kernel that tell of a violation, a failsafe or an order that was
 * accepted. All else, which is most of a block's bytes, is passed over unread, and so is what an event is about.
 *
 * @throws MalformedBytesError, NewerFormatError, DroppedEventsError of a block that cannot be read at all
 */
export function notableEvents(bytes: Uint8Array): NotableEvents {
  const reader = new WireReader(bytes);
  const glance = new Glance(bytes, reader);
  const events: NotableEvent[] = [];
  let [format, count, malformed] = [0, 0, 0];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === EVENT) {
      const end = reader.enter();
      const from = reader.at;
      glance.over(end);
      count++;
      try {
        const event = glance.notable(from, end);
        if (event !== null) events.push(event);
      } catch (error) {
        if (!(error instanceof MalformedBytesError)) throw error;
        malformed++;
      }
      reader.passTo(end);
    } else if (tag === FORMAT) {
      format = reader.varint();
      checkFormat(format);
    } else reader.skip(tag);
  }
  if (format === 0) throw new MalformedBytesError('a block without a format version');
  if (count === 0) throw new MalformedBytesError('a block without events');
  return { events, lastSequence: glance.sequence, lastAtUs: glance.atUs, malformed };
}

/** @returns null for an event that nobody looks for. @throws MalformedBytesError */
export function notableEvent(envelope: Uint8Array): NotableEvent | null {
  const glance = new Glance(envelope, new WireReader(envelope));
  glance.over(envelope.length);
  return glance.notable(0, envelope.length);
}

const NOTABLE = new Set<string>([EVENT_TYPE.opening, EVENT_TYPE.decision, EVENT_TYPE.order, EVENT_TYPE.signal]);
const SIGNALS = new Set(['violation', 'failsafe', 'order_accepted']);

/** Of a block. */
const [FORMAT, EVENT] = [0x08, 0x3a];
/** Of an envelope, and of a signal. */
const [SEQUENCE, TYPE, AT_US, TIME_US, DATA, NAME] = [0x08, 0x12, 0x20, 0x28, 0x42, 0x0a];

interface Text {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Texts by their length in UTF-8: no two of these are equally long. */
const byLength = (texts: Iterable<string>): ReadonlyMap<number, Text> =>
  new Map([...texts].map((text) => [text.length, { text, bytes: new TextEncoder().encode(text) }]));
const TYPES = byLength(NOTABLE);
const NAMES = byLength(SIGNALS);

/** What stands in one envelope after the other, without an object for any of them. */
class Glance {
  sequence = 0;
  atUs = 0;
  readonly #bytes: Uint8Array;
  readonly #reader: WireReader;
  /** Null: one that nobody looks for. */
  #type: string | null = null;
  #timeUs = 0;
  #dataFrom = 0;
  #dataTo = 0;

  constructor(bytes: Uint8Array, reader: WireReader) {
    this.#bytes = bytes;
    this.#reader = reader;
  }

  /** Reads on to the end of an envelope. @throws MalformedBytesError */
  over(end: number): void {
    const reader = this.#reader;
    this.sequence = 0;
    this.atUs = 0;
    this.#type = null;
    this.#timeUs = 0;
    this.#dataFrom = 0;
    this.#dataTo = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === SEQUENCE) this.sequence = reader.varint();
      else if (tag === AT_US) this.atUs = reader.varint();
      else if (tag === TIME_US) this.#timeUs = reader.signed();
      else if (tag === TYPE) {
        const to = reader.enter();
        this.#type = textAt(this.#bytes, reader.at, to, TYPES);
        reader.passTo(to);
      } else if (tag === DATA) {
        this.#dataTo = reader.enter();
        this.#dataFrom = reader.at;
        reader.passTo(this.#dataTo);
      } else if ((tag & 7) === 2) reader.passBytes(null);
      else reader.skip(tag);
    }
    if (reader.at !== end) throw new MalformedBytesError('a field is cut short');
  }

  /** The envelope that was read over, where it is looked for. @throws MalformedBytesError for a signal that is none */
  notable(from: number, to: number): NotableEvent | null {
    const type = this.#type;
    if (type === null) return null;
    const name = type === EVENT_TYPE.signal ? this.#signal() : '';
    if (name === null) return null;
    const [sequence, atUs, timeUs] = [this.sequence, this.atUs, this.#timeUs];
    const data = this.#bytes.subarray(this.#dataFrom, this.#dataTo);
    return { sequence, type, atUs, timeUs, data, name, envelope: this.#bytes.subarray(from, to) };
  }

  /** Most signals are told by the first bytes; what is not as this program writes it wants a closer look. */
  #signal(): string | null {
    const [from, to] = [this.#dataFrom, this.#dataTo];
    if (from < to && this.#bytes[from] === NAME) {
      const reader = this.#reader;
      reader.passTo(from + 1);
      const end = reader.enter();
      if (end <= to) return textAt(this.#bytes, reader.at, end, NAMES);
    }
    const name = signalName(this.#bytes.subarray(from, to));
    return SIGNALS.has(name) ? name : null;
  }
}

/** @returns the one of these texts that stands there; null: none */
function textAt(bytes: Uint8Array, from: number, end: number, texts: ReadonlyMap<number, Text>): string | null {
  const text = texts.get(end - from);
  if (text === undefined) return null;
  for (let i = text.bytes.length - 1; i >= 0; i--) if (text.bytes[i] !== bytes[from + i]) return null;
  return text.text;
}
