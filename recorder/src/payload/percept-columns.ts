import type { Percept } from '@sigma/kernel';
import { MalformedBytesError, textOf, type WireReader } from '../wire/wire-reader.ts';

/** The rows of one entry of `percepts` (SPEC R24), handed out one after another. */
export interface Channel {
  /** Null where they are not asked for. */
  readonly rows: readonly Percept[] | null;
  readonly count: number;
  /** The row that is handed out next. */
  next: number;
}

/**
 * Reads one entry of `percepts` where the reader stands.
 *
 * @param heeded channels whose rows are asked for; all where it is null
 * @param shares whether rows may share memory
 * @throws MalformedBytesError
 */
export function readColumns(
  bytes: Uint8Array,
  reader: WireReader,
  heeded: ReadonlySet<string> | null,
  shares: boolean,
): Channel {
  const end = reader.enter();
  let channel = '';
  let count = 0;
  let from = 0;
  let to = 0;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      const after = reader.enter();
      channel = channelName(bytes, reader.at, after);
      reader.passTo(after);
    } else if (tag === 0x10) count = reader.varint();
    else if (tag === 0x1a) {
      to = reader.enter();
      from = reader.at;
      reader.passTo(to);
    } else reader.skip(tag);
  }
  if (reader.at !== end) throw new MalformedBytesError('a field is cut short');
  if (heeded === null || heeded.has(channel)) {
    return { rows: readRows(bytes, from, to, channel, count, shares), count, next: 0 };
  }
  // A row has a field, and a field a byte.
  if (count > to - from) throw new MalformedBytesError(`channel '${channel}' is too short for ${count} rows`);
  return { rows: null, count, next: 0 };
}

function readRows(
  bytes: Uint8Array,
  from: number,
  to: number,
  channel: string,
  count: number,
  shares: boolean,
): readonly Percept[] {
  const numbers = readDifferences(bytes, from, to);
  if (count === 0 || numbers === 0 || numbers % count !== 0) {
    throw new MalformedBytesError(`channel '${channel}' has ${numbers} numbers for ${count} rows`);
  }
  const width = numbers / count;
  const rows: Percept[] = [];
  const read = differences;
  let before: Int32Array | null = null;
  for (let row = 0; row < count; row++) {
    const values = shares && width > NARROW ? room(width) : new Int32Array(width);
    if (before === null)
      for (let field = 0, at = 0; field < width; field++, at += count) values[field] = read[at] as number;
    else
      for (let field = 0, at = row; field < width; field++, at += count)
        values[field] = (before[field] as number) + (read[at] as number);
    rows.push({ kind: 'percept', channel, values });
    before = values;
  }
  return rows;
}

/** Up to so many counts stand in the object of an array itself, and are there sooner than a part of a larger one. */
const NARROW = 16;

/** Rows of many wakes in one piece of memory: a wide row alone takes longer to allocate than to read. */
function room(width: number): Int32Array {
  if (roomTaken + width > rooms.length) {
    rooms = new Int32Array(Math.max(ROOM, width));
    roomTaken = 0;
  }
  roomTaken += width;
  return new Int32Array(rooms.buffer, (roomTaken - width) * Int32Array.BYTES_PER_ELEMENT, width);
}

const ROOM = 1 << 14;
let rooms = new Int32Array();
let roomTaken = 0;

/** Channels repeat in every segment: a known name is compared, not read. */
function channelName(bytes: Uint8Array, from: number, to: number): string {
  for (const { content, name } of channelNames) if (saysThere(bytes, from, to, content)) return name;
  const content = bytes.slice(from, to);
  const name = asKey(textOf(content));
  if (channelNames.length < MOST_CHANNEL_NAMES) channelNames.push({ content, name });
  return name;
}

/** The same text as engines keep the names of properties: comparing it with one in the program is comparing two places. */
const asKey = (text: string): string => Object.keys({ [text]: 0 })[0] as string;

/** Whether these bytes, and no others, stand from one place, inclusive, to another, exclusive. */
export function saysThere(bytes: Uint8Array, from: number, to: number, what: Uint8Array): boolean {
  if (to - from !== what.length) return false;
  for (let i = 0; i < what.length; i++) if (bytes[from + i] !== what[i]) return false;
  return true;
}

const channelNames: { readonly content: Uint8Array; readonly name: string }[] = [];
const MOST_CHANNEL_NAMES = 16;

/** What `readDifferences` read last. */
let differences = new Int32Array(4096);

/** The inner loop of all replay: zigzag varints of 32 bits, most of one byte or two. @returns how many there are */
function readDifferences(bytes: Uint8Array, from: number, end: number): number {
  if (differences.length < end - from) differences = new Int32Array((end - from) * 2);
  const into = differences;
  let count = 0;
  for (let at = from; at < end; ) {
    let zigzag = bytes[at++] as number;
    if (zigzag >= 0x80) {
      if (at >= end) throw new MalformedBytesError('a count is cut short');
      let byte = bytes[at++] as number;
      zigzag = (zigzag & 0x7f) | ((byte & 0x7f) << 7);
      for (let shift = 14; byte >= 0x80; shift += 7) {
        if (shift > 28) throw new MalformedBytesError('a count is greater than 32 bits');
        if (at >= end) throw new MalformedBytesError('a count is cut short');
        byte = bytes[at++] as number;
        zigzag |= (byte & 0x7f) << shift;
      }
    }
    into[count++] = (zigzag >>> 1) ^ -(zigzag & 1);
  }
  return count;
}
