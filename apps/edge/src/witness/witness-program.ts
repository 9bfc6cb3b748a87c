import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { MailboxWriter } from '@sigma/bus/mailbox';
import { chainOfOrigin, edgeWitnessName, formatNoteKey, HeadBook } from '@sigma/recorder';
import { openProofShelf, type ProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import type { FromThread, ToThread } from '../live/back-thread.ts';
import { EdgeWitness } from './edge-witness.ts';
import { keptHeadKey, openWitnessMemory } from './witness-memory.ts';
import type { FromWitness, ToWitness, WitnessThreadData } from './witness-worker.ts';

/** What the thread of heads does, from its first message to its last. */
export function runWitness(
  { tenant, edgeId, folder, recordingPath, sources, everyMs }: WitnessThreadData,
  port: MessagePort,
  told: MailboxWriter<FromThread<FromWitness>>,
): void {
  const say = (message: FromThread<FromWitness>): void => told.post(message);
  const key = keptHeadKey(folder);
  const { publicKey } = key;
  const memory = openWitnessMemory(folder);
  // For whoever holds the hub's recording against what this edge saw of it.
  const named = formatNoteKey({ name: edgeWitnessName(tenant, edgeId), role: 'witness', publicKey }, sha256);
  writeFileSync(join(folder, 'witness.pub'), `${named}\n`);
  const recording = openSqliteRecording(recordingPath);
  const shelf = openProofShelf(recordingPath);
  let parted: ProofShelf | null = null;
  const spare = (): ProofShelf => {
    parted ??= openProofShelf(`${recordingPath}.parted`);
    return parted;
  };
  const shown = memory.shown(recordingPath).flatMap((origin) => chainOfOrigin(origin) ?? []);
  const expected = () => shown;
  const book = new HeadBook({ recording, shelf, spare, key, sha256, tenant, sources: new Set(sources), expected });
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
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await witness.end();
    for (const open of [shelf, parted, recording]) await open?.close();
    memory.close();
    say({ type: 'ended' });
    await told.sent();
    port.close();
  };
  port.on('message', (message: ToThread<ToWitness>) => {
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
}
