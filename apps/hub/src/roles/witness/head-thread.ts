// The thread that keeps the trees over the hub's chains: hashing and the shelf's disk stay off the hub's event loop.

import { parentPort, workerData } from 'node:worker_threads';
import { HeadBook, type OwnHead } from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { openProofShelf, type ProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import type { HeadAsk, HeadSaid, HeadThreadData } from './own-heads.ts';

const { path, dataDir, shelf: shelfPath, seed, tenant } = workerData as HeadThreadData;
const port = parentPort;
if (port === null) throw new Error('this module is a thread');
const shelf = openProofShelf(shelfPath);
let parted: ProofShelf | null = null;
const spare = (): ProofShelf => {
  parted ??= openProofShelf(`${shelfPath}.parted`);
  return parted;
};
// Of a recording in a file nothing of the drivers of databases is wanted, which take longer to load than all else here.
const opened = path.includes('://')
  ? await (await import('../../store/recording.ts')).openRecordingAt(path, dataDir)
  : { store: openSqliteRecording(path), close: async () => undefined };
const { store: recording } = opened;
const sources = new Set(['hub']);
const book = new HeadBook({ recording, shelf, spare, key: ed25519Key(seed), sha256, tenant, sources });

function answer(ask: HeadAsk): Promise<unknown> {
  switch (ask.type) {
    case 'heads':
      return book.heads();
    case 'consistency':
      return book.consistency(ask.chain, ask.from, ask.to);
    case 'kept_size':
      return book.keptSize(ask.chain);
    case 'keep':
      return book.keep(ask.head satisfies OwnHead, ask.cosignature, ask.timeS);
    case 'close':
      return Promise.all([shelf.close(), parted?.close(), recording.close(), opened.close()]);
  }
}

/** One after the other, in the order in which they were asked. */
let last: Promise<void> = Promise.resolve();
port.on('message', (ask: HeadAsk) => {
  last = last.then(async () => {
    try {
      port.postMessage({ id: ask.id, ok: true, value: await answer(ask) } satisfies HeadSaid);
    } catch (error) {
      port.postMessage({ id: ask.id, ok: false, message: (error as Error).message } satisfies HeadSaid);
    }
    if (ask.type === 'close') port.close();
  });
});
