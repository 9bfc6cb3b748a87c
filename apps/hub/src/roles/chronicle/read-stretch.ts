import { createHash } from 'node:crypto';
import {
  decodeBlock,
  isStub,
  MalformedBytesError,
  NewerFormatError,
  outgoingBlock,
  type StoredBlock,
} from '@sigma/recorder';
import { type FoundDecision, type FoundMark, type ReadState, readOn } from './read-on.ts';

/** Events of a chain that follow each other, both ends inclusive. */
export interface Stretch {
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** An event as the record has it: SHA-256 of its envelope; null where its block was dropped (R127). */
export interface SeenEvent {
  readonly sequence: number;
  readonly digest: Uint8Array | null;
}

/** What people look for later in a stretch of a chain. */
export interface ReadStretch extends Stretch {
  /** Behind its last event. */
  readonly state: ReadState;
  readonly marks: readonly FoundMark[];
  /** Places of its decisions in the chain, in order. */
  readonly decided: readonly number[];
  /** What these say; none where nobody holds it. */
  readonly decisions: readonly FoundDecision[];
  /** Events that are not what their type says, and blocks that cannot be read. */
  readonly malformed: number;
  /** What stands where events were reported (R193). */
  readonly seen: readonly SeenEvent[];
}

/** Where a chain can be read on from, by whoever has its blocks. */
export interface ReadFrom {
  /** The first event that was not read. */
  readonly next: number;
  /** Before it. */
  readonly state: ReadState;
  /** Reported events that wait for their blocks. */
  readonly waiting: readonly number[];
  /** Whether what decisions say is held; else it is read again when it is wanted. */
  readonly holds: boolean;
}

/**
 * Reads blocks that follow each other. A block that is damaged is for `verify` to tell; what stands behind it is read.
 *
 * @param stretch where the blocks stand, whatever of them can be read
 * @param before the state before the first of them
 * @param waiting reported events, wherever they stand
 * @param holds whether what decisions say is wanted
 */
export function readStretch(
  blocks: readonly StoredBlock[],
  { firstSequence, lastSequence }: Stretch,
  before: ReadState,
  waiting: Iterable<number>,
  holds: boolean,
): ReadStretch {
  let state = before;
  let malformed = 0;
  const marks: FoundMark[] = [];
  const decided: number[] = [];
  const decisions: FoundDecision[] = [];
  const seen: SeenEvent[] = [];
  const due = [...waiting].filter((sequence) => sequence >= firstSequence && sequence <= lastSequence);
  for (const block of blocks) {
    try {
      if (isStub(block.bytes)) {
        // Nobody is told how many hashes stand in it.
        if (due.length === 0) continue;
        const last = block.firstSequence + outgoingBlock(block).count - 1;
        for (const sequence of dueIn(due, block, last)) seen.push({ sequence, digest: null });
        continue;
      }
      const read = readOn(state, block.bytes);
      state = read.state;
      malformed += read.malformed;
      for (const mark of read.marks) marks.push(mark);
      for (const decision of read.decisions) {
        decided.push(decision.event);
        if (holds) decisions.push(decision);
      }
      seen.push(...seenIn(block, dueIn(due, block, read.lastSequence)));
    } catch (error) {
      if (!(error instanceof MalformedBytesError || error instanceof NewerFormatError)) throw error;
      malformed++;
    }
  }
  return { firstSequence, lastSequence, state, marks, decided, decisions, malformed, seen };
}

const dueIn = (due: readonly number[], { firstSequence }: StoredBlock, last: number): readonly number[] =>
  due.length === 0 ? due : due.filter((sequence) => sequence >= firstSequence && sequence <= last);

function seenIn({ firstSequence, bytes }: StoredBlock, due: readonly number[]): readonly SeenEvent[] {
  if (due.length === 0) return [];
  const { events } = decodeBlock(bytes);
  return due.flatMap((sequence) => {
    const envelope = events[sequence - firstSequence];
    return envelope === undefined ? [] : [{ sequence, digest: digestOf(envelope) }];
  });
}

/** In bytes of its own: a `Buffer` would take what it shares along to another thread. */
export const digestOf = (envelope: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(envelope).digest());
