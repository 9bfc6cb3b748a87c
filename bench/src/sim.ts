import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import { runSim } from '@sigma/sim';
import { absolute, type BenchLine } from './line.ts';

/** Of work as it goes on and on: the first seconds, in which engine and fleet warm up, are a small part of it. */
const MINUTES = 3;

/** Forty robots in one process, recording on: virtual seconds for each second of the wall clock. */
export async function benchSim(site: Site): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-'));
  try {
    const recordingPath = join(folder, 'sim.sqlite');
    const nowMs = (): number => performance.now();
    const { realTimeFactor } = await runSim({
      site,
      seed: 7,
      robots: 40,
      people: 8,
      minutes: MINUTES,
      recordingPath,
      nowMs,
      verify: false,
    });
    return [absolute('sim.realTimeFactor', realTimeFactor, 'x real time', '>=', 10)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
