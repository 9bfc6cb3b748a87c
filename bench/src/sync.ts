import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { benchBareRows, startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { openSqliteRecording, openSqliteStore } from '@sigma/recorder/sqlite';
import { percentiles, runSim } from '@sigma/sim';
import { absolute, type BenchLine, beside, relative } from './line.ts';
import { benchChain, benchEvent } from './sync-chain.ts';
import type { SyncEdgeSetup } from './sync-edge.ts';
import type { SyncHubReport } from './sync-hub.ts';
import { pageBytesOf, type Thinned, thin } from './sync-thinned.ts';

const EVENTS_A_BLOCK = 100;
const EVENTS = 6_000_000;
/** Of the greater of the two peers: as many bytes in a row as a dozen blocks have. */
const BULK_BYTES = 256 * 1024;
const ROBOTS = 40;
/** Ten frames a second of each robot. */
const FRAMES_PER_S = ROBOTS * 10;
/** Stretches with nothing to drain and with a drain, in turn; of each the first part is not counted. */
const PAIRS = 3;
const SETTLE_MS = 1_500;
/** A pace is found in as many seconds: shorter ones would show only how it begins. */
const STRETCH_MS = 20_000;
/** So many that what is drained is taken in by a program that has warmed up. */
const SIM_MINUTES = 24;
const WEEK_S = 7 * 24 * 3600;
/** What a recording may take where nobody names a bound (SPEC R127). */
const SPOOL_BYTES = ROBOTS * 750e6;
const MOST_DRAIN_S = 600;
const GIGABIT_BYTES_PER_S = 125e6;
const DISK_BYTES = 256 * 1024 * 1024;

/**
 * Sync from an edge's SQLite file to a hub's PostgreSQL, with fsync and row-level security, over one gRPC connection on
 * loopback, each end a process of its own; beside bare rows of the same bytes in the same server. Then the same while
 * a fleet records and sends frames of the moment over the same link, and how long a week of a fleet would take: some minutes
 * of computed fleet work are drained as they were recorded, and their bytes and seconds are taken for a week.
 */
export async function benchSync(site: Site): Promise<readonly BenchLine[]> {
  const home = mkdtempSync(join(tmpdir(), 'sigma-sync-bench-'));
  const server = await startTestServer();
  const hub = await startHub(server, 'bench');
  try {
    const path = join(home, 'edge.sqlite');
    const bytes = await fill(path);
    const drained = { home, path, bytes, sources: ['r1'], tenant: 'bench' };
    const before = await bareRates(server, bytes);
    const calm = await drain(hub, { ...drained, name: 'calm', framesPerS: 0 });
    const after = await bareRates(server, bytes);
    await clear(server);
    const rate = (EVENTS * (calm.bytes / bytes)) / calm.seconds;
    const peer = (kind: keyof BareRates): number => (before[kind] + after[kind]) / 2;
    return [
      absolute('sync.events', rate, 'events/s', '>=', 100_000),
      bareLine('sync.blocks', rate, 'bare rows of a block each', peer('block')),
      bareLine('sync.blocksInBulk', rate, 'bare rows of 256 KB, which PostgreSQL packs', peer('bulk')),
      bareLine('sync.blocksInBulkUnpacked', rate, 'bare rows of 256 KB that cannot be packed', peer('unpackable')),
      ...(await besideLines(hub, server, home, path)),
      ...(await weekLines(site, server, home)),
    ];
  } finally {
    hub.child.kill();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

interface BareRates {
  readonly block: number;
  readonly bulk: number;
  readonly unpackable: number;
}

/** Events a second that bare inserts keep, one row a statement and a commit: rows of a block, and greater ones. */
async function bareRates(server: TestServer, bytes: number): Promise<BareRates> {
  const blockBytes = Math.round((bytes / EVENTS) * EVENTS_A_BLOCK);
  const perByte = EVENTS / bytes;
  return {
    block: (await benchBareRows(server, blockBytes, 1_000)) * perByte,
    bulk: (await benchBareRows(server, BULK_BYTES, 200)) * perByte,
    unpackable: (await benchBareRows(server, BULK_BYTES, 200, 'unpackable')) * perByte,
  };
}

const bareLine = (name: string, rate: number, peer: string, bare: number): BenchLine =>
  relative(name, rate, 'events/s', peer, bare, '>=', 0.6);

/**
 * What a drain costs what is live, on one link: `keptP99`, from recording a block to having it on the hub's disk, of the
 * chains of a fleet that goes on recording as the computed one does; `liveP99`, how long a frame of the moment is under
 * way. One edge and one hub live through all of it and link anew for each stretch: nothing to drain, a drain without a
 * bound, and so on in turn. Of each stretch the p99 is taken, of about 8,000 frames and as many blocks; shown are the
 * medians of these over all stretches of a kind, so that what else runs on the machine for a moment decides nothing.
 */
async function besideLines(
  hub: HubChild,
  server: TestServer,
  home: string,
  path: string,
): Promise<readonly BenchLine[]> {
  // An edge has a disk of its own: what it records does not wait for what the hub writes.
  const own = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : home, 'sigma-sync-edge-'));
  const sources = Array.from({ length: ROBOTS }, (_, i) => `r${i + 1}`);
  const edge = startEdge({
    ...{ hubUrl: hub.url, tenant: 'bench', recordingPath: path, folder: join(home, 'beside'), sources },
    livingFolder: own,
    framesPerS: FRAMES_PER_S,
  });
  const stretches = { alone: [] as SyncHubReport[], beside: [] as SyncHubReport[] };
  try {
    for (let pair = -1; pair < PAIRS; pair++) {
      for (const kind of ['alone', 'beside'] as const) {
        const report = await stretch(hub, edge, kind === 'beside');
        await clear(server);
        // The first pair finds programs that have just begun, and are not yet what they will be.
        if (pair >= 0) stretches[kind].push(report);
      }
    }
  } finally {
    edge.kill();
    rmSync(own, { recursive: true, force: true });
  }
  const bytes = stretches.beside.reduce((sum, report) => sum + report.bytes, 0);
  const rate = bytes / ((PAIRS * STRETCH_MS) / 1000);
  return [besideLine('sync.keptP99', stretches, 'keptMs', rate), besideLine('sync.liveP99', stretches, 'liveMs', rate)];
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
): BenchLine {
  const typical = (reports: readonly SyncHubReport[], what: 'p50' | 'p99' | 'count'): number =>
    median(reports.map((report) => percentiles(report[of])[what]));
  const inMs = (reports: readonly SyncHubReport[]): string => `p50 ${typical(reports, 'p50').toPrecision(3)} ms`;
  const peer = `the same with nothing to drain (${PAIRS} stretches of each, of about ${typical(alone, 'count')} and ${typical(drained, 'count')}; ${inMs(alone)} and ${inMs(drained)}; ${(bytesPerS / 1e6).toPrecision(3)} MB/s drained)`;
  // A drain that did not come to run shows nothing.
  const value = bytesPerS === 0 || typical(drained, 'count') === 0 ? Number.POSITIVE_INFINITY : typical(drained, 'p99');
  return relative(name, value, 'ms', peer, typical(alone, 'p99'), '<=', 1.2);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return (low + high) / 2;
}

/** An edge's word of that kind. */
async function heard(edge: ChildProcess, word: string): Promise<void> {
  const messages = on(edge, 'message') as AsyncIterable<[string]>;
  for await (const [said] of messages) if (said === word) return;
}

/**
 * What a week of a fleet weighs, and how long it would take: by what is measured, by the disk, and by a cable of 1 Gbit/s.
 * All of it, and what a spool of the size that it has by default keeps: of the whole week what never goes before an input
 * does (see `thin`), and of its end, as much as there is room for, everything.
 */
async function weekLines(site: Site, server: TestServer, home: string): Promise<readonly BenchLine[]> {
  const minutes = await minutesOf(site, home);
  const hub = await startHub(server, minutes.tenant);
  try {
    const whole = await drain(hub, { ...minutes, home, name: 'week', framesPerS: FRAMES_PER_S });
    await clear(server);
    const left = await thin(minutes.path, minutes.sources);
    const thinned = await drain(hub, { ...minutes, ...left, home, name: 'thinned', framesPerS: FRAMES_PER_S });
    return [...wholeWeekLines(minutes, whole, diskBytesPerS(home)), spooledWeekLine(minutes, whole, left, thinned)];
  } finally {
    hub.child.kill();
  }
}

/** Of some minutes, for a week. */
const perWeek = (bytes: number): number => (bytes / (SIM_MINUTES * 60)) * WEEK_S;
const inMB = (bytes: number): string => `${(bytes / 1e6).toPrecision(3)} MB`;
const perGB = ({ cpuS, bytes }: SyncHubReport): string => `${((cpuS / bytes) * 1e9).toPrecision(2)} s`;
/** How long frames of the moment were under way beside it: nothing paces a drain where nothing is recorded. */
const framesBeside = ({ liveMs }: SyncHubReport): string =>
  `frames of the moment beside it p99 ${percentiles(liveMs).p99.toPrecision(3)} ms`;
const rateOf = ({ steadyBytesPerS }: SyncHubReport): number => steadyBytesPerS;

function wholeWeekLines(minutes: Thinned, report: SyncHubReport, disk: number): readonly BenchLine[] {
  const rate = rateOf(report);
  const bytes = perWeek(minutes.bytes);
  const wireBytes = bytes * (report.wireBytes / report.bytes);
  const what = `bytes a second, in blocks of ${Math.round(minutes.bytes / minutes.blocks)} bytes; a week of ${ROBOTS} robots has ${inMB(bytes)}, packed ${inMB(wireBytes)}; ${perGB(report)} of the hub's processor a GB; ${framesBeside(report)}`;
  const limits = `this disk takes ${inMB(disk)} a second with fsync, and what is packed is written twice: ${Math.round((2 * wireBytes) / disk)} s; a cable of 1 Gbit/s: ${Math.round(wireBytes / GIGABIT_BYTES_PER_S)} s`;
  const week = absolute('sync.weekOffline', bytes / rate, 's (extrapolated)', '<=', MOST_DRAIN_S);
  return [
    beside(week, `${what}; ${limits}`, rate),
    relative('sync.weekOfDisk', rate, 'bytes/s', 'half of what the disk takes with fsync', disk / 2, '>=', 0.6),
  ];
}

function spooledWeekLine(minutes: Thinned, whole: SyncHubReport, left: Thinned, thinned: SyncHubReport): BenchLine {
  // The end of the week stands there whole: so much more than what stays of it has room. What the world recorded counts
  // as if it were theirs.
  const stays = perWeek(left.pageBytes);
  const share = Math.max(0, Math.min(1, (SPOOL_BYTES - stays) / (perWeek(minutes.pageBytes) - stays)));
  const [older, newer] = [perWeek(left.bytes) * (1 - share), perWeek(minutes.bytes) * share];
  const seconds = older / rateOf(thinned) + newer / rateOf(whole);
  const what = `bytes a second of what stays of a week: ${inMB(older)} in blocks of ${Math.round(left.bytes / left.blocks)} bytes, ${perGB(thinned)} of the hub's processor a GB; ${framesBeside(thinned)}; behind them the last ${Math.round((share * WEEK_S) / 3600)} h, whole: ${inMB(newer)}`;
  const line = absolute('sync.weekOfBoundedSpool', seconds, 's (extrapolated)', '<=', MOST_DRAIN_S);
  return beside(line, what, rateOf(thinned));
}

/** Bytes a second that a file in this folder takes, 1 MB at a time, synced every 8 MB as a commit is. */
function diskBytesPerS(folder: string): number {
  const file = openSync(join(folder, 'disk'), 'w');
  const part = Buffer.alloc(1024 * 1024, 7);
  const from = performance.now();
  for (let at = 0; at < DISK_BYTES; at += part.length) {
    writeSync(file, part);
    if (at % (8 * part.length) === 0) fsyncSync(file);
  }
  fsyncSync(file);
  closeSync(file);
  return (DISK_BYTES * 1000) / (performance.now() - from);
}

const clear = (server: TestServer): Promise<unknown> =>
  server.asOwner('TRUNCATE recorder.blocks, recorder.chains, recorder.snapshots');

interface HubChild {
  readonly child: ChildProcess;
  readonly url: string;
}

async function startHub(server: TestServer, tenant: string): Promise<HubChild> {
  const child = spawnPart('./sync-hub.ts', server.url, tenant);
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return { child, url: `http://127.0.0.1:${port}` };
}

function spawnPart(file: string, ...args: readonly string[]): ChildProcess {
  const node = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(file, import.meta.url)), ...args];
  return spawn(process.execPath, node, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function ask({ child }: HubChild, what: 'report' | 'forget'): Promise<SyncHubReport> {
  const answer = once(child, 'message') as Promise<[SyncHubReport]>;
  child.send(what);
  return (await answer)[0];
}

/** A recording of one robot with so many events of 200 bytes. @returns bytes of its blocks */
async function fill(path: string): Promise<number> {
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  const { writer, begin } = benchChain('r1', 0);
  const fresh = () => Array.from({ length: EVENTS_A_BLOCK }, () => benchEvent(1_700_000_000_000_000));
  let bytes = begin.bytes.length;
  await store.append([begin]);
  for (let done = 0; done < EVENTS; ) {
    const group = [];
    for (; group.length < 200 && done < EVENTS; done += EVENTS_A_BLOCK) group.push(writer.seal(fresh()));
    bytes += group.reduce((sum, block) => sum + block.bytes.length, 0);
    await store.append(group);
  }
  await store.close();
  return bytes;
}

interface Drain {
  readonly home: string;
  readonly name: string;
  readonly path: string;
  readonly tenant: string;
  readonly sources: readonly string[];
  readonly framesPerS: number;
  /** Bytes to be drained. */
  readonly bytes: number;
}

/** An edge links, and is ended when the hub has everything on its disk. */
async function drain(hub: HubChild, { home, name, path, bytes, ...setup }: Drain): Promise<SyncHubReport> {
  await ask(hub, 'forget');
  const places = { hubUrl: hub.url, recordingPath: path, folder: join(home, name), livingFolder: null };
  const edge = startEdge({ ...setup, ...places });
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

const startEdge = (setup: SyncEdgeSetup): ChildProcess => spawnPart('./sync-edge.ts', JSON.stringify(setup));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What robots put on record in a few minutes of ordinary fleet work. */
async function minutesOf(site: Site, home: string) {
  const path = join(home, 'fleet.sqlite');
  await runSim({
    site,
    seed: 7,
    robots: ROBOTS,
    people: 8,
    minutes: SIM_MINUTES,
    recordingPath: path,
    packBytes: PACK_BYTES,
    nowMs: () => performance.now(),
    verify: false,
  });
  const recording = openSqliteRecording(path);
  const sources: string[] = [];
  let [bytes, blocks, tenant] = [0, 0, ''];
  try {
    for (const head of await recording.heads()) {
      // A hub's own chain never comes over a link.
      if (head.source.startsWith('world') || head.source === 'hub') continue;
      sources.push(head.source);
      tenant = head.tenant;
      for await (const block of recording.blocks(head, 1, head.sequence)) {
        bytes += block.bytes.length;
        blocks++;
      }
    }
  } finally {
    await recording.close();
  }
  return { path, sources, bytes, blocks, tenant, pageBytes: pageBytesOf(path) };
}
