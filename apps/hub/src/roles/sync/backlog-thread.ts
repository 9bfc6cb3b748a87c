import { Worker } from 'node:worker_threads';
import { MailboxWatch, mailboxMemory } from '@sigma/bus/mailbox';
import type { BatchOutcome, BatchTaker, BlockBatch, HybridMarks, LinkedChain } from '@sigma/recorder';
import type { ReadFrom } from '../chronicle/read-stretch.ts';
import type { RecordIndex } from '../chronicle/record-index.ts';
import { type BacklogThreadData, type FromBacklogs, handedOver, sentBatch, type ToBacklogs } from './backlog-words.ts';

/** Who looks into what is stored, and lets it be read where it is unpacked anyway. */
export interface AlongIndex {
  /** Asked before a batch is taken, whatever it is. */
  readFrom(batch: LinkedChain & { readonly firstSequence: number }): ReadFrom | null;
  /** Told before anybody hears that it is stored. */
  readonly found: RecordIndex['found'];
}

export interface BacklogThreadOptions extends Omit<BacklogThreadData, 'told'> {
  /** Keeps what the blocks of a batch do not tell; asked for it before they are stored. */
  readonly keep: HybridMarks['add'];
  readonly index: AlongIndex;
  /** Nobody listens on the data port: packs come on the links. */
  readonly deaf?: (message: string) => void;
}

/**
 * Of the thread's own heap. What passes through it lives for a moment, and the batches that may be with it are few; a
 * small young generation is collected quickly and stays in the processor's cache.
 */
const HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 };
/** So often it is looked for what the thread has told: while it has something, and while it has nothing. */
const LOOK_MS = 1;
const IDLE_LOOK_MS = 25;
/** How long an end waits for what the store still commits. */
const LAST_ROUND_MS = 5_000;

interface Asked {
  readonly chain: LinkedChain;
  readonly from: ReadFrom | null;
  readonly outcome: PromiseWithResolvers<BatchOutcome>;
}

/** One life of the thread. */
interface Life {
  readonly worker: Worker;
  readonly mailbox: MailboxWatch<FromBacklogs>;
  readonly asked: Map<number, Asked>;
  readonly ended: Promise<void>;
}

/**
 * Takes in what is of backlogs by a thread of low priority, with a heap and a connection of its own (recorder/SPEC.md
 * R125): unpacking, hashing, planning and storing it, and the garbage of all that, stay away from the thread that hears
 * frames of the moment. It begins with the first batch. Where it ends by itself, or its store fails, it answers nothing
 * more of what it had, and a new one begins with the next batch.
 */
export class BacklogThread implements BatchTaker {
  readonly #options: BacklogThreadOptions;
  #life: Life | null = null;
  #asked = 0;
  #closed = false;
  #listening: (port: number | null) => void = () => undefined;

  constructor(options: BacklogThreadOptions) {
    this.#options = options;
  }

  /** @param heard the port of each life that listens, when it does; null when that life has ended */
  onDataPort(heard: (port: number | null) => void): void {
    this.#listening = heard;
  }

  /** Packs with this key may come on the data port. */
  admit(key: string): void {
    this.#life?.worker.postMessage({ type: 'admit', key } satisfies ToBacklogs);
  }

  revoke(key: string): void {
    this.#life?.worker.postMessage({ type: 'revoke', key } satisfies ToBacklogs);
  }

  /** A pack changes hands as it lies; blocks are copied once. @throws when the thread or its store cannot take it */
  async take(batch: BlockBatch, { sources }: Parameters<BatchTaker['take']>[1]): Promise<BatchOutcome> {
    if (this.#closed) throw new Error('The hub ends');
    this.#life ??= this.#begin();
    const { worker, mailbox, asked } = this.#life;
    const id = ++this.#asked;
    const outcome = Promise.withResolvers<BatchOutcome>();
    const { source, epoch } = batch;
    const from = this.#options.index.readFrom(batch);
    asked.set(id, { chain: { source, epoch }, from, outcome });
    if (asked.size === 1) mailbox.again();
    const sent = sentBatch(batch);
    const ownSource = sources.has(source);
    worker.postMessage({ type: 'take', id, batch: sent, ownSource, from } satisfies ToBacklogs, handedOver(sent));
    return outcome.promise;
  }

  /** What was handed over is still stored. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#life !== null) await this.#retire(this.#life);
  }

  #begin(): Life {
    const { url, tenant, dataPort } = this.#options;
    const told = mailboxMemory();
    const workerData: BacklogThreadData = { url, tenant, dataPort, told };
    const module = new URL('./backlog-worker.ts', import.meta.url);
    const worker = new Worker(module, { workerData, name: 'backlogs', resourceLimits: HEAP });
    const ended = Promise.withResolvers<void>();
    const asked: Life['asked'] = new Map();
    const lookMs = (): number => (asked.size > 0 ? LOOK_MS : IDLE_LOOK_MS);
    const mailbox = new MailboxWatch<FromBacklogs>(told, (message) => this.#heard(life, message), lookMs);
    const life: Life = { worker, mailbox, asked, ended: ended.promise };
    let why = 'it ended by itself';
    worker.on('error', (error) => {
      why = error.message;
    });
    worker.on('exit', () => {
      mailbox.close();
      this.#gone(life);
      const error = new Error(
        `The thread that takes in backlogs is gone (${why}); a new one begins with the next batch`,
      );
      for (const { outcome } of life.asked.values()) outcome.reject(error);
      life.asked.clear();
      ended.resolve();
    });
    return life;
  }

  /** No batch goes to it any more. */
  #gone(life: Life): void {
    if (this.#life !== life) return;
    this.#life = null;
    this.#listening(null);
  }

  #heard(life: Life, message: FromBacklogs): void {
    if (message.type === 'listening') {
      if (this.#life === life) this.#listening(message.port);
      return;
    }
    if (message.type === 'deaf') {
      this.#options.deaf?.(message.message);
      return;
    }
    if (message.type === 'keep') {
      const { mark } = message;
      const tell = (error: string | null): void =>
        life.worker.postMessage({ type: 'kept', mark, error } satisfies ToBacklogs);
      this.#options.keep(message.of).then(
        () => tell(null),
        (error: Error) => tell(error.message),
      );
      return;
    }
    if (message.type === 'found') {
      this.#options.index.found(message.chain, message.read, message.asked);
      return;
    }
    const asked = life.asked.get(message.id);
    life.asked.delete(message.id);
    if (asked === undefined) return;
    const { outcome, chain, from } = asked;
    switch (message.type) {
      case 'stored': {
        const { type, sequence, blocks, read } = message;
        if (read !== null && from !== null) this.#options.index.found(chain, read, from.waiting);
        outcome.resolve({ type, sequence, blocks, sealed: () => [] });
        return;
      }
      case 'refused':
      case 'foreign': {
        const { id, ...told } = message;
        outcome.resolve(told);
        return;
      }
      case 'failed':
        outcome.reject(new Error(message.message));
        void this.#retire(life);
    }
  }

  /** It ends when its store has. */
  async #retire(life: Life): Promise<void> {
    this.#gone(life);
    life.worker.postMessage({ type: 'end' } satisfies ToBacklogs);
    const late = setTimeout(() => void life.worker.terminate(), LAST_ROUND_MS);
    await life.ended;
    clearTimeout(late);
  }
}
