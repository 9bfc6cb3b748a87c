import { Worker } from 'node:worker_threads';
import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainHead, ChainId } from '../../src/event.ts';
import {
  type BlockStore,
  type RunRecording,
  StoreClosedError,
  type StoredBlock,
  type StoreError,
} from '../../src/store.ts';
import { storeError } from './errors.ts';
import { SqliteFile, type SqliteOptions } from './sqlite-file.ts';
import { type Commit, type CommitAnswer, reviveError, type WriterData } from './worker-messages.ts';

export { copySqlite, removeRecording } from './copies.ts';
export { assertNotOpen } from './release.ts';
export { sha256 } from './sha256.ts';
export type { SqliteOptions } from './sqlite-file.ts';

const FIRST_PAGE_BLOCKS = 8;
const PAGE_BLOCKS = 64;

/** A recording opened for reading: another process may be writing it. @throws StoreError */
export function openSqliteRecording(path: string, options: Pick<SqliteOptions, 'cacheBytes'> = {}): RunRecording {
  return readable(new SqliteFile(path, 'read', options));
}

/** A recording that can give up blocks for want of room. */
export interface BoundedStore extends BlockStore, RunRecording {
  /** Puts stubs in the place of the blocks that they stand for (SPEC R127). @returns how many took it. @throws StoreError */
  drop(stubs: readonly SealedBlock[]): number;
}

/**
 * A recording on the calling thread: `append` has committed when it returns its promise. For the simulator and for
 * tools; a program with a loop to keep uses `openSqliteRecorder`.
 *
 * @throws StoreError
 */
export function openSqliteStore(path: string, options: SqliteOptions = {}): BoundedStore {
  const file = new SqliteFile(path, 'write', options);
  return {
    ...readable(file),
    drop: (stubs) => file.drop(stubs),
    append: async (blocks) => {
      const [refused] = file.commit([blocks]);
      if (refused != null) throw refused;
    },
  };
}

/**
 * A recording whose commits and syncs run in a worker thread, so that a slow disk never holds the caller's loop. What
 * is appended while a commit runs waits together for the next one: one sync for all (group commit).
 *
 * @throws StoreError when the file cannot be opened
 */
export async function openSqliteRecorder(
  path: string,
  options: SqliteOptions = {},
): Promise<BlockStore & RunRecording> {
  const bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: WriterData = { path, options: { landing: true, ...options }, bell };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
  const committer = new Committer(path, worker, bell);
  await committer.opened;
  let file: SqliteFile;
  try {
    file = new SqliteFile(path, 'read');
  } catch (error) {
    await committer.close();
    throw error;
  }
  return {
    ...readable(file),
    append: (blocks) => committer.append(blocks),
    close: async () => {
      file.close();
      await committer.close();
    },
  };
}

function readable(file: SqliteFile): RunRecording {
  return {
    heads: async (): Promise<readonly ChainHead[]> => file.heads(),
    blocks: (chain, from, to) => pages(file, chain, from, to),
    run: async (chain, from, to, most) => file.run(chain, file.before(chain, from), to, most),
    packAt: async (chain, first) => file.packAt(chain, first),
    unpackedTo: async (chain, from) => file.unpackedTo(chain, from),
    snapshotBefore: async (chain, atUs) => file.snapshotBefore(chain, atUs),
    severed: async () => file.severed(),
    close: async () => file.close(),
  };
}

/** Small pages first: who seeks a moment reads a few blocks, who verifies reads them all. */
async function* pages(file: SqliteFile, chain: ChainId, from: number, to: number): AsyncIterable<StoredBlock> {
  let after = file.before(chain, from);
  for (let most = FIRST_PAGE_BLOCKS; ; most = Math.min(2 * most, PAGE_BLOCKS)) {
    const blocks = file.page(chain, after, to, most);
    if (blocks.length === 0) return;
    yield* blocks;
    after = (blocks[blocks.length - 1] as StoredBlock).firstSequence;
  }
}

interface Waiter {
  readonly blocks: readonly SealedBlock[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Sends what has gathered to the worker, one commit at a time, and keeps who waits for which. */
class Committer {
  readonly opened: Promise<void>;
  readonly #path: string;
  readonly #worker: Worker;
  readonly #bell: WriterData['bell'];
  readonly #ended: Promise<void>;
  #failure: StoreError | null = null;
  #waiting: Waiter[] = [];
  #flying: readonly Waiter[] | null = null;
  #closing: (() => void) | null = null;

  constructor(path: string, worker: Worker, bell: WriterData['bell']) {
    this.#path = path;
    this.#worker = worker;
    this.#bell = bell;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#ended = new Promise((ended) => worker.once('exit', () => ended()));
    worker.on('message', (answer: CommitAnswer) => {
      if (answer.type === 'opened') resolve();
      else if (answer.type === 'committed') this.#committed(answer.refused);
      else {
        const error = reviveError(path, answer.error) as StoreError;
        reject(error);
        this.#fail(error);
      }
    });
    worker.on('error', (error) => {
      const failure = storeError(path, error) as StoreError;
      reject(failure);
      this.#fail(failure);
    });
    worker.on('exit', () => this.#fail(new StoreClosedError(path, 'is closed', 'Open it again')));
  }

  append(blocks: readonly SealedBlock[]): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closing !== null) return Promise.reject(new StoreClosedError(this.#path, 'is closing', 'Open it again'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ blocks, resolve, reject });
      if (this.#flying === null) this.#send();
    });
  }

  /** Waits for what was appended, then ends the worker. */
  async close(): Promise<void> {
    if (this.#failure === null && this.#closing === null && (this.#flying !== null || this.#waiting.length > 0)) {
      await new Promise<void>((resolve) => {
        this.#closing = resolve;
      });
    }
    this.#closing ??= () => {};
    this.#tell({ type: 'close' });
    await this.#ended;
  }

  #send(): void {
    if (this.#waiting.length === 0) {
      this.#closing?.();
      return;
    }
    this.#flying = this.#waiting;
    this.#waiting = [];
    this.#tell({ type: 'commit', groups: this.#flying.map(({ blocks }) => blocks) });
  }

  #tell(message: Commit): void {
    this.#worker.postMessage(message);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  #committed(refused: Extract<CommitAnswer, { type: 'committed' }>['refused']): void {
    const waiters = this.#flying ?? [];
    this.#flying = null;
    for (let i = 0; i < waiters.length; i++) {
      const why = refused.find(({ group }) => group === i);
      if (why === undefined) waiters[i]?.resolve();
      else waiters[i]?.reject(reviveError(this.#path, why.error));
    }
    this.#send();
  }

  /** A failed commit is final: everyone who waits hears of it, and so does whoever comes later. */
  #fail(error: StoreError): void {
    this.#failure ??= error;
    const waiters = [...(this.#flying ?? []), ...this.#waiting];
    this.#flying = null;
    this.#waiting = [];
    for (const { reject } of waiters) reject(this.#failure);
    this.#closing?.();
  }
}
