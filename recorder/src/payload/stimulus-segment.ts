import { decodeState, encodeState, type Percept, type Stimulus } from '@sigma/kernel';
import { sameBytes } from '../event.ts';
import { MalformedBytesError, textOf, WireReader } from '../wire/wire-reader.ts';
import type { WireWriter } from '../wire/wire-writer.ts';

/** One wake of an agent or a world: when, and what it was given. */
export interface Wake {
  /** Agent time, 0 to 2^52 - 1. */
  readonly atUs: number;
  readonly inbox: readonly Stimulus[];
}

/** Consecutive wakes. */
export interface Segment {
  /** Input sequence of the first stimulus. */
  readonly firstInput: number;
  readonly wakes: readonly Wake[];
}

/** Agent time stays below this (142 years), so that second differences of it are exact in a double. */
export const END_OF_TIME_US = 2 ** 52;

/** Rows of one channel and width, gathered for their columns. */
interface Rows {
  readonly channel: string;
  readonly width: number;
  readonly values: Int32Array[];
}

/** Kind of an input that stands in `others_json`; k + 1 is a row of percepts[k]. */
const OTHER = 0;

/**
 * Writes sigma.v1.StimulusSegment, bit exact for every int32 and every double (SPEC R20 to R26).
 *
 * @throws RangeError without a wake, or for a time outside 0 to 2^52 - 1 or before the one before
 */
export function encodeSegment(wire: WireWriter, segment: Segment): void {
  const { wakes } = segment;
  if (wakes.length === 0) throw new RangeError('A segment covers at least one wake');
  let inputs = 0;
  for (const { inbox } of wakes) inputs += inbox.length;
  wire.uint(1, segment.firstInput);
  wire.uint(2, inputs);
  wire.uint(3, wakes.length);
  writeTimes(wire, wakes);
  const counts = wire.open(5);
  for (const { inbox } of wakes) wire.varint(inbox.length);
  wire.close(counts);
  if (inputs === 0) return;
  const groups: Rows[] = [];
  const others: string[] = [];
  writeKinds(wire, wakes, groups, others);
  for (const rows of groups) writeColumns(wire, rows);
  for (const text of others) wire.stringPresent(8, text);
}

function writeTimes(wire: WireWriter, wakes: readonly Wake[]): void {
  const mark = wire.open(4);
  let before = 0;
  let difference = 0;
  let first = true;
  for (const { atUs } of wakes) {
    if (!(Number.isInteger(atUs) && atUs >= before && atUs < END_OF_TIME_US)) {
      throw new RangeError(
        `Wake at ${atUs} us after ${before}: agent time is a whole number below 2^52, never backwards`,
      );
    }
    if (first) wire.varint(atUs);
    else {
      const second = atUs - before - difference;
      wire.varint(second < 0 ? -2 * second - 1 : 2 * second);
      difference = atUs - before;
    }
    before = atUs;
    first = false;
  }
  wire.close(mark);
}

function writeKinds(wire: WireWriter, wakes: readonly Wake[], groups: Rows[], others: string[]): void {
  const mark = wire.open(6);
  let kind = -1;
  let run = 0;
  for (const { inbox } of wakes) {
    for (const stimulus of inbox) {
      const next = isRow(stimulus) ? groupOf(groups, stimulus) + 1 : OTHER;
      if (next === OTHER) others.push(encodeState(stimulus));
      if (next === kind) {
        run++;
        continue;
      }
      if (run > 0) {
        wire.varint(kind);
        wire.varint(run);
      }
      kind = next;
      run = 1;
    }
  }
  wire.varint(kind);
  wire.varint(run);
  wire.close(mark);
}

/** An empty percept would be a row without a byte, and a count without a bound; it travels with the others. */
const isRow = (stimulus: Stimulus): stimulus is Percept =>
  stimulus.kind === 'percept' && stimulus.values instanceof Int32Array && stimulus.values.length > 0;

function groupOf(groups: Rows[], { channel, values }: Percept): number {
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] as Rows;
    if (group.width === values.length && group.channel === channel) {
      group.values.push(values);
      return i;
    }
  }
  groups.push({ channel, width: values.length, values: [values] });
  return groups.length - 1;
}

