import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import {
  type ChainHead,
  type ChainId,
  ChainWriter,
  decodeOpening,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  type Opening,
  openingEvent,
  type Recording,
  type SealedBlock,
} from '@sigma/recorder';
import {
  archiveRecording,
  ColdArchive,
  folderObjects,
  NO_BOUNDS,
  type QueryAnswer,
  QuerySession,
  queryEvents,
} from '@sigma/recorder/archive';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { runSim } from '@sigma/sim';
import { absolute, type BenchLine, beside } from './line.ts';

const ROBOTS = 40;
const MINUTE_US = 60e6;
/** One robot has a whole day; the others are there to be passed over. */
const DAY_MINUTES = 1_440;
const BUSY = 'r02';
const OTHERS_MINUTES = 10;
const DAY_FROM_US = Date.UTC(2026, 3, 1) * 1000;
const EVENTS_OF_BLOCK = 20;
const ROUNDS = 7;
/** Whoever reads an answer asks the next question no sooner. */
const BETWEEN_MS = 1_000;
const SIGMA = fileURLToPath(new URL('../../apps/cli/bin/sigma.mjs', import.meta.url));

/**
 * What archiving costs, and a question to the archive: one robot, one day, decisions by reason. A robot's day is its
 * minute of real fleet work, again and again with the times moved on.
 */
export async function benchArchive(site: Site): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-archive-'));
  try {
    const path = join(folder, 'minute.sqlite');
    const nowMs = (): number => performance.now();
    await runSim({ site, seed: 7, robots: ROBOTS, people: 8, minutes: 1, recordingPath: path, nowMs, verify: false });
    const minute = openSqliteRecording(path);
    const fleet = await dayOf(minute);
    await minute.close();
    const store = folderObjects(join(folder, 'archive'));
    const before = process.cpuUsage();
    const { events } = await archiveRecording(fleet, store, { sha256 });
    const spent = process.cpuUsage(before);
    const seconds = (spent.user + spent.system) / 1e6;
    const write = absolute('archive.write', events / seconds, 'events/s of processor time', '>=', 10_000);
    return [...(await asked(store, folder)), write];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The question in three ways: of a session that is open (a hub, the prompt of `sigma query`), of a process that asks once,
 * and as a command from a shell. The session has a process in waiting, and has to look whether what it checked is as it
 * was; the other two check the files by their hash each time.
 */
async function asked(store: ReturnType<typeof folderObjects>, folder: string): Promise<readonly BenchLine[]> {
  const day = `source = '${BUSY}' AND time >= '2026-04-01' AND time < '2026-04-02'`;
  const sql = `SELECT reason, count(*) AS n FROM decisions WHERE ${day} GROUP BY reason ORDER BY n DESC`;
  const options = { only: NO_BOUNDS, limits: { timeoutMs: 60_000, memoryMb: 1_024, rows: 100_000 } };
  const open = () => ColdArchive.open(store, { cacheDir: join(folder, 'cache') });
  const held = await open();
  const session = new QuerySession({ hot: [], cold: [held], files: [] }, { asksAgain: true });
  const decisions = await counted(await session.ask(sql, options));
  const took = { session: [] as number[], once: [] as number[], command: [] as number[], bare: [] as number[] };
  const processorMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(BETWEEN_MS);
    took.session.push(await tookMs(async () => counted(await session.ask(sql, options))));
    // The session makes the next process ready meanwhile: who asks once has none beside him.
    await sleep(BETWEEN_MS);
    const spentBefore = processorTimeMs();
    took.once.push(
      await tookMs(async () => {
        const archive = await open();
        await counted(await queryEvents(sql, { hot: [], cold: [archive], files: [] }, options));
        await archive.close();
      }),
    );
    processorMs.push(processorTimeMs() - spentBefore);
    const command = [SIGMA, 'query', sql, '--over', store.address, '--json'];
    took.command.push(await tookMs(async () => execFileSync(process.execPath, command)));
    took.bare.push(await tookMs(async () => execFileSync(process.execPath, ['--eval', 'setTimeout(() => {}, 0)'])));
  }
  await session.close();
  await held.close();
  const bareMs = median(took.bare);
  const peer = `an empty process of node; of ${decisions} decisions of one robot's day, medians of ${ROUNDS}`;
  const line = (name: string, values: readonly number[]): BenchLine =>
    beside(absolute(name, median(values), 'ms', '<=', 200), peer, bareMs);
  return [
    line('archive.query', took.session),
    line('archive.queryOnce', took.once),
    line('archive.queryCommand', took.command),
    absolute('archive.queryOnceProcessorTime', median(processorMs), 'ms', '<=', 200),
  ];
}

/** How many decisions an answer counts. */
async function counted(answer: QueryAnswer): Promise<number> {
  let decisions = 0;
  for await (const [, count] of answer.rows) decisions += count as number;
  return decisions;
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Of this process and of the children that have ended (proc(5), /proc/pid/stat, fields 14 to 17: hundredths of a second). */
function processorTimeMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

interface Life {
  readonly opening: Opening;
  readonly minute: readonly EventDraft[];
  readonly minutes: number;
}

/** The chains of a minute as chains of a day, made as they are read. */
async function dayOf(minute: Recording): Promise<Recording> {
  const lives: Life[] = [];
  for (const head of await minute.heads()) {
    let opening: Opening | null = null;
    const drafts: EventDraft[] = [];
    for await (const event of eventsOf(minute, head, 1, head.sequence)) {
      if (event.type === EVENT_TYPE.opening) opening = { ...decodeOpening(event), timeUs: DAY_FROM_US, atUs: 0 };
      else drafts.push({ ...event, data: event.data.slice() });
    }
    if (opening === null || opening.role === 'world') continue;
    lives.push({ opening, minute: drafts, minutes: head.source === BUSY ? DAY_MINUTES : OTHERS_MINUTES });
  }
  const heads = lives.map(headOf);
  const lifeOf = (chain: ChainId): Life | undefined => lives.find(({ opening }) => opening.source === chain.source);
  return {
    heads: async () => heads,
    async *blocks(chain, _from, to) {
      const life = lifeOf(chain);
      if (life === undefined) return;
      for (const block of blocksOf(life)) if (block.firstSequence <= to) yield block;
    },
    snapshotBefore: async () => null,
    close: async () => {},
  };
}

function* blocksOf({ opening, minute, minutes }: Life, seen?: (head: ChainHead) => void): Iterable<SealedBlock> {
  const writer = new ChainWriter(opening, sha256);
  yield writer.seal([openingEvent(opening)]);
  for (let n = 0; n < minutes; n++) {
    const shiftUs = n * MINUTE_US;
    for (let at = 0; at < minute.length; at += EVENTS_OF_BLOCK) {
      const part = minute.slice(at, at + EVENTS_OF_BLOCK);
      yield writer.seal(
        part.map((event) => ({ ...event, atUs: event.atUs + shiftUs, timeUs: DAY_FROM_US + event.atUs + shiftUs })),
      );
    }
  }
  seen?.(writer.head);
}

function headOf(life: Life): ChainHead {
  const ends: ChainHead[] = [];
  for (const block of blocksOf(life, (head) => ends.push(head))) if (block.count === 0) break;
  return ends[0] as ChainHead;
}
