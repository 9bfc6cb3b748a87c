// The thread of sync: what it reads and looks through costs neither reflexes nor the link a moment.

import { parentPort, workerData } from 'node:worker_threads';
import { MailboxWriter } from '@sigma/bus/mailbox';
import type { BackThreadData } from '../live/back-thread.ts';
import { threadPriority } from '../live/priority.ts';
import type { SyncThreadData } from './sync-worker.ts';

threadPriority('last');
const { runSync } = await import('./sync-program.ts');
if (parentPort === null) throw new Error('this module is a thread');
const { data, told } = workerData as BackThreadData<SyncThreadData>;
runSync(data, parentPort, new MailboxWriter(told));
