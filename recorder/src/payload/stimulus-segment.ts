import { encodeState, type Percept, type Stimulus } from '@sigma/kernel';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import type { WireWriter } from '../wire/wire-writer.ts';
import { readOther } from './other-stimulus.ts';
import { type Channel, readColumns } from './percept-columns.ts';

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

/** Stimuli that somebody asks for, beside those that are neither percepts nor messages. */
export interface Heeded {
  /** Channels of percepts; null for all. */
  readonly channels: ReadonlySet<string> | null;
  /** Topics of messages; null for all. */
  readonly topics: ReadonlySet<string> | null;
}

/** All there is, for who runs a life again. */
export const EVERYTHING: Heeded = { channels: null, topics: null };

/**
 * Reads sigma.v1.StimulusSegment.
 *
 * @param heeded what is asked for: percepts of other channels are passed over unread and stand in no inbox, and so are
 *   messages on other topics that bear no promise; wakes and all other stimuli are there as ever. Rows then share memory,
 *   and are not to be sent to another thread. Everything, and rows of their own, when left out
 * @throws MalformedBytesError
 */
export function decodeSegment(bytes: Uint8Array, heeded: Heeded | null = null): Segment {
  const reader = new WireReader(bytes);
  let firstInput = 0;
  let inputs = 0;
  let wakes = 0;
  let [times, counts, kinds] = [NOTHING, NOTHING, NOTHING];
  const channels: Channel[] = [];
  const others: (Stimulus | null)[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) firstInput = reader.varint();
    else if (tag === 0x10) inputs = reader.varint();
    else if (tag === 0x18) wakes = reader.varint();
    else if (tag === 0x22) times = reader.part();
    else if (tag === 0x2a) counts = reader.part();
    else if (tag === 0x32) kinds = reader.part();
    else if (tag === 0x3a) channels.push(readColumns(bytes, reader, heeded?.channels ?? null, heeded !== null));
    else if (tag === 0x42) others.push(readOther(bytes, reader, heeded?.topics ?? null));
    else reader.skip(tag);
  }
  return { firstInput, wakes: readWakes(wakes, times, counts, new Row(kinds, inputs, channels, others)) };
}

const NOTHING = new WireReader(new Uint8Array());

function readWakes(count: number, times: WireReader, counts: WireReader, row: Row): Wake[] {
  const wakes: Wake[] = [];
  let atUs = 0;
  let before = 0;
  let difference = 0;
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
    wakes.push({ atUs, inbox: row.take(counts.varint()) });
  }
  if (count === 0 || !times.done || !counts.done) {
    throw new MalformedBytesError('wakes and stimuli of a segment do not add up');
  }
  row.end();
  return wakes;
}

/** All stimuli of a segment in the order in which they came (SPEC R25). */
class Row {
  readonly #kinds: WireReader;
  readonly #channels: readonly Channel[];
  readonly #others: readonly (Stimulus | null)[];
  #left: number;
  #other = 0;
  /** What comes next: rows of a channel, others where it is null, and how many of it. */
  #channel: Channel | null = null;
  #run = 0;

  constructor(kinds: WireReader, inputs: number, channels: readonly Channel[], others: readonly (Stimulus | null)[]) {
    this.#kinds = kinds;
    this.#left = inputs;
    this.#channels = channels;
    this.#others = others;
  }

  /** Those of the next so many that are asked for. */
  take(count: number): readonly Stimulus[] {
    this.#left -= count;
    if (this.#left < 0) throw this.#malformed();
    if (count === 1) {
      const only = this.#next();
      return only === null ? NONE : [only];
    }
    let one: Stimulus | null = null;
    let more: Stimulus[] | null = null;
    for (let k = 0; k < count; k++) {
      const stimulus = this.#next();
      if (stimulus === null) continue;
      if (one === null) one = stimulus;
      else if (more === null) more = [one, stimulus];
      else more.push(stimulus);
    }
    return more ?? (one === null ? NONE : [one]);
  }

  #next(): Stimulus | null {
    while (this.#run === 0) this.#begin();
    this.#run--;
    const channel = this.#channel;
    let stimulus: Stimulus | null | undefined;
    if (channel === null) stimulus = this.#others[this.#other++];
    else {
      const row = channel.next++;
      if (channel.rows !== null) stimulus = channel.rows[row];
      else if (row < channel.count) stimulus = null;
    }
    if (stimulus === undefined) throw this.#malformed();
    return stimulus;
  }

  #begin(): void {
    const kind = this.#kinds.varint();
    const channel = kind === OTHER ? null : this.#channels[kind - 1];
    if (channel === undefined) throw new MalformedBytesError(`no stimuli are there of kind ${kind}`);
    this.#channel = channel;
    this.#run = this.#kinds.varint();
  }

  /** @throws MalformedBytesError where anything is left */
  end(): void {
    while (this.#run === 0 && !this.#kinds.done) this.#begin();
    const left = this.#channels.some(({ count, next }) => next !== count) || this.#other !== this.#others.length;
    if (this.#left !== 0 || this.#run !== 0 || left) throw this.#malformed();
  }

  #malformed(): MalformedBytesError {
    return new MalformedBytesError('wakes and stimuli of a segment do not add up');
  }
}

/** Most wakes bring one stimulus, and where little is asked for, none. */
const NONE: readonly never[] = [];
