import { fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';

/** The disk's other user: writes a page and syncs it, again and again, until the thread is ended. */
const file = openSync(join(workerData as string, 'noise'), 'w');
const page = new Uint8Array(4096);
for (;;) {
  writeSync(file, page, 0, page.length, 0);
  fsyncSync(file);
}
