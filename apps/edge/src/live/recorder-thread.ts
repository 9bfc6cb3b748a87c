import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { SealedBlock } from '@sigma/recorder';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import { Board } from './board.ts';

export interface RecorderThreadData {
  readonly path: string;
  readonly board: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** Blocks to store, or null: store what is left and end. */
export type ToRecorder = readonly SealedBlock[] | null;

export type FromRecorder =
  | { readonly type: 'open' }
  /** On disk: for each chain the sequence of the last event. */
  | { readonly type: 'durable'; readonly sequences: ReadonlyMap<string, number> }
  | { readonly type: 'failed'; readonly message: string };

/**
 * The thread that syncs the record to disk. Whatever gathered while one commit ran goes into the next: one sync for
 * all bodies (group commit).
 */
const { path, board: memory, port } = workerData as RecorderThreadData;
const board = new Board(memory);
const say = (message: FromRecorder): void => {
  port.postMessage(message);
  board.ring();
};

const store = openSqliteStore(path);
say({ type: 'open' });

/** @returns false once the end was asked for */
async function commit(first: ToRecorder): Promise<boolean> {
  let next: ToRecorder = first;
  const blocks: SealedBlock[] = [];
  let open = true;
  for (;;) {
    if (next === null) open = false;
    else blocks.push(...next);
    const message = receiveMessageOnPort(port);
    if (message === undefined) break;
    next = message.message as ToRecorder;
  }
  if (blocks.length > 0) {
    await store.append(blocks);
    say({ type: 'durable', sequences: new Map(blocks.map((b) => [b.source, b.firstSequence + b.count - 1])) });
  }
  return open;
}

let turn: Promise<boolean> = Promise.resolve(true);
port.on('message', (message: ToRecorder) => {
  turn = turn
    .then((open) => (open ? commit(message) : false))
    .then(async (open) => {
      if (open) return true;
      await store.close();
      port.close();
      return false;
    })
    .catch((error: Error) => {
      say({ type: 'failed', message: error.message });
      port.close();
      return false;
    });
});
