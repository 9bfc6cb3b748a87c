import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServer } from '@sigma/recorder/postgres/testing';
import { percentiles } from '@sigma/sim';
import { type BenchLine, relative } from './line.ts';
import { processorTime, stolenSince } from './stolen.ts';
import { ask, clear, type HubChild, heard, pause, startEdge } from './sync-ends.ts';
import type { SyncHubReport } from './sync-hub.ts';
import type { Minutes } from './sync-spool.ts';

/** Stretches with nothing to drain and with a drain, in turn; of each the first part is not counted. */
const PAIRS = 3;
const SETTLE_MS = 1_500;
/** A pace is found in as many seconds: shorter ones would show only how it begins. */
const STRETCH_MS = 20_000;
/** A pair in which the host of this machine took more of its processors shows the host: it is measured again, so often. */
const MOST_STOLEN = 0.02;
const MOST_AGAIN = 6;

export interface Beside {
  readonly lines: readonly BenchLine[];
  /** What was drained while something was live. */
  readonly bytesPerS: number;
}

/**
 * What a drain costs what is live, on one link: `keptP99`, from recording a block to having it on the hub's disk, of the
 * chains of a fleet that goes on recording as the computed one does; `liveP99`, how long a frame of the moment is under
 * way. One edge and one hub live through all of it and link anew for each stretch: nothing to drain, a drain without a
 * bound, and so on in turn. Of each stretch the p99 is taken, of about 8,000 frames and as many blocks; shown are the
 * medians of these over all stretches of a kind, so that what else runs on the machine for a moment decides nothing, and
 * pairs in which the processors were another machine's are measured again.
 *
 * What lies at `path` is more than is drained in a stretch.
 */
export async function besideDrain(
  hub: HubChild,
  server: TestServer,
  home: string,
  { path, tenant, sources }: Minutes,
  framesPerS: number,
): Promise<Beside> {
  // An edge has a disk of its own: what it records does not wait for what the hub writes.
  const own = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : home, 'sigma-sync-edge-'));
  const folder = join(home, 'beside');
  const setup = { hubUrl: hub.url, tenant, recordingPath: path, folder, sources, livingFolder: own, framesPerS };
  const edge = startEdge(setup);
  const stretches = { alone: [] as SyncHubReport[], beside: [] as SyncHubReport[] };
  let [again, stolen] = [0, 0];
  try {
    // The first pair finds programs that have just begun, and are not yet what they will be.
    for (let pair = -1; pair < PAIRS; ) {
      const from = processorTime();
      const alone = await stretch(hub, edge, false);
      await clear(server);
      const drained = await stretch(hub, edge, true);
      await clear(server);
      const share = stolenSince(from);
      if (pair >= 0 && share > MOST_STOLEN && again < MOST_AGAIN) {
        again++;
        continue;
      }
      if (pair++ < 0) continue;
      stretches.alone.push(alone);
      stretches.beside.push(drained);
      stolen = Math.max(stolen, share);
    }
  } finally {
    edge.kill();
    rmSync(own, { recursive: true, force: true });
  }
  const bytesPerS = stretches.beside.reduce((sum, { bytes }) => sum + bytes, 0) / ((PAIRS * STRETCH_MS) / 1000);
  const host = `${again} pairs measured again, at most ${(100 * stolen).toPrecision(2)} % of the processors stolen in those that count`;
  const line = (name: string, of: 'liveMs' | 'keptMs'): BenchLine => besideLine(name, stretches, of, bytesPerS, host);
  return { lines: [line('sync.keptP99', 'keptMs'), line('sync.liveP99', 'liveMs')], bytesPerS };
}

async function stretch(hub: HubChild, edge: ChildProcess, drains: boolean): Promise<SyncHubReport> {
  const linked = heard(edge, 'connected');
  edge.send(drains);
  await linked;
  await pause(SETTLE_MS);
  await ask(hub, 'forget');
  await pause(STRETCH_MS);
  const report = await ask(hub, 'report');
  const closed = heard(edge, 'closed');
  edge.send(false);
  await closed;
  return report;
}

function besideLine(
  name: string,
  { alone, beside: drained }: Readonly<Record<'alone' | 'beside', readonly SyncHubReport[]>>,
  of: 'liveMs' | 'keptMs',
  bytesPerS: number,
  host: string,
): BenchLine {
  const typical = (reports: readonly SyncHubReport[], what: 'p50' | 'p99' | 'count'): number =>
    median(reports.map((report) => percentiles(report[of])[what]));
  const inMs = (reports: readonly SyncHubReport[]): string => `p50 ${typical(reports, 'p50').toPrecision(3)} ms`;
  const peer = `the same with nothing to drain (${PAIRS} stretches of each, of about ${typical(alone, 'count')} and ${typical(drained, 'count')}; ${inMs(alone)} and ${inMs(drained)}; ${(bytesPerS / 1e6).toPrecision(3)} MB/s drained; ${host})`;
  // A drain that did not come to run shows nothing.
  const value = bytesPerS === 0 || typical(drained, 'count') === 0 ? Number.POSITIVE_INFINITY : typical(drained, 'p99');
  return relative(name, value, 'ms', peer, typical(alone, 'p99'), '<=', 1.2);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return (low + high) / 2;
}
