import type { SealedBlock } from '../src/chain-writer.ts';
import { StoreClosedError, type StoreError } from '../src/store.ts';

interface Waiter<Unit> {
  readonly blocks: readonly Unit[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions<Unit> {
  /** Names the recording in errors. */
  readonly path: string;
  /**
   * Writes groups in one transaction; for each null, or why it was refused. Rejects when nobody can know what is on
   * disk, or when the store can take no more.
   */
  readonly commit: (groups: readonly (readonly Unit[])[]) => Promise<readonly (Error | null)[]>;
  readonly mostBytesACommit: number;
}

/**
 * Group commit: what is appended while a commit runs waits together for the next one, and one sync answers for all. A
 * failed commit is final: everyone who waits hears of it, and so does whoever comes later.
 */
export class GroupCommit<Unit extends { readonly bytes: Uint8Array } = SealedBlock> {
  readonly #options: GroupCommitOptions<Unit>;
  #failure: StoreError | null = null;
  #waiting: Waiter<Unit>[] = [];
  #running: Promise<void> | null = null;

  constructor(options: GroupCommitOptions<Unit>) {
    this.#options = options;
  }

  append(blocks: readonly Unit[]): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ blocks, bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Takes nothing more, and waits for what was appended: that is still served. */
  async close(): Promise<void> {
    this.#failure ??= new StoreClosedError(this.#options.path, 'is closed', 'Open it again');
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const flying = this.#take();
      try {
        const answers = await this.#options.commit(flying.map(({ blocks }) => blocks));
        for (let i = 0; i < flying.length; i++) {
          const refused = answers[i];
          if (refused == null) flying[i]?.resolve();
          else flying[i]?.reject(refused);
        }
      } catch (error) {
        this.#failure = error as StoreError;
        for (const { reject } of [...flying, ...this.#waiting.splice(0)]) reject(error as StoreError);
      }
    }
    this.#running = null;
  }

  /** The oldest groups that fit into one commit; always one. */
  #take(): readonly Waiter<Unit>[] {
    let bytes = 0;
    let count = 0;
    for (const waiter of this.#waiting) {
      bytes += waiter.bytes;
      if (count > 0 && bytes > this.#options.mostBytesACommit) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
