import {
  byChain,
  type ChainHead,
  decodeBlock,
  decodeEnvelope,
  isStub,
  MalformedBytesError,
  type Recording,
  type StoredBlock,
  StoreError,
  sameBytes,
} from '@sigma/recorder';
import { SEALED_TYPE } from '@sigma/recorder/personal';
import type { SealedText } from './written-texts.ts';

/** Up to where of the hub's own chain texts are in the index, and how many there were. */
export interface IndexedUpTo {
  readonly epoch: number;
  /** Last event of a block, and that block's hash. */
  readonly sequence: number;
  readonly hash: string;
  readonly texts: number;
}

/** The table that texts are found in by reference: everything in it is on record, and can be made anew from there. */
export interface TextIndex {
  upTo(): Promise<IndexedUpTo | null>;
  count(): Promise<number>;
  /** Texts that it has already stay as they are. Together with the place, or not at all. */
  put(texts: readonly SealedText[], upTo: IndexedUpTo | null): Promise<void>;
}

export interface IndexReport {
  /** Texts that were on record and not in the table. */
  readonly added: number;
  /** What of the record could not be read; null: nothing. */
  readonly missed: Error | null;
}

const SUBJECT = /^text:([0-9a-f]{32})$/;
const MARK = Buffer.from('text:');
/** Texts that go into the table in one transaction. */
const TOGETHER = 1_000;

/**
 * Brings the table of texts up to what is on record (SPEC R190): from where it was left, and from the beginning where it
 * holds fewer than there were by then, or was made with another recording, as after it was lost or restored to a moment.
 * To be done before anybody writes.
 *
 * @param recording with what was moved out of it
 * @param hot what is left where that cannot be read
 */
export async function indexTexts(
  recording: Recording,
  hot: Recording,
  tenant: string,
  index: TextIndex,
): Promise<IndexReport> {
  const heads = (await hot.heads()).filter((head) => head.tenant === tenant && head.source === 'hub').sort(byChain);
  const before = await index.count();
  const left = await index.upTo();
  const from = left !== null && (await stands(recording, heads, left)) ? left : null;
  const reader = { recording, hot, heads, index };
  let read = await indexFrom(reader, from);
  if (from !== null && (await index.count()) < read.texts) read = await indexFrom(reader, null);
  return { added: (await index.count()) - before, missed: read.missed };
}

interface Reader {
  readonly recording: Recording;
  readonly hot: Recording;
  readonly heads: readonly ChainHead[];
  readonly index: TextIndex;
}

/** @returns how many texts are on record up to the end */
async function indexFrom(
  { recording, hot, heads, index }: Reader,
  from: IndexedUpTo | null,
): Promise<{ readonly texts: number; readonly missed: Error | null }> {
  let texts = from?.texts ?? 0;
  let missed: Error | null = null;
  let waiting: SealedText[] = [];
  let place: IndexedUpTo | null = from;
  for (const head of heads) {
    if (from !== null && head.epoch < from.epoch) continue;
    const next = from?.epoch === head.epoch ? from.sequence + 1 : 1;
    const failed = (error: unknown): void => {
      missed ??= unreadable(error);
    };
    for await (const block of readableBlocks(recording, hot, head, next, failed)) {
      const told = await textsIn(block).catch(failed);
      if (told === undefined) continue;
      const { found, lastSequence } = told;
      waiting.push(...found);
      texts += found.length;
      place = { epoch: head.epoch, sequence: lastSequence, hash: Buffer.from(block.hash).toString('hex'), texts };
      if (waiting.length < TOGETHER) continue;
      await index.put(waiting, missed === null ? place : null);
      waiting = [];
    }
  }
  await index.put(waiting, missed === null ? place : null);
  return { texts, missed };
}

/** Blocks from a sequence on; behind what cannot be read, those that are hot. */
async function* readableBlocks(
  recording: Recording,
  hot: Recording,
  head: ChainHead,
  from: number,
  failed: (error: unknown) => void,
): AsyncIterable<StoredBlock> {
  let last = from - 1;
  try {
    for await (const block of recording.blocks(head, from, head.sequence)) {
      yield block;
      last = Math.max(last, block.firstSequence);
    }
    return;
  } catch (error) {
    failed(error);
  }
  for await (const block of hot.blocks(head, last + 1, head.sequence)) if (block.firstSequence > last) yield block;
}

/** What keeps a hub from nothing but these texts. @throws anything else */
function unreadable(error: unknown): Error {
  if (error instanceof StoreError || error instanceof MalformedBytesError) return error;
  throw error;
}

async function textsIn({ bytes, firstSequence }: StoredBlock) {
  if (isStub(bytes)) return { found: [], lastSequence: firstSequence };
  const { events } = decodeBlock(bytes);
  const lastSequence = firstSequence + events.length - 1;
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(MARK) < 0)
    return { found: [], lastSequence };
  const found: SealedText[] = [];
  for (const envelope of events) {
    const { type, subject, data } = decodeEnvelope(envelope);
    const id = type === SEALED_TYPE ? SUBJECT.exec(subject)?.[1] : undefined;
    if (id !== undefined) found.push({ id, sealed: data });
  }
  return { found, lastSequence };
}

/** True when the recording holds the very block that a table was brought up to. */
async function stands(recording: Recording, heads: readonly ChainHead[], place: IndexedUpTo): Promise<boolean> {
  const head = heads.find(({ epoch }) => epoch === place.epoch);
  if (head === undefined || head.sequence < place.sequence) return false;
  const expected = Buffer.from(place.hash, 'hex');
  try {
    for await (const { hash } of recording.blocks(head, place.sequence, place.sequence))
      return sameBytes(hash, expected);
  } catch (error) {
    unreadable(error);
  }
  return false;
}
