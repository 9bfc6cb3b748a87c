import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Percentiles } from '../src/live/board.ts';
import { LiveFleet } from './live-fleet.ts';
import { TestHub } from './test-hub.ts';

/** Until code is compiled and the planner spins. */
const WARM_UP_MS = 2_000;

export interface ReflexBench {
  readonly seconds: number;
  /** The planner's thread spins and answers nothing. */
  readonly spinPlanner: boolean;
  /** Another thread writes and syncs a file on the same disk without a pause, besides the record itself. */
  readonly syncDisk: boolean;
  /** Bodies in the process; 1 when absent, as on a robot. */
  readonly robots?: number;
}

/** Milliseconds. */
export interface ReflexFigures {
  /** From the moment of a frame to the write of the actuators. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly frames: number;
  /** From the cut of a block until it was known to be on disk: a stop is recorded within this and its tick. */
  readonly commitP99: number;
  /** How late the loop's ticks began. */
  readonly latenessP999: number;
  /** The same of an empty 100 Hz process that ran beside it. */
  readonly emptyTimerP999: number;
}

/**
 * The reflex path of a live edge whose hub is gone: sensor frame in, decision, actuator write out, recording on. The
 * link was up and is cut, so that the edge goes through losing it and tries to come back all the while.
 */
export async function benchReflex({ seconds, spinPlanner, syncDisk, robots = 1 }: ReflexBench): Promise<ReflexFigures> {
  const fleet = new LiveFleet(robots);
  const hub = await new TestHub().open();
  const edge = await fleet.start({ url: hub.url, joinToken: 'bench' });
  const disk = syncDisk ? new Worker(new URL('./sync-thread.ts', import.meta.url), { workerData: fleet.folder }) : null;
  try {
    await hub.until('the link is up', () => hub.of('telemetry').length > 0);
    await hub.vanish();
    if (spinPlanner) edge.hang.planner(0);
    await setTimeout(WARM_UP_MS);
    edge.forgetTimes();
    const file = fileURLToPath(new URL('./empty-timer.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file, String(seconds)]);
    const empty = JSON.parse(stdout) as Percentiles;
    const { frameToWrite, lateness, commit, link } = edge.stats();
    if (link?.connected !== false) throw new Error('the link was not cut');
    return {
      p50: frameToWrite.p50Us / 1000,
      p99: frameToWrite.p99Us / 1000,
      p999: frameToWrite.p999Us / 1000,
      frames: frameToWrite.count,
      commitP99: commit.p99Us / 1000,
      latenessP999: lateness.p999Us / 1000,
      emptyTimerP999: empty.p999Us / 1000,
    };
  } finally {
    await disk?.terminate();
    await hub.vanish();
    await edge.close();
    fleet.remove();
  }
}
