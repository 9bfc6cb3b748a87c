import { Worker } from 'node:worker_threads';
import { MailboxWatch, mailboxMemory } from '@sigma/bus/mailbox';

/** What every such thread understands and says beside its own words. */
export type ToThread<To> = To | { readonly type: 'end' };
export type FromThread<From> = From | { readonly type: 'ended' };

/** What such a thread is begun with. */
export interface BackThreadData<Data> {
  readonly data: Data;
  /** Of the mailbox that it writes: the loop that moves bodies or speaks on a link waits for no lock of it. */
  readonly told: SharedArrayBuffer;
}

export interface BackThreadOptions<From> {
  readonly module: URL;
  readonly data: unknown;
  /** How often it is looked for what the thread has told, where it told nothing lately. */
  readonly lookMs: number;
  readonly heard: (message: From) => void;
  /** It broke: from then on nothing is told to it and nothing is heard of it. */
  readonly failed: (error: Error) => void;
}

/** Of the thread's own heap. */
const HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 };
/** Where something was told more may come: it is looked for so often, so many times. */
const SOON_MS = 1;
const SOON = 20;
/** How long an end waits for the thread's last words. */
const LAST_ROUND_MS = 2_000;

/** A thread behind the program that begins when it is needed and may fail alone: no body feels it. */
export class BackThread<To extends { readonly type: string }, From extends { readonly type: string }> {
  readonly #options: BackThreadOptions<From>;
  #worker: Worker | null = null;
  #failed = false;
  #ended: () => void = () => {};

  constructor(options: BackThreadOptions<From>) {
    this.#options = options;
  }

  /** It was begun, and did not fail. */
  get runs(): boolean {
    return this.#worker !== null && !this.#failed;
  }

  /** Begins it, once. */
  begin(): void {
    if (this.#worker !== null) return;
    const { module, data, lookMs, heard, failed } = this.#options;
    const told = mailboxMemory();
    const workerData: BackThreadData<unknown> = { data, told };
    this.#worker = new Worker(module, { workerData, resourceLimits: HEAP });
    let looks = 0;
    const hear = (message: FromThread<From>): void => {
      looks = 0;
      if (message.type === 'ended') this.#ended();
      else heard(message as From);
    };
    const mailbox = new MailboxWatch(told, hear, () => (++looks < SOON ? SOON_MS : lookMs));
    this.#worker.on('exit', () => mailbox.close());
    this.#worker.on('error', (error) => {
      // What it told before is heard before that.
      mailbox.close();
      this.#failed = true;
      failed(error);
      this.#ended();
    });
  }

  /** Passed over while it does not run. */
  tell(message: ToThread<To>): void {
    if (this.runs) this.#worker?.postMessage(message);
  }

  /** Lets it say its last words, for as long as an end may wait. */
  async close(): Promise<void> {
    if (!this.runs) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
      setTimeout(resolve, LAST_ROUND_MS).unref();
    });
    this.tell({ type: 'end' });
    await ended;
    await this.#worker?.terminate();
  }
}