/** Field by field, the difference to the row before, modulo 2^32 (so that the extremes of int32 stay in 32 bits). */
function writeColumns(wire: WireWriter, { channel, width, values }: Rows): void {
  const mark = wire.open(7);
  wire.string(1, channel);
  wire.uint(2, values.length);
  const columns = wire.open(3);
  for (let field = 0; field < width; field++) {
    let before = 0;
    for (const row of values) {
      const value = row[field] as number;
      const difference = (value - before) | 0;
      wire.varint(((difference << 1) ^ (difference >> 31)) >>> 0);
      before = value;
    }
  }
  wire.close(columns);
  wire.close(mark);
}

/**
 * Reads sigma.v1.StimulusSegment.
 *
 * @param heeded channels whose percepts are asked for: those of others are passed over and stand in no inbox, while wakes
 *   and all other stimuli are there as ever. Rows then share memory, and are not to be sent to another thread. All
 *   channels, and rows of their own, when left out
 * @throws MalformedBytesError
 */
export function decodeSegment(bytes: Uint8Array, heeded: ReadonlySet<string> | null = null): Segment {
  const reader = new WireReader(bytes);
  let firstInput = 0;
  let inputs = 0;
  let wakes = 0;
  let [times, counts, kinds] = [NOTHING, NOTHING, NOTHING];
  const channels: Channel[] = [];
  const others: Stimulus[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) firstInput = reader.varint();
    else if (tag === 0x10) inputs = reader.varint();
    else if (tag === 0x18) wakes = reader.varint();
    else if (tag === 0x22) times = reader.part();
    else if (tag === 0x2a) counts = reader.part();
    else if (tag === 0x32) kinds = reader.part();
    else if (tag === 0x3a) channels.push(readColumns(reader.part(), heeded));
    else if (tag === 0x42) others.push(readOther(reader.bytes()));
    else reader.skip(tag);
  }
  const stimuli = readStimuli(kinds, inputs, channels, others);
  return { firstInput, wakes: readWakes(wakes, times, counts, stimuli) };
}

const NOTHING = new WireReader(new Uint8Array());

function readOther(content: Uint8Array): Stimulus {
  if (content.length > LONGEST_REPEATED) return parsedOther(content);
  for (const known of repeated) if (sameBytes(known.content, content)) return known.stimulus;
  const stimulus = parsedOther(content);
  repeated[oldest] = { content: content.slice(), stimulus };
  oldest = (oldest + 1) % MOST_REPEATED;
  return stimulus;
}

/** Beats say the same short text all day: what was read last is compared, not read again. Nobody writes into stimuli. */
const repeated: { readonly content: Uint8Array; readonly stimulus: Stimulus }[] = [];
const LONGEST_REPEATED = 40;
const MOST_REPEATED = 4;
let oldest = 0;

function parsedOther(content: Uint8Array): Stimulus {
  try {
    return decodeState(textOf(content)) as Stimulus;
  } catch (error) {
    if (error instanceof MalformedBytesError) throw error;
    throw new MalformedBytesError(`a stimulus is no canonical JSON (${(error as Error).message})`);
  }
}

interface Channel {
  /** Null where they are not asked for. */
  readonly rows: readonly Percept[] | null;
  readonly count: number;
  next: number;
}

function readColumns(reader: WireReader, heeded: ReadonlySet<string> | null): Channel {
  let channel = '';
  let count = 0;
  let columns: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) channel = channelName(reader.bytes());
    else if (tag === 0x10) count = reader.varint();
    else if (tag === 0x1a) columns = reader.bytes();
    else reader.skip(tag);
  }
  if (heeded !== null && !heeded.has(channel)) {
    // A row has a field, and a field a byte.
    if (count > columns.length) throw new MalformedBytesError(`channel '${channel}' is too short for ${count} rows`);
    return { rows: null, count, next: 0 };
  }
  const numbers = readDifferences(columns);
  if (count === 0 || numbers === 0 || numbers % count !== 0) {
    throw new MalformedBytesError(`channel '${channel}' has ${numbers} numbers for ${count} rows`);
  }
  const width = numbers / count;
  const rows: Percept[] = [];
  const from = differences;
  let before: Int32Array | null = null;
  for (let row = 0; row < count; row++) {
    const values = heeded === null ? new Int32Array(width) : room(width);
    if (before === null)
      for (let field = 0, at = 0; field < width; field++, at += count) values[field] = from[at] as number;
    else
      for (let field = 0, at = row; field < width; field++, at += count)
        values[field] = (before[field] as number) + (from[at] as number);
    rows.push({ kind: 'percept', channel, values });
    before = values;
  }
  return { rows, count, next: 0 };
}

