import { type ChainId, EVENT_TYPE, type EventDraft, type RecordedEvent } from './event.ts';
import { MalformedBytesError, WireReader } from './wire/wire-reader.ts';
import type { WireWriter } from './wire/wire-writer.ts';

/** The format of blocks that this program writes, and the newest that it reads. */
export const BLOCK_FORMAT = 1;

/** Hash before the first block of a chain. */
export const NO_BLOCK: Uint8Array = new Uint8Array(32);

/** What a block says of itself, and its events as they stand. */
export interface BlockContent extends ChainId {
  readonly format: number;
  readonly firstSequence: number;
  readonly previousHash: Uint8Array;
  /** Envelopes as encoded, in order; views into the block's bytes. */
  readonly events: readonly Uint8Array[];
}

/** A block from a newer program. */
export class NewerFormatError extends Error {
  readonly format: number;

  constructor(format: number) {
    super(
      `This block is written in format ${format}; this program reads formats up to ${BLOCK_FORMAT}. Use a newer sigma.`,
    );
    this.name = 'NewerFormatError';
    this.format = format;
  }
}

/**
 * The format of a stub, which stands where blocks were dropped (SPEC R127): it holds no events. Far from the versions to
 * come, and one byte.
 */
export const STUB_FORMAT = 64;

/** Events are asked for that a bounded recording had to drop. */
export class DroppedEventsError extends Error {
  constructor() {
    super('Events were dropped here for want of room: what follows can be read from the next snapshot on');
    this.name = 'DroppedEventsError';
  }
}

/** @throws DroppedEventsError, NewerFormatError */
export function checkFormat(format: number): void {
  if (format === STUB_FORMAT) throw new DroppedEventsError();
  if (format > BLOCK_FORMAT) throw new NewerFormatError(format);
}

/** Writes sigma.v1.Block, the bytes that are hashed and kept. Byte for byte what protobuf-es writes. */
export function encodeBlock(
  wire: WireWriter,
  chain: ChainId,
  firstSequence: number,
  previousHash: Uint8Array,
  events: readonly EventDraft[],
): void {
  wire.uint(1, BLOCK_FORMAT);
  wire.string(2, chain.tenant);
  wire.string(3, chain.source);
  wire.uint(4, chain.epoch);
  wire.uint(5, firstSequence);
  wire.bytes(6, previousHash);
  let sequence = firstSequence;
  for (const event of events) {
    const mark = wire.open(7, event.data.length);
    encodeEnvelope(wire, sequence++, event);
    wire.close(mark, event.data.length);
  }
}

/** Writes sigma.v1.Envelope. */
export function encodeEnvelope(wire: WireWriter, sequence: number, event: EventDraft): void {
  wire.uint(1, sequence);
  wire.string(2, event.type);
  wire.string(3, event.subject);
  wire.uint(4, event.atUs);
  wire.int(5, event.timeUs);
  wire.string(6, event.traceparent);
  if (event.dataschema !== undefined) wire.string(7, event.dataschema);
  wire.bytes(8, event.data);
}

/**
 * Reads sigma.v1.Block. Fields that this program does not know are passed over.
 *
 * @throws DroppedEventsError, NewerFormatError, MalformedBytesError
 */
export function decodeBlock(bytes: Uint8Array): BlockContent {
  const reader = new WireReader(bytes);
  let format = 0;
  let tenant = '';
  let source = '';
  let epoch = 0;
  let firstSequence = 0;
  let previousHash: Uint8Array = new Uint8Array();
  const events: Uint8Array[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x3a) events.push(reader.bytes());
    else if (tag === 0x08) {
      format = reader.varint();
      checkFormat(format);
    } else if (tag === 0x12) tenant = reader.string();
    else if (tag === 0x1a) source = reader.string();
    else if (tag === 0x20) epoch = reader.varint();
    else if (tag === 0x28) firstSequence = reader.varint();
    else if (tag === 0x32) previousHash = reader.bytes();
    else reader.skip(tag);
  }
  if (format === 0) throw new MalformedBytesError('a block without a format version');
  if (events.length === 0) throw new MalformedBytesError('a block without events');
  return { format, tenant, source, epoch, firstSequence, previousHash, events };
}

const TYPES = new Map<number, readonly { readonly bytes: Uint8Array; readonly name: string }[]>();
for (const name of Object.values(EVENT_TYPE)) {
  const bytes = new TextEncoder().encode(name);
  TYPES.set(bytes.length, [...(TYPES.get(bytes.length) ?? []), { bytes, name }]);
}

