import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import type { Stimulus } from '@sigma/kernel';
import {
  type ChainHead,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  decodeSegment,
  EVENT_TYPE,
  eventsOf,
  type Opening,
  type Recording,
  type Reexecutors,
  replayAt,
  type SealedBlock,
  type StoredBlock,
  signalEvent,
  verify,
} from '@sigma/recorder';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors, runSim } from '@sigma/sim';
import { absolute, type BenchLine, relative } from './line.ts';

const ROBOTS = 40;
const MINUTES = 0.5;
const ROUNDS = 3;
const MOMENTS = 24;
const WARM_UPS = 6;
const LIVE_COMMIT_US = 10_000;
const FILLER_BLOCK = 100;
const FILLER_SPACING_US = 100_000;

/**
 * What reading a recording of ordinary fleet work costs: run again and compared (`verify`), run again alone, only read.
 * By processor time, so that a machine that does other things too gives the same figures; medians of the rounds.
 *
 * @param events length of the recording that a moment is sought in; 10,000,000 takes minutes and 3 GB of disk
 */
export async function benchReplay(site: Site, events: number): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-'));
  try {
    const path = join(folder, 'fleet.sqlite');
    const nowMs = (): number => performance.now();
    await runSim({
      site,
      seed: 7,
      robots: ROBOTS,
      people: 8,
      minutes: MINUTES,
      recordingPath: path,
      nowMs,
      verify: false,
    });
    return [...(await reexecution(path)), await storage(folder, path), ...(await reading(folder, path, events))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reexecution(path: string): Promise<BenchLine[]> {
  const recording = openSqliteRecording(path);
  try {
    const reexecutors = await fleetReexecutors(recording);
    const robots = await robotsOf(recording);
    const agents = only(
      recording,
      robots.map(({ source }) => source),
    );
    const rates = { bare: [] as number[], agents: [] as number[], all: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      const { cycles, spentS } = await runBare(recording, robots, reexecutors);
      rates.bare.push(cycles / spentS);
      rates.agents.push(cycles / (await processorS(() => mustVerify(agents, reexecutors))));
      rates.all.push(cycles / (await processorS(() => mustVerify(recording, reexecutors))));
    }
    const [bare, ours, all] = [median(rates.bare), median(rates.agents), median(rates.all)];
    return [
      relative('recorder.verifyReexecuted', ours, 'cycles/s', 'the bare kernel on the same stimuli', bare, '>=', 0.6),
      absolute('recorder.verifyFleet', ours, 'cycles/s', '>=', 100_000),
      absolute('recorder.verifyFleetAndWorld', all, 'cycles/s', '>=', 100_000),
    ];
  } finally {
    await recording.close();
  }
}

/**
 * The blocks of the fleet written again as live robots write them, those of each 10 ms together, and the file that comes
 * of it, its log copied into it, beside them. A simulation commits once a second and takes less.
 */
async function storage(folder: string, path: string): Promise<BenchLine> {
  const recording = openSqliteRecording(path);
  const again = join(folder, 'again.sqlite');
  const commits = new Map<number, SealedBlock[]>();
  let bytes = 0;
  for (const head of await recording.heads()) {
    for await (const stored of recording.blocks(head, 1, head.sequence)) {
      const block = sealedAgain(head, stored);
      bytes += block.bytes.length;
      const commit = Math.floor(block.lastAtUs / LIVE_COMMIT_US);
      const blocks = commits.get(commit);
      if (blocks === undefined) commits.set(commit, [block]);
      else blocks.push(block);
    }
  }
  await recording.close();
  const store = openSqliteStore(again);
  for (const [, blocks] of [...commits].sort(([a], [b]) => a - b)) await store.append(blocks);
  await store.close();
  return relative('recorder.storage', statSync(again).size, 'bytes', 'the blocks it holds', bytes, '<=', 1.15);
}

function sealedAgain({ tenant, source, epoch }: ChainHead, { bytes, hash, firstSequence }: StoredBlock): SealedBlock {
  const { previousHash, events } = decodeBlock(bytes);
  const decoded = events.map(decodeEnvelope);
  const times = decoded.map(({ atUs }) => atUs);
  const snapshots = decoded.flatMap(({ type, sequence, atUs }) =>
    type === EVENT_TYPE.snapshot ? [{ sequence, atUs }] : [],
  );
  const [firstAtUs, lastAtUs] = [times[0] as number, times.at(-1) as number];
  const count = events.length;
  return { tenant, source, epoch, bytes, hash, previousHash, firstSequence, count, firstAtUs, lastAtUs, snapshots };
}

const robotsOf = async (recording: Recording): Promise<readonly ChainHead[]> => {
  const robots: ChainHead[] = [];
  for (const head of await recording.heads())
    if ((await openingOf(recording, head)).model === 'fleet') robots.push(head);
  return robots;
};

async function openingOf(recording: Recording, head: ChainHead): Promise<Opening> {
  for await (const event of eventsOf(recording, head, 1, 1)) return decodeOpening(event);
  throw new Error(`${head.source} has no opening`);
}

/** The kernel alone, one robot after the other: the inputs of all of them at once would burden whatever runs after. */
async function runBare(
  recording: Recording,
  robots: readonly ChainHead[],
  reexecutors: Reexecutors,
): Promise<{ readonly cycles: number; readonly spentS: number }> {
  let cycles = 0;
  let spentS = 0;
  for (const head of robots) {
    const opening = await openingOf(recording, head);
    const wakes: { readonly atUs: number; readonly inbox: readonly Stimulus[] }[] = [];
    for await (const event of eventsOf(recording, head)) {
      if (event.type === EVENT_TYPE.stimulusSegment) wakes.push(...decodeSegment(event.data).wakes);
    }
    cycles += wakes.length;
    spentS += await processorS(async () => {
      const execution = reexecutors['fleet']?.(opening).open(opening);
      for (const { atUs, inbox } of wakes) execution?.wake(atUs, inbox);
    });
  }
  return { cycles, spentS };
}

const only = (recording: Recording, sources: readonly string[]): Recording => ({
  ...recording,
  heads: async () => (await recording.heads()).filter(({ source }) => sources.includes(source)),
});

async function mustVerify(recording: Recording, reexecutors: Reexecutors): Promise<void> {
  const report = await verify(recording, { sha256, reexecutors });
  if (!report.ok) throw new Error(`the bench's own recording does not verify: ${report.firstFailure?.message}`);
}

/** A long recording: the fleet's, and behind each robot's work hours of signals. */
async function reading(folder: string, fleetPath: string, events: number): Promise<BenchLine[]> {
  const path = join(folder, 'long.sqlite');
  const written = await lengthen(fleetPath, path, events);
  const recording = openSqliteRecording(path);
  try {
    const reexecutors = await fleetReexecutors(recording);
    const longest = (await recording.heads()).reduce((a, b) => (b.sequence > a.sequence ? b : a));
    const from = longest.sequence - Math.min(longest.sequence - 1, 200_000);
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      let seen = 0;
      const spentS = await processorS(async () => {
        for await (const _ of eventsOf(recording, longest, from)) seen++;
      });
      rates.push(seen / spentS);
    }
    const times: number[] = [];
    for (const moment of momentsToSeek()) {
      times.push(1000 * (await processorS(() => replayAt(recording, moment, reexecutors))));
    }
    const sought = times.slice(-MOMENTS);
    return [
      absolute('recorder.replayEvents', median(rates), 'events/s', '>=', 1_000_000),
      absolute(`recorder.replayAt(${written} events)`, Math.max(...sought), `ms, slowest of ${MOMENTS}`, '<=', 200),
    ];
  } finally {
    await recording.close();
  }
}

/**
 * Moments all over the fleet's work, to and fro, each right before a quarter of a second is full: the last one before a
 * snapshot, which costs most, is among them. A few more come first, for the compiler.
 */
function momentsToSeek(): readonly number[] {
  const spacingUs = (MINUTES * 60e6) / MOMENTS;
  const moments = Array.from({ length: MOMENTS }, (_, k) => (((k * 7) % MOMENTS) + 1) * spacingUs - 10_000);
  return [...moments.slice(0, WARM_UPS), ...moments];
}

async function lengthen(fromPath: string, toPath: string, events: number): Promise<number> {
  const from = openSqliteRecording(fromPath);
  const to = openSqliteStore(toPath);
  try {
    const heads = await from.heads();
    const each = Math.ceil(events / heads.length / FILLER_BLOCK);
    let written = 0;
    for (const head of heads) {
      const writer = new ChainWriter(head, sha256);
      for await (const event of eventsOf(from, head)) await to.append([writer.seal([event])]);
      let atUs = head.atUs;
      const text = 'x'.repeat(200 - 63);
      for (let block = 0; block < each; block += 50) {
        const blocks = Array.from({ length: Math.min(50, each - block) }, () =>
          writer.seal(
            Array.from({ length: FILLER_BLOCK }, () => {
              atUs += FILLER_SPACING_US;
              return signalEvent('bench.event', { text }, atUs, 1_700_000_000_000_000 + atUs);
            }),
          ),
        );
        await to.append(blocks);
      }
      written += writer.head.sequence;
    }
    return written;
  } finally {
    await from.close();
    await to.close();
  }
}

/** Seconds of processor time, all threads. */
async function processorS(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