/** Rows of many wakes in one piece of memory: a wide row alone takes longer to allocate than to read. */
function room(width: number): Int32Array {
  if (roomTaken + width > rooms.length) {
    rooms = new Int32Array(Math.max(ROOM, width));
    roomTaken = 0;
  }
  roomTaken += width;
  return rooms.subarray(roomTaken - width, roomTaken);
}

const ROOM = 1 << 14;
let rooms = new Int32Array();
let roomTaken = 0;

/** Channels repeat in every segment: a known name is compared, not read. */
function channelName(content: Uint8Array): string {
  for (const known of channelNames) if (sameBytes(known.content, content)) return known.name;
  const name = textOf(content);
  if (channelNames.length < MOST_CHANNEL_NAMES) channelNames.push({ content: content.slice(), name });
  return name;
}

const channelNames: { readonly content: Uint8Array; readonly name: string }[] = [];
const MOST_CHANNEL_NAMES = 16;

/** What `readDifferences` read last. */
let differences = new Int32Array(4096);

/** The inner loop of all replay: zigzag varints of 32 bits, most of one byte or two. @returns how many there are */
function readDifferences(columns: Uint8Array): number {
  const end = columns.length;
  if (differences.length < end) differences = new Int32Array(end * 2);
  const into = differences;
  let count = 0;
  for (let at = 0; at < end; ) {
    let zigzag = columns[at++] as number;
    if (zigzag >= 0x80) {
      if (at >= end) throw new MalformedBytesError('a count is cut short');
      let byte = columns[at++] as number;
      zigzag = (zigzag & 0x7f) | ((byte & 0x7f) << 7);
      for (let shift = 14; byte >= 0x80; shift += 7) {
        if (shift > 28) throw new MalformedBytesError('a count is greater than 32 bits');
        if (at >= end) throw new MalformedBytesError('a count is cut short');
        byte = columns[at++] as number;
        zigzag |= (byte & 0x7f) << shift;
      }
    }
    into[count++] = (zigzag >>> 1) ^ -(zigzag & 1);
  }
  return count;
}

/** In their order; null in the place of each that is not asked for. */
function readStimuli(
  kinds: WireReader,
  inputs: number,
  channels: readonly Channel[],
  others: readonly Stimulus[],
): readonly (Stimulus | null)[] {
  const stimuli: (Stimulus | null)[] = [];
  let other = 0;
  while (!kinds.done) {
    const kind = kinds.varint();
    const channel = kind === OTHER ? null : channels[kind - 1];
    for (let run = kinds.varint(); run > 0; run--) {
      const stimulus = channel === null ? others[other++] : channel === undefined ? undefined : nextOf(channel);
      if (stimulus === undefined) throw new MalformedBytesError(`no stimulus is left of kind ${kind}`);
      stimuli.push(stimulus);
    }
  }
  const left = channels.some(({ count, next }) => next !== count) || other !== others.length;
  if (stimuli.length !== inputs || left) {
    throw new MalformedBytesError(`${stimuli.length} stimuli are named where ${inputs} are announced`);
  }
  return stimuli;
}

function nextOf(channel: Channel): Stimulus | null | undefined {
  const row = channel.next++;
  return channel.rows === null ? (row < channel.count ? null : undefined) : channel.rows[row];
}

function readWakes(
  count: number,
  times: WireReader,
  counts: WireReader,
  stimuli: readonly (Stimulus | null)[],
): Wake[] {
  const wakes: Wake[] = [];
  let atUs = 0;
  let before = 0;
  let difference = 0;
  let from = 0;
  for (let i = 0; i < count; i++) {
    const value = times.varint();
    if (i === 0) atUs = value;
    else {
      difference += value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      atUs += difference;
    }
    if (!(atUs >= before && atUs < END_OF_TIME_US)) {
      throw new MalformedBytesError(`a wake at ${atUs} us after ${before}`);
    }
    before = atUs;
    const to = from + counts.varint();
    const inbox = inboxOf(stimuli, from, to);
    from = to;
    wakes.push({ atUs, inbox });
  }
  if (count === 0 || !times.done || !counts.done || from !== stimuli.length) {
    throw new MalformedBytesError('wakes and stimuli of a segment do not add up');
  }
  return wakes;
}

/** Most wakes bring one stimulus. */
function inboxOf(stimuli: readonly (Stimulus | null)[], from: number, to: number): Stimulus[] {
  const only = to - from === 1 ? stimuli[from] : null;
  if (only !== null && only !== undefined) return [only];
  return stimuli.slice(from, to).filter((stimulus) => stimulus !== null);
}
