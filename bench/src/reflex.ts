import { benchReflex } from '@sigma/edge/testing';
import type { BenchLine } from './line.ts';

const TICK_AND_COMPUTE_MS = 12;

/** Frame to actuator with the planner spinning and the disk syncing, and how punctual the loop is beside an empty timer. */
export async function benchReflexLoop(seconds: number): Promise<readonly BenchLine[]> {
  const { p999, latenessP999, emptyTimerP999 } = await benchReflex({ seconds, spinPlanner: true, syncDisk: true });
  const peer = 'p99.9 lateness of an empty 100 Hz timer process';
  const most = TICK_AND_COMPUTE_MS + emptyTimerP999;
  return [
    {
      name: 'reflex.frameToActuatorP999',
      value: p999,
      unit: 'ms',
      peer,
      peerValue: emptyTimerP999,
      ratio: p999 / emptyTimerP999,
      target: `<= 12 ms plus that lateness (${most.toFixed(2)} ms here)`,
      pass: p999 <= most,
    },
    {
      name: 'reflex.tickLatenessP999',
      value: latenessP999,
      unit: 'ms',
      peer,
      peerValue: emptyTimerP999,
      ratio: latenessP999 / emptyTimerP999,
      target: `<= 1.5 of that lateness, over ten minutes (here ${seconds} s)`,
      pass: latenessP999 <= 1.5 * emptyTimerP999,
    },
  ];
}