/** Type names repeat in every envelope: a known one is compared, not decoded. */
function typeName(content: Uint8Array): string {
  known: for (const { bytes, name } of TYPES.get(content.length) ?? []) {
    // From the end: the common part stands in front.
    for (let i = content.length - 1; i >= 0; i--) if (content[i] !== bytes[i]) continue known;
    return name;
  }
  return new TextDecoder().decode(content);
}

/** Reads sigma.v1.Envelope. @throws MalformedBytesError */
export function decodeEnvelope(bytes: Uint8Array): RecordedEvent {
  const reader = new WireReader(bytes);
  let sequence = 0;
  let type = '';
  let subject = '';
  let atUs = 0;
  let timeUs = 0;
  let traceparent = '';
  let dataschema = '';
  let data: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) sequence = reader.varint();
    else if (tag === 0x12) type = typeName(reader.bytes());
    else if (tag === 0x1a) subject = reader.string();
    else if (tag === 0x20) atUs = reader.varint();
    else if (tag === 0x28) timeUs = reader.signed();
    else if (tag === 0x32) traceparent = reader.string();
    else if (tag === 0x3a) dataschema = reader.string();
    else if (tag === 0x42) data = reader.bytes();
    else reader.skip(tag);
  }
  const event = { sequence, type, subject, atUs, timeUs, traceparent, data };
  return dataschema === '' ? event : { ...event, dataschema };
}

/** What a block, or a stub, says before its events. @throws MalformedBytesError where it carries no hash of the one before it */
export function blockHead(bytes: Uint8Array, from = 0): Pick<BlockContent, 'firstSequence' | 'previousHash'> {
  const reader = new WireReader(bytes, from);
  let firstSequence = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x28) firstSequence = reader.varint();
    else if (tag === 0x32) return { firstSequence, previousHash: reader.bytes() };
    else if (tag === 0x3a) break;
    else reader.skip(tag);
  }
  throw new MalformedBytesError('a block that carries no hash of the one before it');
}

/** What chain and tree need to know of a block, column by column, without an object for any event. */
export interface BlockScan extends Omit<BlockContent, 'events'> {
  /** Where each envelope begins within the block's bytes, and where it ends (exclusive). */
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly sequences: readonly number[];
  readonly atUs: readonly number[];
  /** Place of an opening that is not the chain's first event, or -1. */
  readonly laterOpening: number;
}

const OPENING = new TextEncoder().encode(EVENT_TYPE.opening);

/**
 * Reads sigma.v1.Block and the numbers that give each of its envelopes its place, and passes over the rest: several
 * times cheaper than to decode it.
 *
 * @throws DroppedEventsError, NewerFormatError, MalformedBytesError when fields do not fill what holds them
 */
export function scanBlock(bytes: Uint8Array): BlockScan {
  const reader = new WireReader(bytes);
  let [format, epoch, firstSequence, tenant, source] = [0, 0, 0, '', ''];
  let previousHash: Uint8Array = new Uint8Array();
  const from: number[] = [];
  const to: number[] = [];
  const sequences: number[] = [];
  const atUs: number[] = [];
  let laterOpening = -1;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x3a) {
      const end = reader.enter();
      from.push(reader.at);
      to.push(end);
      let sequence = 0;
      let time = 0;
      let opens = false;
      while (reader.at < end) {
        const field = reader.varint();
        if (field === 0x08) sequence = reader.varint();
        else if (field === 0x20) time = reader.varint();
        else if (field === 0x12) opens = reader.passBytes(OPENING);
        else if ((field & 7) === 2) reader.passBytes(null);
        else if ((field & 7) === 0) reader.passVarint();
        else reader.skip(field);
      }
      if (reader.at !== end) throw new MalformedBytesError('a field is cut short');
      if (opens && sequence !== 1 && laterOpening < 0) laterOpening = sequences.length;
      sequences.push(sequence);
      atUs.push(time);
    } else if (tag === 0x08) {
      format = reader.varint();
      checkFormat(format);
    } else if (tag === 0x12) tenant = reader.string();
    else if (tag === 0x1a) source = reader.string();
    else if (tag === 0x20) epoch = reader.varint();
    else if (tag === 0x28) firstSequence = reader.varint();
    else if (tag === 0x32) previousHash = reader.bytes();
    else reader.skip(tag);
  }
  if (format === 0) throw new MalformedBytesError('a block without a format version');
  if (from.length === 0) throw new MalformedBytesError('a block without events');
  return { format, tenant, source, epoch, firstSequence, previousHash, from, to, sequences, atUs, laterOpening };
}
