import { setImmediate as turn } from 'node:timers/promises';
import {
  type ChainId,
  encodeProofFile,
  formatNoteKey,
  logKey,
  logOf,
  proveEvent,
  type Recording,
  type SigningKey,
  type StoredBlock,
} from '@sigma/recorder';
import { openProofShelf, type ProofShelf } from '@sigma/recorder/proof-shelf';
import { sha256 } from '@sigma/recorder/sqlite';
import type { BlockReader } from './records.ts';

export interface HandedProof {
  /** A proof file (recorder R135). */
  readonly proof: Uint8Array;
  /** Key that signed the head it is under, as text. */
  readonly key: string;
}

/** Makes proofs of single events, one after the other: the first of a chain reads all of it. */
export interface ProofDesk {
  /** @throws TooManyProofsError, NoSuchEventError, TilesDifferError, StoreError */
  prove(chain: ChainId, sequence: number): Promise<HandedProof>;
  close(): Promise<void>;
}

export class TooManyProofsError extends Error {
  constructor() {
    super('many proofs are being made already; ask again in a minute');
    this.name = 'TooManyProofsError';
  }
}

const MOST_WAITING = 8;
/** Blocks hashed before the hub does something else. */
const BLOCKS_A_TURN = 16;

/**
 * @param shelfAt name beside which tiles are kept, so that a second proof of a chain reads a handful of them
 * @param key signs the heads of trees: the hub answers for what it shows
 */
export function openProofDesk(blocks: BlockReader, shelfAt: string, key: SigningKey): ProofDesk {
  const recording = patient(blocks);
  let shelf: ProofShelf | null = null;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const make = async (chain: ChainId, sequence: number): Promise<HandedProof> => {
    shelf ??= openProofShelf(shelfAt);
    const proved = await proveEvent(recording, chain, sequence, { key }, sha256, shelf);
    return {
      proof: encodeProofFile(proved),
      key: formatNoteKey(logKey(await logOf(recording, chain, sha256), key.publicKey), sha256),
    };
  };
  return {
    prove: (chain, sequence) => {
      if (waiting >= MOST_WAITING) return Promise.reject(new TooManyProofsError());
      waiting++;
      const mine = last.then(() => make(chain, sequence));
      last = mine.catch(() => undefined).finally(() => waiting--);
      return mine;
    },
    close: async () => {
      await last;
      await shelf?.close();
    },
  };
}

/** Reads as others do, but lets the hub do other things in between. */
const patient = (blocks: BlockReader): Recording => ({
  heads: () => blocks.heads(),
  snapshotBefore: (chain, atUs) => blocks.snapshotBefore(chain, atUs),
  async *blocks(chain, fromSequence, toSequence): AsyncIterable<StoredBlock> {
    let read = 0;
    for await (const block of blocks.blocks(chain, fromSequence, toSequence)) {
      yield block;
      if (++read % BLOCKS_A_TURN === 0) await turn();
    }
  },
  close: async () => {},
});
