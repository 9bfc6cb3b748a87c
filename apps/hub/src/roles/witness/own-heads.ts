import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ChainId, OwnHead } from '@sigma/recorder';

export interface HeadThreadData {
  /** Of the hub's recording: a file, or the address of its database. */
  readonly path: string;
  readonly dataDir: string;
  /** Name beside which tiles and checkpoints are kept. */
  readonly shelf: string;
  /** Of the key that signs, 32 bytes. */
  readonly seed: Uint8Array;
  readonly tenant: string;
}

export type HeadAsk = { readonly id: number } & (
  | { readonly type: 'heads' }
  | { readonly type: 'consistency'; readonly chain: ChainId; readonly from: number; readonly to: number }
  | { readonly type: 'kept_size'; readonly chain: ChainId }
  | { readonly type: 'keep'; readonly head: OwnHead; readonly cosignature: string; readonly timeS: number }
  | { readonly type: 'close' }
);

export type HeadSaid =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string };

/** What a hub can show of its own chains. */
export interface OwnHeads {
  heads(): Promise<readonly OwnHead[]>;
  consistency(chain: ChainId, from: number, to: number): Promise<readonly Uint8Array[]>;
  /** Size of the greatest tree of a chain that is kept, cosigned. */
  keptSize(chain: ChainId): Promise<number>;
  keep(head: OwnHead, cosignature: string, timeS: number): Promise<void>;
  close(): Promise<void>;
}

type Asked = HeadAsk extends infer Ask ? (Ask extends HeadAsk ? Omit<Ask, 'id'> : never) : never;

/** Starts the thread at the first question, so that a hub to which no edge comes pays nothing. */
export function openOwnHeads(data: HeadThreadData): OwnHeads {
  const waiting = new Map<number, { readonly resolve: (value: never) => void; readonly reject: (e: Error) => void }>();
  let asked = 0;
  let worker: Worker | null = null;
  let failure: Error | null = null;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./head-thread.ts', import.meta.url), { workerData: data });
    started.unref();
    started.on('message', (said: HeadSaid) => {
      const one = waiting.get(said.id);
      waiting.delete(said.id);
      if (said.ok) one?.resolve(said.value as never);
      else one?.reject(new Error(said.message));
    });
    started.on('error', fail);
    started.on('exit', () => fail(new Error('the thread of heads has ended')));
    return started;
  };
  const ask = <T>(question: Asked): Promise<T> => {
    if (failure !== null) return Promise.reject(failure);
    worker ??= start();
    const id = ++asked;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    waiting.set(id, { resolve: resolve as (value: never) => void, reject });
    worker.postMessage({ ...question, id } as HeadAsk);
    return promise;
  };
  return {
    heads: () => ask({ type: 'heads' }),
    consistency: (chain, from, to) => ask({ type: 'consistency', chain, from, to }),
    keptSize: (chain) => ask({ type: 'kept_size', chain }),
    keep: (head, cosignature, timeS) => ask({ type: 'keep', head, cosignature, timeS }),
    close: async () => {
      if (worker === null || failure !== null) return;
      const ended = once(worker, 'exit');
      await ask({ type: 'close' }).catch(() => undefined);
      await ended;
    },
  };
}
