import type { MessagePort } from 'node:worker_threads';
import { BatchIntake, type BatchOutcome, columnsOf, giveBack, type HybridMark } from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openPostgres } from '@sigma/recorder/postgres';
import { sha256 } from '@sigma/recorder/sqlite';
import {
  type BacklogThreadData,
  batchIn,
  type FromBacklogs,
  givenBack,
  type SentBatch,
  type ToBacklogs,
} from './backlog-words.ts';

/** One writes, one reads. */
const CONNECTIONS = 2;

/**
 * What the thread of backlogs does, from its first message to its last.
 *
 * @throws StoreError when the recording cannot be opened; then the thread ends
 */
export async function runBacklogs(data: BacklogThreadData, port: MessagePort): Promise<void> {
  const { url, tenant, givesBack } = data;
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
  const answer = (id: number, batch: SentBatch, outcome: BatchOutcome): void => {
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
    if (batch.packed !== null) giveBack(batch.packed.bytes.buffer);
  };
  const end = async (): Promise<void> => {
    await recordings.close();
    port.close();
  };
  port.on('message', (message: ToBacklogs) => {
    switch (message.type) {
      case 'take': {
        const { id, ownSource } = message;
        const batch = batchIn(message.batch);
        const door = { tenant, sources: new Set(ownSource ? [batch.source] : []) };
        void intake.take(batch, door).then(
          (outcome) => answer(id, message.batch, outcome),
          (error: Error) => tell({ type: 'failed', id, message: error.message }),
        );
        return;
      }
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
