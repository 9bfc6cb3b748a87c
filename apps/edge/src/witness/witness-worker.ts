import { Worker } from 'node:worker_threads';
import type { HeadWord, WitnessNote } from './edge-witness.ts';

export interface WitnessThreadData {
  readonly tenant: string;
  readonly edgeId: string;
  /** Where the edge keeps its key, and what it saw. */
  readonly folder: string;
  readonly recordingPath: string;
  /** Writers of this edge's chains. */
  readonly sources: readonly string[];
  readonly everyMs: number;
}

export type ToWitness =
  | { readonly type: 'linked'; readonly hubKey: Uint8Array }
  | { readonly type: 'lost' }
  | { readonly type: 'word'; readonly word: HeadWord }
  | { readonly type: 'end' };

export type FromWitness =
  | { readonly type: 'word'; readonly word: HeadWord }
  /** A word that was handed in is dealt with. */
  | { readonly type: 'heard' }
  | { readonly type: 'note'; readonly name: WitnessNote; readonly body: unknown }
  | { readonly type: 'ended' };

/** Words on their way to the thread; beyond this a hub that talks too much is not listened to. */
const MOST_UNHEARD = 64;
/** How long an end waits for the last heads to be cosigned. */
const LAST_ROUND_MS = 2_000;

/** The thread of heads, as the program holds it; it begins with the first hub that witnesses. */
export class WitnessWorker {
  readonly #data: WitnessThreadData;
  readonly #say: (word: HeadWord) => void;
  readonly #note: (name: WitnessNote, body: unknown) => void;
  #worker: Worker | null = null;
  #failed = false;
  #unheard = 0;
  #ended: () => void = () => {};

  constructor(
    data: WitnessThreadData,
    say: (word: HeadWord) => void,
    note: (name: WitnessNote, body: unknown) => void,
  ) {
    this.#data = data;
    this.#say = say;
    this.#note = note;
  }

  /** @param hubKey Ed25519, 32 bytes; a hub with none does not witness */
  linked(hubKey: Uint8Array): void {
    if (hubKey.length !== 32 || this.#failed) return;
    this.#worker ??= this.#start();
    this.#tell({ type: 'linked', hubKey });
  }

  lost(): void {
    this.#tell({ type: 'lost' });
  }

  hear(word: HeadWord): void {
    if (this.#worker === null || this.#unheard >= MOST_UNHEARD) return;
    this.#unheard++;
    this.#tell({ type: 'word', word });
  }

  /** Everything is on disk: the last heads are shown, for as long as an end may wait. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null || this.#failed) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
      setTimeout(resolve, LAST_ROUND_MS).unref();
    });
    this.#tell({ type: 'end' });
    await ended;
    await worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./witness-thread.ts', import.meta.url), { workerData: this.#data });
    worker.on('message', (message: FromWitness) => {
      if (message.type === 'word') this.#say(message.word);
      else if (message.type === 'note') this.#note(message.name, message.body);
      else if (message.type === 'heard') this.#unheard--;
      else this.#ended();
    });
    worker.on('error', (error) => {
      this.#failed = true;
      this.#note('edge.witness_failed', { message: error.message });
      this.#ended();
    });
    return worker;
  }

  #tell(message: ToWitness): void {
    if (!this.#failed) this.#worker?.postMessage(message);
  }
}
