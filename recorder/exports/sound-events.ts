import { type BlockContent, decodeBlock, decodeEnvelope } from '../src/block.ts';
import { type ChainHead, type ChainId, chainName, type RecordedEvent, type Sha256, sameBytes } from '../src/event.ts';
import { type Recording, StoreCorruptError, type StoredBlock } from '../src/store.ts';
import { decodeStub, isStub } from '../src/sync/gap.ts';
import { Salvage } from '../src/verify/salvage.ts';

/** Events of a chain that could not be taken along, both ends inclusive, and why. */
export interface BadStretch extends ChainId {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly why: string;
  /** Nothing is damaged: they were dropped, and that is on record (R127). */
  readonly dropped?: boolean;
}

export interface SoundEventsOptions {
  readonly sha256: Sha256;
  /** First event wanted; default 1. */
  readonly fromSequence?: number;
  readonly onBad: (stretch: BadStretch) => void;
}

/**
 * The events of a chain as far as they are sound, block by block. A block whose bytes are not those that were hashed, that
 * is another's or stands in the wrong place, or that the store cannot give, is left out and named; reading goes on behind
 * it. What is written after `head` was taken is not read. Not a verification: links, tree and signatures are for `verify`.
 *
 * @throws StoreError other than StoreCorruptError
 */
export async function* soundEvents(
  recording: Recording,
  head: ChainHead,
  { sha256, fromSequence = 1, onBad }: SoundEventsOptions,
): AsyncIterable<readonly RecordedEvent[]> {
  const { tenant, source, epoch } = head;
  const reading = { next: fromSequence, why: '' };
  const tellBad = (toSequence: number): void => {
    onBad({ tenant, source, epoch, fromSequence: reading.next, toSequence, why: reading.why || 'they are missing' });
    reading.why = '';
  };
  for await (const block of readable(recording, head, fromSequence, (why) => (reading.why ||= why))) {
    const gap = isStub(block.bytes) ? gapAt(block, head) : null;
    if (gap !== null) {
      if (reading.next < gap.fromSequence) tellBad(gap.fromSequence - 1);
      onBad({ ...gap, fromSequence: Math.max(reading.next, gap.fromSequence) });
      reading.next = gap.toSequence + 1;
      continue;
    }
    const content = checked(block, head, sha256);
    if (typeof content === 'string') {
      reading.why ||= content;
      continue;
    }
    const events = eventsIn(content);
    if (typeof events === 'string') {
      reading.why ||= events;
      continue;
    }
    const wanted = events.filter(({ sequence }) => sequence >= reading.next && sequence <= head.sequence);
    const [first] = wanted;
    if (first === undefined) continue;
    if (first.sequence > reading.next) tellBad(first.sequence - 1);
    reading.next = (wanted.at(-1) as RecordedEvent).sequence + 1;
    yield wanted;
    if (reading.next > head.sequence) return;
  }
  if (reading.next <= head.sequence) tellBad(head.sequence);
}

/** Every block that the store gives; after damage block by block. */
async function* readable(
  recording: Recording,
  head: ChainHead,
  fromSequence: number,
  onFault: (why: string) => void,
): AsyncIterable<StoredBlock> {
  let behind = fromSequence - 1;
  try {
    for await (const block of recording.blocks(head, fromSequence, head.sequence)) {
      yield block;
      behind = block.firstSequence;
    }
    return;
  } catch (error) {
    if (!(error instanceof StoreCorruptError)) throw error;
    onFault(error.what);
  }
  const salvage = new Salvage(recording, head, head.sequence);
  for await (const block of salvage.blocks()) {
    const fault = salvage.takeFault();
    if (fault !== null) onFault(fault);
    if (block.firstSequence > behind) yield block;
  }
}

/** Dropped blocks as a stretch of their own, or null where the stub is none of this chain or cannot be read. */
function gapAt({ bytes, hash, firstSequence }: StoredBlock, chain: ChainHead): BadStretch | null {
  try {
    const stub = decodeStub(bytes);
    const { tenant, source, epoch, dropped } = stub;
    const own = tenant === chain.tenant && source === chain.source && epoch === chain.epoch;
    const filed = dropped[dropped.length - 1]?.hash ?? new Uint8Array();
    if (!own || stub.firstSequence !== firstSequence || !sameBytes(filed, hash)) return null;
    const toSequence = dropped.reduce((sum, { count }) => sum + count, firstSequence - 1);
    return { tenant, source, epoch, fromSequence: firstSequence, toSequence, why: DROPPED, dropped: true };
  } catch {
    return null;
  }
}

const DROPPED = 'they were dropped by a bounded recording, and a gap on its record says so';

function checked({ bytes, hash }: StoredBlock, chain: ChainId, sha256: Sha256): BlockContent | string {
  if (!sameBytes(sha256(bytes), hash)) return 'the bytes are not those that were recorded';
  try {
    const content = decodeBlock(bytes);
    const own = content.tenant === chain.tenant && content.source === chain.source && content.epoch === chain.epoch;
    return own ? content : `a block of ${chainName(content)} stands there`;
  } catch (error) {
    return (error as Error).message;
  }
}

function eventsIn({ events, firstSequence }: BlockContent): readonly RecordedEvent[] | string {
  try {
    const decoded = events.map(decodeEnvelope);
    const inOrder = decoded.every(({ sequence }, k) => sequence === firstSequence + k);
    return inOrder ? decoded : 'the events of a block are not numbered one after another';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A stretch in words. */
export const describeStretch = ({ why, fromSequence, toSequence, ...chain }: BadStretch): string =>
  `${chainName(chain)}: events ${fromSequence} to ${toSequence} are left out, ${why}`;
