// Reads files that others wrote, in a process of its own: whatever a file makes of it, the hub goes on.

import { convert } from './convert.ts';
import { type ConvertJob, type FromImportProcess, type ReadJob, RefusedFileError } from './import-jobs.ts';
import { ImportReading } from './read-import.ts';

const reading = new ImportReading();

const say = (message: FromImportProcess): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });

async function work(job: ConvertJob | ReadJob): Promise<void> {
  try {
    const progress = (events: number): void => void say({ type: 'progress', events });
    await say({
      type: 'answer',
      answer: job.type === 'convert' ? await convert(job, progress) : await reading.answer(job),
    });
  } catch (error) {
    const refused = error instanceof RefusedFileError;
    if (!refused) console.error((error as Error).stack);
    await say({ type: 'failed', refused, words: (error as Error).message });
  }
}

process.on('message', (job: ConvertJob | ReadJob) => void work(job));
// Ctrl-C reaches the whole group; whoever started this decides when it ends. Without him it ends too.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
