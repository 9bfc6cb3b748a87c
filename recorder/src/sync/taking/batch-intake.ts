import type { SealedBlock } from '../../chain-writer.ts';
import type { Sha256 } from '../../event.ts';
import { type BlockStore, ForeignBlockError } from '../../store.ts';
import { type HybridMark, markOf } from '../hybrid-marks.ts';
import { outgoingBlock } from '../outgoing.ts';
import type { Packing } from '../packed-blocks.ts';
import { type BlockBatch, linkedKey, type SyncRefusal } from '../sync-words.ts';
import { blockAt, blocksOf, type PackStore, type SealedPack } from './sealed-pack.ts';
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
      /** The same, where they came packed and were taken as one. */
      readonly pack?: SealedPack;
    }
  /** It is not what it claims to be; or its pack, of this number, has not come (R197). */
  | {
      readonly type: 'refused';
      readonly refusal: SyncRefusal;
      readonly message: string;
      readonly missedPack?: number;
    }
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
  /**
   * Whoever takes a pack may take the memory with it that it lies in, and whatever else lies in there.
   *
   * @throws when the store cannot be asked or cannot take it: then nobody has said that it is stored
   */
  take(batch: BlockBatch, door: BatchDoor): Promise<BatchOutcome>;
}

export interface BatchIntakeOptions {
  /** One that keeps packs is given them as they came. */
  readonly store: Pick<BlockStore, 'append'> & Partial<PackStore>;
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
    const blocks = (): readonly SealedBlock[] => ('pack' in taken ? blocksOf(taken.pack, taken.pack) : taken.blocks);
    const last = 'pack' in taken ? blockAt(taken.pack, taken.pack, taken.pack.blocks - 1) : taken.blocks.at(-1);
    if (last === undefined) throw new Error('A batch that was taken holds a block');
    try {
      const marking = this.#mark(batch, last);
      if (marking !== null) await marking;
      if ('pack' in taken && store.appendPacked !== undefined) await store.appendPacked([taken.pack]);
      else await store.append(blocks());
    } catch (error) {
      if (!(error instanceof ForeignBlockError)) throw error;
      const { sequence, what } = error;
      const block = blocks().find(({ firstSequence }) => firstSequence === sequence);
      const named = block && { hash: block.hash.slice(), previousHash: block.previousHash.slice() };
      return { type: 'foreign', sequence, what, block: named ?? null };
    }
    const sequence = last.firstSequence + last.count - 1;
    const stored = { type: 'stored', sequence, sealed: blocks } as const;
    if ('pack' in taken) return { ...stored, blocks: taken.pack.blocks, pack: taken.pack };
    return { ...stored, blocks: taken.blocks.length };
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
