import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { GapSchema } from '@sigma/proto';
import { STUB_FORMAT } from '../block.ts';
import type { SealedBlock } from '../chain-writer.ts';
import { type ChainId, EVENT_TYPE, type EventDraft, sameBytes } from '../event.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';

/** A block that was dropped, or a row of them: what is still known of it. */
export interface DroppedBlock {
  /** Of the last. */
  readonly hash: Uint8Array;
  /** Events in it, at least 1. */
  readonly count: number;
  /** More than the one, where nothing is known any more of what stood between them. */
  readonly blocks?: number;
}

/** What stands where blocks were dropped (R127). */
export interface Stub extends ChainId {
  readonly firstSequence: number;
  readonly previousHash: Uint8Array;
  /** At least one, in order. */
  readonly dropped: readonly DroppedBlock[];
  /** Agent time of the last event. */
  readonly lastAtUs: number;
}

/** The event that says so. */
export interface Gap {
  /** Of the chain that lacks them: that which the event stands in, or an earlier one of the same source. */
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly eventClass: string;
  readonly reason: string;
  /** Of the dropped blocks the last hashes, at least that of the last one, in order. */
  readonly hashes: readonly Uint8Array[];
}

const lastOf = <T>(items: readonly T[]): T => items[items.length - 1] as T;

export const stubCount = ({ dropped }: Pick<Stub, 'dropped'>): number =>
  dropped.reduce((sum, { count }) => sum + count, 0);

/** Blocks that a stub stands for. */
export const stubBlocks = ({ dropped }: Pick<Stub, 'dropped'>): number =>
  dropped.reduce((sum, { blocks = 1 }) => sum + blocks, 0);

/** The same stretch, of which only the end is known: no hub that has part of it can be sent the rest. */
export function coarse(stub: Stub): Stub {
  return { ...stub, dropped: [{ hash: lastOf(stub.dropped).hash, count: stubCount(stub), blocks: stubBlocks(stub) }] };
}

/** A stub as a store takes it: filed under the hash of the last block that it stands for. */
export function sealStub(stub: Stub): SealedBlock {
  const { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs } = stub;
  if (dropped.length === 0) throw new Error('A stub stands for one block at least');
  const wire = new WireWriter(256);
  wire.uint(1, STUB_FORMAT);
  wire.string(2, tenant);
  wire.string(3, source);
  wire.uint(4, epoch);
  wire.uint(5, firstSequence);
  wire.bytes(6, previousHash);
  for (const { hash, count, blocks = 1 } of dropped) {
    const mark = wire.open(8);
    wire.bytes(1, hash);
    wire.uint(2, count);
    if (blocks > 1) wire.uint(3, blocks);
    wire.close(mark);
  }
  wire.uint(9, lastAtUs);
  return {
    tenant,
    source,
    epoch,
    bytes: wire.take(),
    hash: lastOf(dropped).hash,
    previousHash,
    firstSequence,
    count: stubCount(stub),
    firstAtUs: lastAtUs,
    lastAtUs,
    snapshots: [],
  };
}

/** Whether bytes are a stub rather than a block with events; looks at their beginning only. */
export const isStub = (bytes: Uint8Array): boolean => bytes[0] === 0x08 && bytes[1] === STUB_FORMAT;

/** @throws MalformedBytesError */
export function decodeStub(bytes: Uint8Array): Stub {
  const reader = new WireReader(bytes);
  let [format, epoch, firstSequence, lastAtUs, tenant, source] = [0, 0, 0, 0, '', ''];
  let previousHash: Uint8Array = new Uint8Array();
  const dropped: DroppedBlock[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) format = reader.varint();
    else if (tag === 0x12) tenant = reader.string();
    else if (tag === 0x1a) source = reader.string();
    else if (tag === 0x20) epoch = reader.varint();
    else if (tag === 0x28) firstSequence = reader.varint();
    else if (tag === 0x32) previousHash = reader.bytes();
    else if (tag === 0x42) dropped.push(decodeDropped(reader.part()));
    else if (tag === 0x48) lastAtUs = reader.varint();
    else if (tag === 0x3a) throw new MalformedBytesError('a stub with events');
    else reader.skip(tag);
  }
  if (format !== STUB_FORMAT || dropped.length === 0) throw new MalformedBytesError('no stub');
  if (firstSequence < 1 || previousHash.length !== 32) throw new MalformedBytesError('a stub without its place');
  return { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs };
}

function decodeDropped(reader: WireReader): DroppedBlock {
  let hash: Uint8Array = new Uint8Array();
  let [count, blocks] = [0, 1];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) hash = reader.bytes();
    else if (tag === 0x10) count = reader.varint();
    else if (tag === 0x18) blocks = reader.varint();
    else reader.skip(tag);
  }
  if (hash.length !== 32 || count < 1) throw new MalformedBytesError('a dropped block without hash or events');
  if (blocks < 1 || blocks > count) throw new MalformedBytesError('dropped blocks without events');
  return { hash, count, ...(blocks > 1 && { blocks }) };
}

/**
 * What is left of a stub behind the events that a hub has already.
 *
 * @param from first event that is still wanted, within the stub
 * @returns null where no block of the stretch began there
 */
export function restOfStub(stub: Stub, from: number): Stub | null {
  let next = stub.firstSequence;
  for (const [i, { count }] of stub.dropped.entries()) {
    if (next === from) {
      const previousHash = stub.dropped[i - 1]?.hash ?? stub.previousHash;
      return { ...stub, firstSequence: from, previousHash, dropped: stub.dropped.slice(i) };
    }
    next += count;
  }
  return null;
}

/** `sigma.gap.v1`, for the end of the chain out of which a stretch is dropped, or of a later one of the same source. */
export function gapEvent(gap: Gap, atUs: number, timeUs: number): EventDraft {
  const { firstSequence, lastSequence, hashes, ...same } = gap;
  const message = create(GapSchema, {
    ...same,
    firstSequence: BigInt(firstSequence),
    lastSequence: BigInt(lastSequence),
    hash: lastOf(hashes),
    hashes: [...hashes],
  });
  const data = toBinary(GapSchema, message);
  return { type: EVENT_TYPE.gap, subject: '', atUs, timeUs, traceparent: '', data };
}

/** @param standsIn epoch of the chain that the event stands in: what older writers tell of, who name none */
export function decodeGap(data: Uint8Array, standsIn: number): Gap {
  const { epoch = standsIn, firstSequence, lastSequence, eventClass, reason, hashes } = fromBinary(GapSchema, data);
  const [first, last] = [Number(firstSequence), Number(lastSequence)];
  return { epoch, firstSequence: first, lastSequence: last, eventClass, reason, hashes };
}

/** Whether a gap of the same source accounts for a stub: it covers the stretch, and what both name are the same blocks. */
export function accountsFor(gap: Gap, stub: Stub): boolean {
  const { dropped } = stub;
  const most = Math.min(gap.hashes.length, dropped.length);
  return (
    most > 0 &&
    gap.epoch === stub.epoch &&
    gap.firstSequence <= stub.firstSequence &&
    gap.lastSequence === stub.firstSequence + stubCount(stub) - 1 &&
    dropped.slice(-most).every(({ hash }, i) => sameBytes(hash, gap.hashes[gap.hashes.length - most + i] as Uint8Array))
  );
}
