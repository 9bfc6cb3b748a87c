import { parentPort, workerData } from 'node:worker_threads';
import { withRecording } from '../recording-input.ts';
import { reexecutorsOf, verifyShare } from './verify-share.ts';
import type { VerifyAnswer, VerifyShare, VerifyTask } from './verify-words.ts';

/** A thread that verifies one source after another. Started by `verifyInThreads`. */
const task = workerData as VerifyTask;
const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread');

const say = (answer: VerifyAnswer): void => port.postMessage(answer);

const shares: VerifyShare[] = [];
let wake = (): void => {};
let over = false;
port.on('message', (message: VerifyShare | 'over') => {
  if (message === 'over') over = true;
  else shares.push(message);
  wake();
});

async function nextShare(): Promise<VerifyShare | null> {
  while (shares.length === 0 && !over) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return shares.shift() ?? null;
}

try {
  await withRecording(task.place, task.named, async (recording) => {
    const reexecutors = await reexecutorsOf(recording);
    for (let share = await nextShare(); share !== null; share = await nextShare()) {
      const progress = (at: Extract<VerifyAnswer, { type: 'progress' }>['progress']): void =>
        say({ type: 'progress', progress: at });
      say({ type: 'report', report: await verifyShare(task, recording, reexecutors, share.heads, progress) });
    }
  });
} catch {
  say({ type: 'failed' });
}
port.close();
