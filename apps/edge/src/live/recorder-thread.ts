import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { SealedBlock } from '@sigma/recorder';
import { type ChainFacts, FactsFile } from '@sigma/recorder/facts';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import { Board } from './board.ts';

export interface RecorderThreadData {
  readonly path: string;
  readonly board: SharedArrayBuffer;
  /** One for each thread that has chains; the first is the reflex loop's. The thread ends when all have ended. */
  readonly ports: readonly MessagePort[];
}

/** Facts to keep beside the recording, with the names of what they tell. They wait for nobody, and nobody waits for them. */
export interface FactsMessage {
  readonly names: readonly string[];
  readonly facts: readonly ChainFacts[];
}

/** Blocks to store, facts to keep, or null: nothing comes any more. */
export type ToRecorder = readonly SealedBlock[] | FactsMessage | null;

/** Stubs that take the place of blocks: what accounts for them is on disk. */
export type DropMessage = readonly SealedBlock[];

export type FromRecorder =
  | { readonly type: 'open' }
  /** On disk: for each chain the sequence of the last event. */
  | { readonly type: 'durable'; readonly sequences: ReadonlyMap<string, number> }
  | { readonly type: 'failed'; readonly message: string };

/**
 * The thread that syncs the record to disk. Whatever gathered while one commit ran goes into the next: one sync for
 * all bodies (group commit).
 */
const { path, board: memory, ports } = workerData as RecorderThreadData;
const board = new Board(memory);
const say = (port: MessagePort, message: FromRecorder): void => {
  port.postMessage(message);
  if (port === ports[0]) board.ring();
};
const store = openSqliteStore(path, { landing: true, packBytes: PACK_BYTES });
const open = new Set(ports);
let waiting: { readonly port: MessagePort; readonly block: SealedBlock }[] = [];
let busy = false;
let ended = false;
const facts: FactsMessage[] = [];
let factsFile: FactsFile | null = null;

function take(port: MessagePort, message: ToRecorder): void {
  if (message === null) open.delete(port);
  else if ('facts' in message) facts.push(message);
  else for (const block of message) waiting.push({ port, block });
}

/** Stores whatever waits until nothing does, and ends with the last port. */
async function work(): Promise<void> {
  if (busy || ended) return;
  busy = true;
  try {
    while (waiting.length > 0) {
      for (const port of ports) {
        for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
          take(port, next.message as ToRecorder);
        }
      }
      const batch = waiting;
      waiting = [];
      await store.append(batch.map(({ block }) => block));
      acknowledge(batch);
    }
    keepFacts();
    if (open.size > 0) return;
    ended = true;
    factsFile?.close();
    await store.close();
    for (const port of ports) port.close();
  } catch (error) {
    ended = true;
    for (const port of ports) {
      say(port, { type: 'failed', message: (error as Error).message });
      port.close();
    }
  } finally {
    busy = false;
  }
}

/** Their blocks are on disk by now. */
function keepFacts(): void {
  for (const { names, facts: together } of facts.splice(0)) {
    factsFile ??= new FactsFile(path, names);
    factsFile.keep(together);
  }
}

function acknowledge(batch: typeof waiting): void {
  for (const port of ports) {
    const mine = batch.filter(({ port: from }) => from === port);
    if (mine.length === 0) continue;
    const ends = mine.map(
      ({ block: { source, firstSequence, count } }) => [source, firstSequence + count - 1] as const,
    );
    say(port, { type: 'durable', sequences: new Map(ends) });
  }
}

for (const port of ports) {
  port.on('message', (message: ToRecorder) => {
    take(port, message);
    void work();
  });
  // A thread that died has ended too.
  port.on('close', () => {
    open.delete(port);
    void work();
  });
}
parentPort?.on('message', (stubs: DropMessage) => {
  if (ended) return;
  try {
    store.drop(stubs);
    // Facts take room too, and what they tell of is gone.
    for (const stub of stubs) factsFile?.forget(stub, stub.firstSequence + stub.count - 1);
  } catch {
    // The store takes no more, and says so to whoever appends next.
  }
});
// It keeps no thread alive.
parentPort?.unref();
say(ports[0] as MessagePort, { type: 'open' });
