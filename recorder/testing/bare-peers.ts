import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';

/** What a recorder is held against: the same bytes on the same disk, and nothing else. */
export interface BarePeer {
  /** On disk when it resolves. */
  readonly write: (data: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** How it writes: rows of `EVENT_BYTES` in one transaction of node:sqlite, or the bytes as they are, in a file that does not grow. */
export type BareKind = 'rows' | 'file';

/** Whole envelope of an event in these benches. */
export const EVENT_BYTES = 200;
const ROOM_BYTES = 1 << 20;

/** What a peer does, on the thread that it is asked on. */
export interface BareWriter {
  readonly write: (data: Uint8Array) => void;
  readonly close: () => void;
}

export function openBareWriter(kind: BareKind, path: string): BareWriter {
  return kind === 'rows' ? openRows(path) : openFile(path);
}

function openRows(path: string): BareWriter {
  const db = new DatabaseSync(path);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (id INTEGER PRIMARY KEY, data BLOB)',
  );
  const insert = db.prepare('INSERT INTO events (data) VALUES (?)');
  return {
    write: (data) => {
      db.exec('BEGIN');
      for (let at = 0; at < data.length; at += EVENT_BYTES) insert.run(data.subarray(at, at + EVENT_BYTES));
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}

function openFile(path: string): BareWriter {
  const file = openSync(path, 'w+');
  writeSync(file, new Uint8Array(ROOM_BYTES));
  fsyncSync(file);
  let at = 0;
  return {
    write: (data) => {
      writeSync(file, data, 0, data.length, at);
      fdatasyncSync(file);
      at = (at + data.length) % (ROOM_BYTES - data.length);
    },
    close: () => closeSync(file),
  };
}

/** On the calling thread. */
export function openBareHere(kind: BareKind, path: string): BarePeer {
  const writer = openBareWriter(kind, path);
  return { write: async (data) => writer.write(data), close: async () => writer.close() };
}

export interface BareThreadData {
  readonly kind: BareKind;
  readonly path: string;
  /** Counted up and notified after every message, as the recorder's own thread is rung. */
  readonly bell: Int32Array<SharedArrayBuffer>;
}

/** In a thread of its own, which is woken and answers as the recorder's own does: what a message there and back costs is in it. */
export async function openBareByThread(kind: BareKind, path: string): Promise<BarePeer> {
  const bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: BareThreadData = { kind, path, bell };
  const worker = new Worker(new URL('./bare-thread.ts', import.meta.url), { workerData });
  let written = (): void => undefined;
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      written = resolve;
    });
  worker.on('message', () => written());
  const tell = (message: Uint8Array | null): void => {
    worker.postMessage(message);
    Atomics.add(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  await next();
  return {
    write: (data) => {
      const done = next();
      tell(data);
      return done;
    },
    close: async () => {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      tell(null);
      await ended;
    },
  };
}
