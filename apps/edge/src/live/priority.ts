import { setPriority } from 'node:os';

/**
 * Gives the calling thread its place in the queue for the CPU. On Linux a priority belongs to a thread (setpriority(2),
 * NOTES: with `who` 0 the caller's own); elsewhere it would change the whole process, so nothing is done there.
 * Threads that may take their time step back, which needs no privilege; the reflex thread asks to go first, and runs as
 * it is where the system refuses.
 */
export function threadPriority(nice: 'first' | 'last'): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, nice === 'first' ? -15 : 15);
  } catch {
    // Not permitted: the loop measures its lateness either way.
  }
}
