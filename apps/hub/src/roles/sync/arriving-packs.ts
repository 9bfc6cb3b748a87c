import { type BlockBatch, linkedKey } from '@sigma/recorder';
import { type DataPort, PackNotComeError } from './data-port.ts';

/** Puts batches and their packs together, of each chain in the order in which they were told of. */
export class ArrivingPacks {
  readonly #packs: DataPort | null;
  /** By chain, the last batch of those that wait for a pack, their own or one before. */
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(packs: DataPort | null) {
    this.#packs = packs;
  }

  /** @param take is called once, and at once where there is nothing to wait for */
  whole(batch: BlockBatch, take: (batch: BlockBatch | PackNotComeError) => void): void {
    const key = linkedKey(batch);
    const before = this.#waiting.get(key);
    const come = this.#withPack(batch);
    if (before === undefined && !(come instanceof Promise)) {
      take(come);
      return;
    }
    const turn = Promise.all([come, before]).then(([whole]) => take(whole));
    this.#waiting.set(key, turn);
    void turn.then(() => {
      if (this.#waiting.get(key) === turn) this.#waiting.delete(key);
    });
  }

  #withPack(batch: BlockBatch): BlockBatch | PackNotComeError | Promise<BlockBatch | PackNotComeError> {
    const { outOfBand, ...rest } = batch;
    if (outOfBand === undefined) return batch;
    const { unpackedBytes } = outOfBand;
    const packed = (bytes: Uint8Array): BlockBatch => ({ ...rest, packed: { bytes, unpackedBytes } });
    try {
      const pack = this.#packs?.claim(outOfBand) ?? new PackNotComeError('this hub has no data port');
      if (pack instanceof Promise) return pack.then(packed, notCome);
      return pack instanceof Error ? pack : packed(pack);
    } catch (error) {
      return notCome(error);
    }
  }
}

function notCome(error: unknown): PackNotComeError {
  if (error instanceof PackNotComeError) return error;
  throw error;
}
