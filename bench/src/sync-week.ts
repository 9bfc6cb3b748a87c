import { closeSync, copyFileSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import { PACK_BYTES } from '@sigma/recorder/packing';
import type { TestServer } from '@sigma/recorder/postgres/testing';
import { percentiles, runSim } from '@sigma/sim';
import { absolute, type BenchLine, beside, relative } from './line.ts';
import { besideDrain } from './sync-beside.ts';
import { clear, drain, startHub } from './sync-ends.ts';
import type { SyncHubReport } from './sync-hub.ts';
import { type Minutes, minutesOn, onlyRobots, repeat } from './sync-spool.ts';
import { thin } from './sync-thinned.ts';

const ROBOTS = 40;
/** Ten frames a second of each robot. */
const FRAMES_PER_S = ROBOTS * 10;
/** So many that what is drained is taken in by a program that has warmed up. */
const SIM_MINUTES = 24;
const WEEK_S = 7 * 24 * 3600;
/** What a recording may take where nobody names a bound (SPEC R127). */
const SPOOL_BYTES = ROBOTS * 300e6;
/** Of a spool in small: more than is drained in a stretch. */
const SMALL_BYTES = 3e9;
const MOST_DRAIN_S = 600;
const GIGABIT_BYTES_PER_S = 125e6;
const DISK_BYTES = 256 * 1024 * 1024;

/**
 * What a week of a fleet weighs, and how long it would take: by what is measured, by the disk, and by a cable of 1 Gbit/s.
 * What a spool of the size that it has by default keeps of it, beside what is live: of the whole week what never goes
 * before an input does (see `thin`), and of its end, as much as there is room for, everything. And all of it, with nothing
 * recorded meanwhile, so that nothing paces it.
 */
export async function weekLines(site: Site, server: TestServer, home: string): Promise<readonly BenchLine[]> {
  const minutes = await minutesOf(site, home);
  const hub = await startHub(server, minutes.tenant);
  try {
    const spool = await spoolInSmall(minutes, home);
    const { lines, bytesPerS } = await besideDrain(hub, server, home, spool.small, FRAMES_PER_S);
    const whole = await drain(hub, { ...minutes, home, name: 'week', framesPerS: FRAMES_PER_S });
    await clear(server);
    return [...lines, spoolLine(spool, bytesPerS), ...wholeWeekLines(minutes, whole, diskBytesPerS(home))];
  } finally {
    hub.child.kill();
  }
}

/** What robots put on record in a few minutes of ordinary fleet work. */
async function minutesOf(site: Site, home: string): Promise<Minutes> {
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
  onlyRobots(path);
  return minutesOn(path);
}

/** Of some minutes, for a week. */
const perWeek = (bytes: number): number => (bytes / (SIM_MINUTES * 60)) * WEEK_S;
const inMB = (bytes: number): string => `${(bytes / 1e6).toPrecision(3)} MB`;

interface Spool {
  /** As an edge has it behind a week, in so many bytes. */
  readonly small: Minutes;
  /** Bytes of blocks that it has in truth: of the whole week what stays, and of its end everything. */
  readonly older: number;
  readonly newer: number;
  readonly newerHours: number;
}

async function spoolInSmall(minutes: Minutes, home: string): Promise<Spool> {
  const thinnedPath = join(home, 'thinned.sqlite');
  copyFileSync(minutes.path, thinnedPath);
  await thin(thinnedPath, minutes.sources);
  const thinned = await minutesOn(thinnedPath);
  const path = join(home, 'spool.sqlite');
  const long = await repeat(path, thinned, SMALL_BYTES);
  const stays = perWeek(thinned.bytes) * (long.pageBytes / long.bytes);
  const share = Math.max(0, Math.min(1, (SPOOL_BYTES - stays) / (perWeek(minutes.pageBytes) - stays)));
  const [older, newer] = [perWeek(thinned.bytes) * (1 - share), perWeek(minutes.bytes) * share];
  const small = await repeat(path, minutes, (SMALL_BYTES * newer) / older);
  return { small, older, newer, newerHours: (share * WEEK_S) / 3600 };
}

function spoolLine({ older, newer, newerHours }: Spool, bytesPerS: number): BenchLine {
  const what = `bytes a second of what stays of a week, beside what is live (as for sync.liveP99): ${inMB(older)}; behind them the last ${newerHours.toPrecision(2)} h, whole: ${inMB(newer)}`;
  const line = absolute('sync.weekOfBoundedSpool', (older + newer) / bytesPerS, 's (extrapolated)', '<=', MOST_DRAIN_S);
  return beside(line, what, bytesPerS);
}

function wholeWeekLines(minutes: Minutes, report: SyncHubReport, disk: number): readonly BenchLine[] {
  const { steadyBytesPerS: rate, cpuS, wireBytes: sent, liveMs } = report;
  const bytes = perWeek(minutes.bytes);
  const wireBytes = bytes * (sent / report.bytes);
  const perGB = ((cpuS / report.bytes) * 1e9).toPrecision(2);
  const frames = `frames of the moment beside it p99 ${percentiles(liveMs).p99.toPrecision(3)} ms`;
  const what = `bytes a second, in blocks of ${Math.round(minutes.bytes / minutes.blocks)} bytes; a week of ${ROBOTS} robots has ${inMB(bytes)}, packed ${inMB(wireBytes)}; ${perGB} s of the hub's processor a GB; ${frames}`;
  const limits = `this disk takes ${inMB(disk)} a second with fsync, and what is packed is written twice: ${Math.round((2 * wireBytes) / disk)} s; a cable of 1 Gbit/s: ${Math.round(wireBytes / GIGABIT_BYTES_PER_S)} s`;
  const week = absolute('sync.weekOffline', bytes / rate, 's (extrapolated)', '<=', MOST_DRAIN_S);
  return [
    beside(week, `${what}; ${limits}`, rate),
    relative('sync.weekOfDisk', rate, 'bytes/s', 'half of what the disk takes with fsync', disk / 2, '>=', 0.6),
  ];
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
