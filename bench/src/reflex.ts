import { benchReflex } from '@sigma/edge/testing';
import type { BenchLine } from './line.ts';

const TICK_AND_COMPUTE_MS = 12;

/**
 * Frame to actuator and punctuality of the loop, with the planner spinning, the disk syncing and the hub gone (its link
 * was up and is cut), beside an empty timer in the same seconds.
 */
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
      target: `<= 1.5 of that lateness over ten minutes, planner spinning, hub gone (here ${seconds} s)`,
      pass: latenessP999 <= 1.5 * emptyTimerP999,
    },
  ];
}
