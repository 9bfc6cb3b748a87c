import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Places in the queue for the CPU: `first` what moves a body, `soon` what somebody waits for at the other end of a link,
 * `last` what may take its time.
 */
export type Place = 'first' | 'soon' | 'last';

/** Of the real-time priorities the lowest: before all that has none, in turns with each other. */
const REAL_TIME = '1';
const CHRT_MS = 2_000;

/**
 * Gives the calling thread its place. On Linux a priority belongs to a thread (setpriority(2), NOTES: with `who` 0 the
 * caller's own); elsewhere it would change the whole process, so nothing is done there.
 *
 * `first` and `soon` ask for real time (SCHED_RR, sched(7)): by its weight alone a thread that wakes up waits until the
 * one that runs has had its slice, some milliseconds of every hop. The thread's own children begin without it. Where
 * the system refuses, or has one processor, which a thread that never rests would keep to itself, `first` takes the
 * greatest weight that it is given and `soon` stays as it is.
 */
export function threadPriority(place: Place): void {
  if (process.platform !== 'linux') return;
  if (place !== 'last' && availableParallelism() > 1 && realTime() === null) return;
  if (place === 'soon') return;
  try {
    setPriority(0, place === 'first' ? -15 : 15);
  } catch {
    // Not permitted: the loop measures its lateness either way.
  }
}

/** Asks for real time for the calling thread. @returns null, or why it has none */
export function realTime(): string | null {
  const thread = basename(readlinkSync('/proc/thread-self'));
  // Node has no call for it; chrt(1) of util-linux has.
  const { error, status, stderr } = spawnSync('chrt', ['-R', '-r', '-p', REAL_TIME, thread], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: CHRT_MS,
  });
  if (error !== undefined) return error.message;
  return status === 0 ? null : stderr.trim().split('\n')[0] || `chrt ended with ${status}`;
}
