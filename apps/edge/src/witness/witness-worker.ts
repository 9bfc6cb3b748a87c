import { BackThread } from '../live/back-thread.ts';
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
  | { readonly type: 'word'; readonly word: HeadWord };

export type FromWitness =
  | { readonly type: 'word'; readonly word: HeadWord }
  /** A word that was handed in is dealt with. */
  | { readonly type: 'heard' }
  | { readonly type: 'note'; readonly name: WitnessNote; readonly body: unknown };

/** Words on their way to the thread; beyond this a hub that talks too much is not listened to. */
const MOST_UNHEARD = 64;

const LOOK_MS = 20;

/** The thread of heads, as the program holds it; it begins with the first hub that witnesses. */
export class WitnessWorker {
  readonly #thread: BackThread<ToWitness, FromWitness>;
  #unheard = 0;

  constructor(
    data: WitnessThreadData,
    say: (word: HeadWord) => void,
    note: (name: WitnessNote, body: unknown) => void,
  ) {
    this.#thread = new BackThread({
      module: new URL('./witness-thread.ts', import.meta.url),
      data,
      lookMs: LOOK_MS,
      heard: (message) => {
        if (message.type === 'word') say(message.word);
        else if (message.type === 'note') note(message.name, message.body);
        else this.#unheard--;
      },
      failed: (error) => note('edge.witness_failed', { message: error.message }),
    });
  }

  /** @param hubKey Ed25519, 32 bytes; a hub with none does not witness */
  linked(hubKey: Uint8Array): void {
    if (hubKey.length !== 32) return;
    this.#thread.begin();
    this.#thread.tell({ type: 'linked', hubKey });
  }

  lost(): void {
    this.#thread.tell({ type: 'lost' });
  }

  hear(word: HeadWord): void {
    if (!this.#thread.runs || this.#unheard >= MOST_UNHEARD) return;
    this.#unheard++;
    this.#thread.tell({ type: 'word', word });
  }

  /** Everything is on disk: the last heads are shown. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
