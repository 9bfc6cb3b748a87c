// The thread of heads and their witness: what it loads, hashes, signs and syncs costs neither reflexes nor the link a
// moment. It steps back before anything else, since loading the program is what costs most.

import { parentPort, workerData } from 'node:worker_threads';
import { MailboxWriter } from '@sigma/bus/mailbox';
import type { BackThreadData } from '../live/back-thread.ts';
import { threadPriority } from '../live/priority.ts';
import type { WitnessThreadData } from './witness-worker.ts';

threadPriority('last');
const { runWitness } = await import('./witness-program.ts');
if (parentPort === null) throw new Error('this module is a thread');
const { data, told } = workerData as BackThreadData<WitnessThreadData>;
runWitness(data, parentPort, new MailboxWriter(told));
