import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type BareThreadData, openBareWriter } from './bare-peers.ts';

/** The thread of `openBareByThread`. */
const { kind, path, bell } = workerData as BareThreadData;
const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread');
const writer = openBareWriter(kind, path);
port.postMessage('open');
for (;;) {
  const rung = Atomics.load(bell, 0);
  const received = receiveMessageOnPort(port);
  if (received === undefined) {
    Atomics.wait(bell, 0, rung);
    continue;
  }
  if (received.message === null) break;
  writer.write(received.message as Uint8Array);
  port.postMessage('written');
}
writer.close();
port.close();
