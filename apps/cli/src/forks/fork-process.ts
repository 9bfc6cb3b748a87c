// One fork or trial in a process of its own: it can be ended at any moment, and whatever it takes, the hub goes on.

import type { ForkOrTrial, FromForkProcess } from './fork-jobs.ts';

const say = (message: FromForkProcess): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });

/** Errors that mean: not like that. */
const REFUSALS = new Set([
  'ForkRefusedError',
  'PolicyFileError',
  'BrokenChangeError',
  'UnknownAlternativeError',
  'LineageError',
  'TenantError',
]);

async function work(job: ForkOrTrial): Promise<void> {
  try {
    // Before what reads databases: it halves the time that loading that takes.
    await import('@sigma/hub/quick-drizzle');
    if (job.type === 'fork') {
      const { forkNow } = await import('./run-fork.ts');
      await say({ type: 'forked', ...(await forkNow(job, progress)) });
    } else {
      const { tryNow } = await import('./run-trial.ts');
      await say({ type: 'tried', tried: await tryNow(job, progress) });
    }
  } catch (error) {
    const { name, message, stack } = error as Error;
    const refused = REFUSALS.has(name);
    if (!refused) console.error(stack);
    await say({ type: 'failed', refused, words: message });
  }
  process.disconnect();
}

const progress = (done: number): void => void say({ type: 'progress', done });

process.once('message', (job: ForkOrTrial) => void work(job));
// Ctrl-C reaches the whole group; whoever started this decides when it ends. Without him it ends too.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
