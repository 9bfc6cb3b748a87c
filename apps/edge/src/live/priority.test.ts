import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Place } from './priority.ts';

/** Fields 19 and 41 of proc_pid_stat(5), behind the name: nice value and policy; 0 is none, 2 real time in turns. */
const STANDING = `(stat) => { const rest = stat.split(') ').at(-1).split(' '); return { nice: Number(rest[16]), policy: Number(rest[38]) }; }`;

interface Standing {
  readonly nice: number;
  readonly policy: number;
}

/** Where a thread stands that asked for that place, and where its own thread and its own process do. */
async function standings(place: Place): Promise<Record<'own' | 'thread' | 'process', Standing>> {
  const source = `
    const { readFileSync } = require('node:fs');
    const { execFileSync } = require('node:child_process');
    const { parentPort, Worker } = require('node:worker_threads');
    const standing = ${STANDING};
    const look = "require('node:worker_threads').parentPort.postMessage(require('node:fs').readFileSync('/proc/thread-self/stat', 'utf8'))";
    import(${JSON.stringify(import.meta.resolve('./priority.ts'))}).then(({ threadPriority }) => {
      threadPriority(${JSON.stringify(place)});
      const own = standing(readFileSync('/proc/thread-self/stat', 'utf8'));
      const process = standing(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }));
      new Worker(look, { eval: true }).once('message', (stat) => parentPort.postMessage({ own, process, thread: standing(stat) }));
    });`;
  const worker = new Worker(source, { eval: true });
  const [told] = await once(worker, 'message');
  await worker.terminate();
  return told;
}

const elsewhere = process.platform === 'linux' ? false : 'only on Linux has a thread a place of its own';
const given =
  elsewhere === false && availableParallelism() > 1 && spawnSync('chrt', ['-R', '-r', '1', 'true']).status === 0;

test('[L5] what moves a body and what somebody waits for go before all that has time, and nothing that they start does', {
  skip: elsewhere,
}, async () => {
  for (const place of ['first', 'soon'] as const) {
    const { own, thread, process: child } = await standings(place);
    assert.equal(own.policy, given ? 2 : 0, `${place}, real time ${given ? 'permitted' : 'refused'}`);
    // A recorder's thread or a database in real time would take its turns with the reflexes.
    for (const other of [thread, child]) assert.equal(other.policy, 0, place);
    for (const other of [thread, child]) assert.ok(other.nice >= 0, place);
  }
});

test('[L5] what may take its time steps back, and the thread that began it does not', { skip: elsewhere }, async () => {
  const { own } = await standings('last');
  assert.deepEqual(own, { nice: 15, policy: 0 });
  const rest = execFileSync('cat', [`/proc/${process.pid}/stat`], { encoding: 'utf8' })
    .split(') ')
    .at(-1);
  assert.ok(Number(rest?.split(' ')[16]) < 15);
});
