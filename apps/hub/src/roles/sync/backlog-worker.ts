// The thread of backlogs: what it unpacks, hashes and stores costs what is live as little as can be.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { BacklogThreadData } from './backlog-words.ts';

/** Behind everything else of a hub, and before what may wait for ever. */
const LOW_PRIORITY = 15;

// On Linux a priority belongs to a thread (setpriority(2), NOTES: with `who` 0 the caller's own); elsewhere it would be
// that of the whole hub.
if (process.platform === 'linux') setPriority(0, LOW_PRIORITY);
const { runBacklogs } = await import('./backlog-program.ts');
if (parentPort === null) throw new Error('this module is a thread');
await runBacklogs(workerData as BacklogThreadData, parentPort);
