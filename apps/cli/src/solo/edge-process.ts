// The edge of a simulated fleet as a process of its own, so that its link and the hub do not share an event loop.

import { type Edge, startEdge } from '@sigma/edge';
import { threadPriority } from '@sigma/edge/priority';
import type { EdgeTally, FromEdge, ToEdge } from './edge-messages.ts';
import { tallyOf } from './edge-tally.ts';

// The link's thread: reflexes and what else has no time to wait have threads of their own, and begin without it.
threadPriority('soon');

const say = (message: FromEdge): void => void process.send?.(message);

let edge: Edge | null = null;

async function hear(message: ToEdge): Promise<void> {
  if (message.type === 'start') {
    edge = await startEdge(message.options);
    void edge.ended.then((error) => {
      if (error !== null) say({ type: 'failed', message: error.message });
    });
    say({ type: 'started' });
  } else if (message.type === 'pace') edge?.setPace(message.pace);
  else if (message.type === 'tally' && edge !== null) {
    say({ type: 'tally', tally: tallyOf(edge.stats()) });
  } else if (message.type === 'close') await close();
}

async function close(): Promise<void> {
  const last: EdgeTally | null = edge === null ? null : tallyOf(edge.stats());
  await edge?.close();
  if (last !== null) say({ type: 'closed', tally: last });
  process.disconnect();
}

process.on('message', (message: ToEdge) => {
  hear(message).catch((error: unknown) => {
    say({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  });
});
// Ctrl-C reaches the whole group; the process that started us decides when we end. Without it we end too.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => void edge?.close());
say({ type: 'ready' });
