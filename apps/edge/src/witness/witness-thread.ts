// The thread of heads and their witness: what it hashes, signs and syncs costs neither reflexes nor the link a moment.

import { parentPort, workerData } from 'node:worker_threads';
import { chainOfOrigin, HeadBook } from '@sigma/recorder';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { threadPriority } from '../live/priority.ts';
import { EdgeWitness } from './edge-witness.ts';
import { keptHeadKey, openWitnessMemory } from './witness-memory.ts';
import type { FromWitness, ToWitness, WitnessThreadData } from './witness-worker.ts';

const { tenant, edgeId, folder, recordingPath, sources, everyMs } = workerData as WitnessThreadData;
const port = parentPort;
if (port === null) throw new Error('this module is a thread');
threadPriority('last');
const say = (message: FromWitness): void => port.postMessage(message);

const key = keptHeadKey(folder);
const memory = openWitnessMemory(folder);
const recording = openSqliteRecording(recordingPath);
const shelf = openProofShelf(recordingPath);
const spare = openProofShelf(`${recordingPath}.parted`);
const gone = memory.shown(recordingPath).flatMap((origin) => chainOfOrigin(origin) ?? []);
const book = new HeadBook({
  recording,
  shelf,
  spare,
  key,
  sha256,
  tenant,
  sources: new Set(sources),
  expected: () => gone,
});
const witness = new EdgeWitness({
  tenant,
  edgeId,
  folder,
  recordingPath,
  key,
  memory,
  book,
  say: (word) => say({ type: 'word', word }),
  note: (name, body) => say({ type: 'note', name, body }),
  nowS: () => Math.floor(Date.now() / 1000),
});
const timer = setInterval(() => void witness.show(), everyMs);

port.on('message', (message: ToWitness) => {
  switch (message.type) {
    case 'linked':
      void witness.linked(message.hubKey);
      break;
    case 'lost':
      witness.lost();
      break;
    case 'word':
      witness.hear(message.word);
      say({ type: 'heard' });
      break;
    case 'end':
      void end();
  }
});

async function end(): Promise<void> {
  clearInterval(timer);
  await witness.end();
  for (const open of [shelf, spare, recording]) await open.close();
  memory.close();
  say({ type: 'ended' });
  port?.close();
}
