import { decodeBlock, decodeEnvelope, NO_BLOCK } from '../src/block.ts';
import { type ChainHead, chainName, type Sha256, sameBytes } from '../src/event.ts';
import type { StoredBlock } from '../src/store.ts';

/** The last block of a chain as it is stored, and the hash stored with the one before it (null for a first block). */
export interface StoredTail {
  readonly last: StoredBlock;
  readonly hashBefore: Uint8Array | null;
  /** Sequence at which the one before it ends (0 before a first block), where the store can tell. */
  readonly sequenceBefore?: number;
}

/**
 * Whether the end of a chain is as it was written: its bytes, its owner, its events and its link. Nothing may be written
 * behind an end that is not.
 *
 * @returns null, or what is wrong with it
 */
export function tailFault(head: ChainHead, tail: StoredTail | null, sha256: Sha256): string | null {
  if (tail === null) return 'its last block is missing';
  const { last, hashBefore, sequenceBefore } = tail;
  if (!sameBytes(last.hash, head.hash)) return 'the hash of its last block is not the one its end was noted with';
  if (!sameBytes(sha256(last.bytes), last.hash)) return 'its bytes do not have the hash stored beside them';
  try {
    const block = decodeBlock(last.bytes);
    if (block.tenant !== head.tenant || block.source !== head.source || block.epoch !== head.epoch) {
      return `it belongs to ${chainName(block)}`;
    }
    const end = decodeEnvelope(block.events[block.events.length - 1] as Uint8Array);
    if (block.firstSequence !== last.firstSequence || end.sequence !== head.sequence) {
      return `it holds the events ${block.firstSequence} to ${end.sequence}`;
    }
    if (sequenceBefore !== undefined && sequenceBefore + 1 !== block.firstSequence) {
      return `the events after ${sequenceBefore} are missing`;
    }
    if (!sameBytes(block.previousHash, hashBefore ?? NO_BLOCK)) {
      return 'it does not carry the hash of the block before it';
    }
  } catch (error) {
    return (error as Error).message;
  }
  return null;
}
