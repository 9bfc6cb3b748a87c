import { Worker } from 'node:worker_threads';
import { type ChainHead, joinReports, type Recording, type VerifyProgress, type VerifyReport } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { reexecutorsOf, strayNotes, verifyShare } from './verify-share.ts';
import type { VerifyAnswer, VerifyShare, VerifyTask } from './verify-words.ts';

/** Below this many events a thread would take longer to start than to verify. */
const WORTH_A_THREAD = 25_000;

/**
 * Verifies a recording, its sources side by side on `threads` threads. The report is that of one look at them all.
 *
 * @param progress called now and then; what it throws ends the work
 * @throws StoreError, CommandError
 */
export async function verifyInThreads(
  task: VerifyTask,
  recording: Recording,
  threads: number,
  progress: (at: VerifyProgress) => void,
  worthAThread = WORTH_A_THREAD,
): Promise<VerifyReport> {
  const heads = await recording.heads();
  const here = async (of: readonly ChainHead[], notes = task.notes): Promise<VerifyReport> =>
    verifyShare({ ...task, notes }, recording, await reexecutorsOf(recording), of, progress);
  const events = heads.reduce((sum, { sequence }) => sum + sequence, 0);
  const shares = sharesOf(heads);
  const count = Math.min(threads, shares.length, Math.ceil(events / worthAThread));
  const stray = strayNotes(task.notes, heads);
  const absent = stray.length === 0 ? [] : [await here([], stray)];
  if (count < 2) return joinReports([...absent, await here(heads)], sha256);
  const reports: VerifyReport[] = [];
  const left: VerifyShare[] = [];
  await Promise.all(Array.from({ length: count }, () => work(task, shares, reports, left, progress)));
  for (const share of [...left, ...shares]) reports.push(await here(share.heads));
  return joinReports([...absent, ...reports], sha256);
}

/**
 * The epochs of each source. Running again costs by the time that was lived, not by what was said: a world, which says
 * little, takes longest and comes first; a hub, which says most and is only read, comes last.
 */
function sharesOf(heads: readonly ChainHead[]): VerifyShare[] {
  const sources = Map.groupBy(heads, ({ tenant, source }) => `${tenant}\0${source}`);
  const eventsOf = (of: readonly ChainHead[]): number => of.reduce((sum, { sequence }) => sum + sequence, 0);
  return [...sources.values()].sort((a, b) => eventsOf(a) - eventsOf(b)).map((of) => ({ heads: of }));
}

/** One thread, given share after share until none is left. What it could not read goes to `left`. */
async function work(
  task: VerifyTask,
  shares: VerifyShare[],
  reports: VerifyReport[],
  left: VerifyShare[],
  progress: (at: VerifyProgress) => void,
): Promise<void> {
  const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { workerData: task });
  let share: VerifyShare | undefined;
  const give = (): void => {
    share = shares.shift();
    worker.postMessage(share ?? 'over');
  };
  try {
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (answer: VerifyAnswer) => {
        if (answer.type === 'report') {
          reports.push(answer.report);
          give();
        } else if (answer.type === 'progress') {
          try {
            progress(answer.progress);
          } catch (error) {
            reject(error as Error);
          }
        } else if (share !== undefined) left.push(share);
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      give();
    });
  } finally {
    await worker.terminate();
  }
}
