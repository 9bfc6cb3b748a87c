import type { MessagePort } from 'node:worker_threads';
import { MailboxWriter } from '@sigma/bus/mailbox';
import { BatchIntake, type BatchOutcome, type BlockBatch, giveBack, type HybridMark, linkedKey } from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openPostgres } from '@sigma/recorder/postgres';
import { sha256 } from '@sigma/recorder/sqlite';
import type { ReadFrom } from '../chronicle/read-stretch.ts';
import { ArrivingPacks } from './arriving-packs.ts';
import { type BacklogThreadData, batchIn, type FromBacklogs, type ToBacklogs } from './backlog-words.ts';
import { DataPort } from './data-port.ts';
import { ReadAlong } from './read-along.ts';

/** One writes, one reads. */
const CONNECTIONS = 2;

/**
 * What the thread of backlogs does, from its first message to its last.
 *
 * @throws StoreError when the recording cannot be opened; then the thread ends
 */
export async function runBacklogs(data: BacklogThreadData, port: MessagePort): Promise<void> {
  const { url, tenant, dataPort } = data;
  const recordings = await openPostgres(url, { connections: CONNECTIONS });
  const told = new MailboxWriter<FromBacklogs>(data.told);
  const tell = (message: FromBacklogs): void => told.post(message);
  const keeping = new Map<number, PromiseWithResolvers<void>>();
  let marks = 0;
  const keep = (of: HybridMark): Promise<void> => {
    const kept = Promise.withResolvers<void>();
    const mark = ++marks;
    keeping.set(mark, kept);
    tell({ type: 'keep', mark, of });
    return kept.promise;
  };
  const store = recordings.recording(tenant);
  const intake = new BatchIntake({ store, sha256, packing: zstandard, keep });
  const packs = dataPort === null ? null : new DataPort(dataPort);
  packs?.listen(
    (port) => tell({ type: 'listening', port }),
    ({ message }) => tell({ type: 'deaf', message }),
  );
  const arriving = new ArrivingPacks(packs);
  /** By chain, what was handed to the store last. */
  const storing = new Map<string, Promise<void>>();
  const along = new ReadAlong({
    blocks: (chain, from, to) => store.blocks({ tenant, ...chain }, from, to),
    found: (chain, read, asked) => tell({ type: 'found', chain, read, asked }),
  });
  const answer = (id: number, batch: BlockBatch, from: ReadFrom | null, outcome: BatchOutcome): void => {
    if (outcome.type !== 'stored') {
      tell({ ...outcome, id });
      return;
    }
    const { type, sequence, blocks, sealed, pack } = outcome;
    const { source, epoch } = batch;
    const read = along.read({ source, epoch }, from, sealed);
    tell({ type, id, sequence, blocks, read });
    // The store has let go of it.
    if (pack !== undefined) giveBack(pack.content.buffer);
    if (batch.packed !== undefined) giveBack(batch.packed.bytes.buffer);
  };
  const end = async (): Promise<void> => {
    await packs?.close();
    await along.close();
    await recordings.close();
    await told.sent();
    port.close();
  };
  port.on('message', (message: ToBacklogs) => {
    switch (message.type) {
      case 'take': {
        const { id, ownSource, from } = message;
        const key = linkedKey(message.batch);
        arriving.whole(batchIn(message.batch), (batch) => {
          if (batch instanceof Error) {
            // Where the chain ends is told with it: what is under way of that comes first.
            const missedPack = message.batch.outOfBand?.number ?? 0;
            const refuse = (): void =>
              tell({ type: 'refused', id, refusal: 'later', message: batch.message, missedPack });
            void Promise.resolve(storing.get(key)).then(refuse);
            return;
          }
          const door = { tenant, sources: new Set(ownSource ? [batch.source] : []) };
          const stored = intake.take(batch, door).then(
            (outcome) => answer(id, batch, from, outcome),
            (error: Error) => tell({ type: 'failed', id, message: error.message }),
          );
          storing.set(key, stored);
          void stored.then(() => {
            if (storing.get(key) === stored) storing.delete(key);
          });
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
