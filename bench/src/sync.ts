import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import { ChainWriter, type Opening, openingEvent, signalEvent } from '@sigma/recorder';
import { benchBareRows, startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { percentiles, runSim } from '@sigma/sim';
import { absolute, type BenchLine, beside, relative } from './line.ts';
import type { SyncEdgeSetup } from './sync-edge.ts';
import type { SyncHubReport } from './sync-hub.ts';

const EVENT_BYTES = 200;
const EVENTS_A_BLOCK = 100;
const EVENTS = 800_000;
/** Of the greater of the two peers: as many bytes in a row as a dozen blocks have. */
const BULK_BYTES = 256 * 1024;
const ROBOTS = 40;
/** Ten frames a second of each robot. */
const FRAMES_PER_S = ROBOTS * 10;
const WATCH_S = 8;
/** A drain that is bounded, as an edge is set to that shares a narrow link. */
const PACED_BYTES_PER_S = 5_000_000;
const SIM_MINUTES = 1;
const WEEK_S = 7 * 24 * 3600;
const MOST_DRAIN_S = 600;

/**
 * Sync from an edge's SQLite file to a hub's PostgreSQL, with fsync and row-level security, over one gRPC connection on
 * loopback, each end a process of its own; beside bare rows of the same bytes in the same server. Then the same while
 * frames of the moment go over the same link, and how long a week of a fleet would take: its bytes are those of a minute
 * of computed fleet work times the minutes of a week, and the rate is the one measured.
 */
export async function benchSync(site: Site): Promise<readonly BenchLine[]> {
  const home = mkdtempSync(join(tmpdir(), 'sigma-sync-bench-'));
  const server = await startTestServer();
  const hub = await startHub(server);
  try {
    const path = join(home, 'edge.sqlite');
    const bytes = await fill(path);
    const before = await bareRates(server, bytes);
    const calm = await drain(hub, { home, name: 'calm', path, framesPerS: 0, bytes });
    const after = await bareRates(server, bytes);
    await clear(server);
    const quiet = await watchLive(hub, { home, name: 'quiet', path: await empty(home), bytesPerS: null });
    const paced = await watchLive(hub, { home, name: 'paced', path, bytesPerS: PACED_BYTES_PER_S });
    await clear(server);
    const busy = await drain(hub, { home, name: 'busy', path, framesPerS: FRAMES_PER_S, bytes });
    const rate = (EVENTS * (calm.bytes / bytes)) / calm.seconds;
    const week = await weekOf(site, home);
    const busyBytesPerS = busy.bytes / busy.seconds;
    return [
      absolute('sync.events', rate, 'events/s', '>=', 100_000),
      bareLine('sync.blocks', rate, 'bare rows of a block each', (before.block + after.block) / 2),
      bareLine('sync.blocksInBulk', rate, 'bare rows of 256 KB', (before.bulk + after.bulk) / 2),
      liveLine('sync.liveP99', busy, quiet),
      liveLine('sync.liveP99Paced', paced, quiet),
      beside(
        absolute('sync.weekOffline', week.bytes / busyBytesPerS, 's (extrapolated)', '<=', MOST_DRAIN_S),
        `bytes a second drained beside live frames; a week of ${ROBOTS} robots has ${Math.round(week.bytes / 1e6)} MB`,
        busyBytesPerS,
      ),
    ];
  } finally {
    hub.child.kill();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Events a second that bare inserts keep, one row a statement and a commit: rows of a block, and greater ones. */
async function bareRates(
  server: TestServer,
  bytes: number,
): Promise<{ readonly block: number; readonly bulk: number }> {
  const blockBytes = Math.round((bytes / EVENTS) * EVENTS_A_BLOCK);
  const perByte = EVENTS / bytes;
  return {
    block: (await benchBareRows(server, blockBytes, 1_000)) * perByte,
    bulk: (await benchBareRows(server, BULK_BYTES, 150)) * perByte,
  };
}

const bareLine = (name: string, rate: number, peer: string, bare: number): BenchLine =>
  relative(name, rate, 'events/s', peer, bare, '>=', 0.6);

function liveLine(name: string, beside: SyncHubReport, quiet: SyncHubReport): BenchLine {
  const [alone, together] = [percentiles(quiet.liveMs), percentiles(beside.liveMs)];
  const { bytes, seconds } = beside;
  const drained = `${bytes === 0 ? 0 : (bytes / seconds / 1e6).toPrecision(3)} MB/s drained over the same link`;
  const peer = `the same frames with nothing to drain (${alone.count}; ${together.count} while ${drained})`;
  // A drain that did not come to run shows nothing.
  return relative(name, bytes === 0 ? Number.POSITIVE_INFINITY : together.p99, 'ms', peer, alone.p99, '<=', 1.2);
}

const clear = (server: TestServer): Promise<unknown> =>
  server.asOwner('TRUNCATE recorder.blocks, recorder.chains, recorder.snapshots');

async function empty(home: string): Promise<string> {
  const path = join(home, 'empty.sqlite');
  await openSqliteStore(path).close();
  return path;
}

interface HubChild {
  readonly child: ChildProcess;
  readonly url: string;
}

async function startHub(server: TestServer): Promise<HubChild> {
  const child = spawnPart('./sync-hub.ts', server.url);
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return { child, url: `http://127.0.0.1:${port}` };
}

function spawnPart(file: string, argument: string): ChildProcess {
  const node = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(file, import.meta.url)), argument];
  return spawn(process.execPath, node, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function ask({ child }: HubChild, what: 'report' | 'forget'): Promise<SyncHubReport> {
  const answer = once(child, 'message') as Promise<[SyncHubReport]>;
  child.send(what);
  return (await answer)[0];
}

/** A recording of one robot with so many events of 200 bytes. @returns bytes of its blocks */
async function fill(path: string): Promise<number> {
  const store = openSqliteStore(path);
  const chain = { tenant: 'bench', source: 'r1', epoch: 0 };
  const writer = new ChainWriter(chain, sha256);
  const event = signalEvent('bench.event', { text: 'x'.repeat(EVENT_BYTES - 63) }, 1000, 1_700_000_000_000_000);
  const events = Array.from({ length: EVENTS_A_BLOCK }, () => event);
  let bytes = 0;
  for (let done = 0; done < EVENTS; ) {
    const group = [];
    for (; group.length < 200 && done < EVENTS; done += EVENTS_A_BLOCK) {
      if (writer.head.sequence === 0) group.push(writer.seal([openingEvent(opening(chain))]));
      group.push(writer.seal(events));
    }
    bytes += group.reduce((sum, block) => sum + block.bytes.length, 0);
    await store.append(group);
  }
  await store.close();
  return bytes;
}

const opening = (chain: Pick<Opening, 'tenant' | 'source' | 'epoch'>): Opening => ({
  ...chain,
  role: 'robot',
  model: '',
  modelVersion: 1,
  config: null,
  seed: 1,
  flags: [],
  policyText: '',
  policyHash: '',
  previousEpochHash: new Uint8Array(),
  atUs: 0,
  timeUs: 1_700_000_000_000_000,
  software: 'bench',
});

interface Drain {
  readonly home: string;
  readonly name: string;
  readonly path: string;
  readonly framesPerS: number;
  /** Bytes to be drained. */
  readonly bytes: number;
}

/** An edge links, and is ended when the hub has everything on its disk. */
async function drain(hub: HubChild, { home, name, path, framesPerS, bytes }: Drain): Promise<SyncHubReport> {
  const folder = join(home, name);
  await ask(hub, 'forget');
  const edge = startEdge({
    hubUrl: hub.url,
    recordingPath: path,
    folder,
    tenant: 'bench',
    sources: ['r1'],
    framesPerS,
    bytesPerS: null,
  });
  try {
    for (;;) {
      await pause(200);
      const report = await ask(hub, 'report');
      if (report.bytes >= bytes) return report;
    }
  } finally {
    edge.kill();
  }
}

/** A link with frames of the moment for some seconds, and what it drains meanwhile. */
async function watchLive(
  hub: HubChild,
  { home, name, path, bytesPerS }: Pick<Drain, 'home' | 'name' | 'path'> & { readonly bytesPerS: number | null },
): Promise<SyncHubReport> {
  const setup = {
    hubUrl: hub.url,
    tenant: 'bench',
    recordingPath: path,
    folder: join(home, name),
    sources: ['r1'],
    bytesPerS,
  };
  const edge = startEdge({ ...setup, framesPerS: FRAMES_PER_S });
  try {
    await once(edge, 'message');
    await pause(2_000);
    await ask(hub, 'forget');
    await pause(WATCH_S * 1000);
    return await ask(hub, 'report');
  } finally {
    edge.kill();
  }
}

const startEdge = (setup: SyncEdgeSetup): ChildProcess => spawnPart('./sync-edge.ts', JSON.stringify(setup));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What robots put on record in a week, by what they do in a minute of ordinary fleet work. */
async function weekOf(site: Site, home: string): Promise<{ readonly bytes: number }> {
  const path = join(home, 'fleet.sqlite');
  await runSim({
    site,
    seed: 7,
    robots: ROBOTS,
    people: 8,
    minutes: SIM_MINUTES,
    recordingPath: path,
    nowMs: () => performance.now(),
    verify: false,
  });
  const recording = openSqliteRecording(path);
  let bytes = 0;
  try {
    for (const head of await recording.heads()) {
      if (head.source.startsWith('world')) continue;
      for await (const block of recording.blocks(head, 1, head.sequence)) bytes += block.bytes.length;
    }
  } finally {
    await recording.close();
  }
  return { bytes: (bytes / (SIM_MINUTES * 60)) * WEEK_S };
}
