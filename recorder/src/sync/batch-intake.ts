import type { SealedBlock } from '../chain-writer.ts';
import type { Sha256 } from '../event.ts';
import { type BlockStore, ForeignBlockError } from '../store.ts';
import { type HybridMark, markOf } from './hybrid-marks.ts';
import { outgoingBlock } from './outgoing.ts';
import type { Packing } from './packed-blocks.ts';
import { type BlockBatch, linkedKey, type SyncRefusal } from './sync-words.ts';
import { type BatchDoor, takeBatch } from './take-batch.ts';

/** What became of a batch: all of it is on disk, or nothing of it. */
export type BatchOutcome =
  | {
      readonly type: 'stored';
      /** Of the last event. */
      readonly sequence: number;
      readonly blocks: number;
      /** The blocks, in order, made when somebody asks; none where they were not kept for that. */
      readonly sealed: () => readonly SealedBlock[];
    }
  /** It is not what it claims to be. */
  | { readonly type: 'refused'; readonly refusal: SyncRefusal; readonly message: string }
  /** One of its blocks continues no chain. */
  | {
      readonly type: 'foreign';
      readonly sequence: number;
      readonly what: string;
      /** Of that block; null where the batch has none that begins there. */
      readonly block: Pick<SealedBlock, 'hash' | 'previousHash'> | null;
    };

/** Who takes batches into a recording; batches of one chain in the order in which they are handed over. */
export interface BatchTaker {
  /** @throws when the store cannot be asked or cannot take it: then nobody has said that it is stored */
  take(batch: BlockBatch, door: BatchDoor): Promise<BatchOutcome>;
}

export interface BatchIntakeOptions {
  readonly store: Pick<BlockStore, 'append'>;
  readonly sha256: Sha256;
  /** How packed blocks are unpacked; absent: none are taken. */
  readonly packing?: Packing;
  /** Keeps what the blocks of a batch do not tell, before they are stored. */
  readonly keep?: (mark: HybridMark) => Promise<void>;
}

/** Judges batches and hands them to a store, in this thread. Decides nothing of whose turn it is. */
export class BatchIntake implements BatchTaker {
  readonly #options: BatchIntakeOptions;
  /** By chain, marks on their way to the disk: the blocks behind them keep their order. */
  readonly #marking = new Map<string, Promise<void>>();

  constructor(options: BatchIntakeOptions) {
    this.#options = options;
  }

  async take(batch: BlockBatch, door: BatchDoor): Promise<BatchOutcome> {
    const { store, sha256, packing } = this.#options;
    const taken = takeBatch(batch, door, sha256, packing);
    if ('refusal' in taken) return { type: 'refused', ...taken };
    const { blocks } = taken;
    const last = blocks.at(-1) as SealedBlock;
    try {
      const marking = this.#mark(batch, last);
      if (marking !== null) await marking;
      await store.append(blocks);
    } catch (error) {
      if (!(error instanceof ForeignBlockError)) throw error;
      const { sequence, what } = error;
      const block = blocks.find(({ firstSequence }) => firstSequence === sequence);
      const named = block && { hash: block.hash.slice(), previousHash: block.previousHash.slice() };
      return { type: 'foreign', sequence, what, block: named ?? null };
    }
    const sequence = last.firstSequence + last.count - 1;
    return { type: 'stored', sequence, blocks: blocks.length, sealed: () => blocks };
  }

  /** Keeps the moment of a batch where its last block does not tell it. @returns null when there is nothing to wait for */
  #mark(batch: BlockBatch, last: SealedBlock): Promise<void> | null {
    const { keep } = this.#options;
    const key = linkedKey(batch);
    const before = this.#marking.get(key) ?? null;
    if (keep === undefined) return before;
    const { firstSequence, count, lastTimeUs } = outgoingBlock(last);
    const place = { ...batch, lastSequence: firstSequence + count - 1 };
    const mark = markOf(place, batch.time, lastTimeUs);
    if (mark === null) return before;
    const marking: Promise<void> = Promise.allSettled([before])
      .then(() => keep(mark))
      .finally(() => {
        if (this.#marking.get(key) === marking) this.#marking.delete(key);
      });
    this.#marking.set(key, marking);
    return marking;
  }
}
