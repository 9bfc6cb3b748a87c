import type { MessagePort } from 'node:worker_threads';
import {
  BatchIntake,
  type BatchOutcome,
  type BlockBatch,
  columnsOf,
  giveBack,
  type HybridMark,
  linkedKey,
} from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openPostgres } from '@sigma/recorder/postgres';
import { sha256 } from '@sigma/recorder/sqlite';
import { type BacklogThreadData, batchIn, type FromBacklogs, givenBack, type ToBacklogs } from './backlog-words.ts';
import { DataPort, PackNotComeError } from './data-port.ts';

/** One writes, one reads. */
const CONNECTIONS = 2;

/**
 * What the thread of backlogs does, from its first message to its last.
 *
 * @throws StoreError when the recording cannot be opened; then the thread ends
 */
export async function runBacklogs(data: BacklogThreadData, port: MessagePort): Promise<void> {
  const { url, tenant, givesBack, dataPort } = data;
  const recordings = await openPostgres(url, { connections: CONNECTIONS });
  const tell = (message: FromBacklogs, handed: readonly ArrayBuffer[] = []): void => port.postMessage(message, handed);
  const keeping = new Map<number, PromiseWithResolvers<void>>();
  let marks = 0;
  const keep = (of: HybridMark): Promise<void> => {
    const kept = Promise.withResolvers<void>();
    const mark = ++marks;
    keeping.set(mark, kept);
    tell({ type: 'keep', mark, of });
    return kept.promise;
  };
  const intake = new BatchIntake({ store: recordings.recording(tenant), sha256, packing: zstandard, keep });
  const packs = dataPort === null ? null : new DataPort(dataPort);
  packs?.listen(
    (port) => tell({ type: 'listening', port }),
    ({ message }) => tell({ type: 'deaf', message }),
  );
  const arriving = new ArrivingPacks(packs);
  const answer = (id: number, batch: BlockBatch, outcome: BatchOutcome): void => {
    if (outcome.type !== 'stored') {
      tell({ ...outcome, id });
      return;
    }
    const { type, sequence, blocks, sealed, pack } = outcome;
    if (givesBack) {
      const { given, handed } = givenBack(pack ?? columnsOf(sealed()));
      tell({ type, id, sequence, blocks, given }, handed);
    } else {
      tell({ type, id, sequence, blocks, given: null });
      if (pack !== undefined) giveBack(pack.content.buffer);
    }
    // The store has let go of it.
    if (batch.packed !== undefined) giveBack(batch.packed.bytes.buffer);
  };
  const end = async (): Promise<void> => {
    await packs?.close();
    await recordings.close();
    port.close();
  };
  port.on('message', (message: ToBacklogs) => {
    switch (message.type) {
      case 'take': {
        const { id, ownSource } = message;
        arriving.whole(batchIn(message.batch), (batch) => {
          if (batch instanceof Error) {
            tell({ type: 'refused', id, refusal: 'later', message: batch.message });
            return;
          }
          const door = { tenant, sources: new Set(ownSource ? [batch.source] : []) };
          void intake.take(batch, door).then(
            (outcome) => answer(id, batch, outcome),
            (error: Error) => tell({ type: 'failed', id, message: error.message }),
          );
        });
        return;
      }
      case 'admit':
        packs?.admit(message.key);
        return;
      case 'revoke':
        packs?.revoke(message.key);
        return;
      case 'kept': {
        const kept = keeping.get(message.mark);
        keeping.delete(message.mark);
        if (message.error === null) kept?.resolve();
        else kept?.reject(new Error(message.error));
        return;
      }
      case 'end':
        void end();
    }
  });
}

/** Puts batches and their packs together, of each chain in the order in which they were told of. */
class ArrivingPacks {
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
