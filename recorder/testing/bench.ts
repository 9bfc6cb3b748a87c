import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, type Decision, NO_RESTRICTION, type Outputs, type Stimulus } from '@sigma/kernel';
import {
  AgentJournal,
  decodeBlock,
  type EventDraft,
  leafHash,
  type Recording,
  type Sha256,
  signalEvent,
  TreeFrontier,
  verify,
} from '../src/index.ts';
import { openSqliteRecorder, openSqliteStore, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { EVENT_BYTES, openBareByThread, openBareHere } from './bare-peers.ts';
import { testChain } from './chains.ts';
import { tramModel } from './tram.ts';

export interface AppendRates {
  /** Events per second, each on disk before the next batch begins. */
  readonly ours: number;
  /** Rows per second that bare node:sqlite inserts at the same batch size and durability, on the same kind of thread. */
  readonly bare: number;
}

export interface AppendBench {
  readonly batch: number;
  /** Batches of each kind. */
  readonly rounds?: number;
  /** Whether both have filled their logs once before: then neither grows, and a sync is as quick as it gets. */
  readonly longRun?: boolean;
  /** Whether both commit in a thread of their own, so that a disk never holds up who calls, or where they are called. */
  readonly ownThread?: boolean;
  readonly folder?: string;
}

/**
 * Stretches of one kind and of the other take turns, so that both see the same disk. One by one they would not: a sync
 * also pays for what was written to other files of the disk since the last one.
 */
const STRETCH = 20;
/** SQLite begins its log anew after 1000 pages (https://www.sqlite.org/pragma.html#pragma_wal_autocheckpoint). */
const FULL_LOG_BYTES = 1000 * 4096;

/** Durable append of 200-byte events (the whole envelope), next to bare inserts of 200 bytes in the same run. */
export async function benchAppend(options: AppendBench): Promise<AppendRates> {
  const { batch, rounds, longRun = false, ownThread = false, folder } = options;
  const count = rounds ?? Math.max(40, Math.min(400, Math.round(40_000 / batch)));
  const home = mkdtempSync(join(folder ?? tmpdir(), 'sigma-append-'));
  const path = join(home, 'ours.db');
  const recorder = ownThread ? await openSqliteRecorder(path) : openSqliteStore(path, { landing: true });
  const bare = await (ownThread ? openBareByThread : openBareHere)('rows', join(home, 'bare.db'));
  const rows = new Uint8Array(batch * EVENT_BYTES).fill(120);
  try {
    const chain = testChain('bench', sha256);
    await recorder.append([chain.begin()]);
    const drafts = events(batch);
    const ours = async (): Promise<void> => recorder.append([chain.writer.seal(drafts)]);
    const spent = { ours: 0, bare: 0 };
    const stretch = Math.min(STRETCH, Math.ceil(count / 4));
    while (longRun && statSync(join(home, 'bare.db-wal')).size < FULL_LOG_BYTES) {
      await time(ours, stretch);
      await time(() => bare.write(rows), stretch);
    }
    for (let round = -stretch; round < count; round += stretch) {
      const times = Math.min(stretch, count - round);
      const oursMs = await time(ours, times);
      const bareMs = await time(() => bare.write(rows), times);
      if (round < 0) continue;
      spent.ours += oursMs;
      spent.bare += bareMs;
    }
    const rate = (ms: number): number => (count * batch * 1000) / ms;
    return { ours: rate(spent.ours), bare: rate(spent.bare) };
  } finally {
    await bare.close();
    await recorder.close();
    rmSync(home, { recursive: true });
  }
}

/** Microseconds of one event or of its bytes, medians, on the calling thread and by way of a thread of its own. */
export interface OneEvent {
  /** From handing one event over to its acknowledgement. */
  readonly here: number;
  readonly byThread: number;
  /** What the disk takes to write and sync the same bytes, in a file that does not grow. */
  readonly disk: number;
  readonly diskByThread: number;
}

/** One event alone, next to a bare write and sync, in turns. */
export async function benchOneEvent(rounds = 40): Promise<OneEvent> {
  const home = mkdtempSync(join(tmpdir(), 'sigma-one-'));
  const here = openSqliteStore(join(home, 'here.db'), { landing: true });
  const byThread = await openSqliteRecorder(join(home, 'thread.db'));
  const disk = openBareHere('file', join(home, 'bare'));
  const diskByThread = await openBareByThread('file', join(home, 'bare-by-thread'));
  try {
    const chains = [testChain('here', sha256), testChain('thread', sha256)] as const;
    await here.append([chains[0].begin()]);
    await byThread.append([chains[1].begin()]);
    const drafts = events(1);
    // As much as a block of one event.
    const bytes = new Uint8Array(EVENT_BYTES + 80);
    const kinds: Readonly<Record<keyof OneEvent, () => Promise<void>>> = {
      here: () => here.append([chains[0].writer.seal(drafts)]),
      disk: () => disk.write(bytes),
      byThread: () => byThread.append([chains[1].writer.seal(drafts)]),
      diskByThread: () => diskByThread.write(bytes),
    };
    const spent: Record<keyof OneEvent, number[]> = { here: [], disk: [], byThread: [], diskByThread: [] };
    for (let round = -2; round < rounds; round++) {
      for (const kind of ['here', 'disk', 'byThread', 'diskByThread'] as const) {
        for (let n = 0; n < STRETCH; n++) {
          const us = 1000 * (await time(kinds[kind], 1));
          if (round >= 0) spent[kind].push(us);
        }
      }
    }
    const median = (us: number[]): number => us.sort((a, b) => a - b)[Math.floor(us.length / 2)] as number;
    const [atOnce, sent] = [median(spent.here), median(spent.byThread)];
    return { here: atOnce, byThread: sent, disk: median(spent.disk), diskByThread: median(spent.diskByThread) };
  } finally {
    await disk.close();
    await diskByThread.close();
    await here.close();
    await byThread.close();
    rmSync(home, { recursive: true });
  }
}

function events(batch: number): readonly EventDraft[] {
  const event = signalEvent('bench.event', { text: 'x'.repeat(EVENT_BYTES - 63) }, 1000, 1_700_000_000_000_000);
  return Array.from({ length: batch }, () => event);
}

async function time(run: () => Promise<void>, times: number): Promise<number> {
  const from = performance.now();
  for (let n = 0; n < times; n++) await run();
  return performance.now() - from;
}

export interface VerifyRates {
  readonly events: number;
  /** Events per second of `verify` over blocks at hand that nobody re-executes: chain, tree, order, owners. */
  readonly ours: number;
  /** The same from a SQLite file, its reading included. */
  readonly stored: number;
  /** Events per second of the same hashes, one plain call of node:crypto for each input, laid ready, and nothing else. */
  readonly bare: number;
}

/**
 * The speed of the chain and tree check beside the bare hashes that it must compute: one for each block, one for each
 * leaf, one for each node of the tree. In turn, by processor time (the machine may be shared), the median of the rounds.
 */
export async function benchVerify(blocks = 1500, eventsABlock = 27, rounds = 7): Promise<VerifyRates> {
  const home = mkdtempSync(join(tmpdir(), 'sigma-verify-'));
  const store = openSqliteStore(join(home, 'ours.db'));
  try {
    const chain = testChain('bench', sha256);
    const sealed = [chain.begin(), ...Array.from({ length: blocks }, () => chain.writer.seal(events(eventsABlock)))];
    await store.append(sealed);
    const atHand: Recording = {
      heads: async () => [chain.writer.head],
      blocks: async function* () {
        yield* sealed;
      },
      snapshotBefore: async () => null,
      close: async () => {},
    };
    const inputs = hashInputs(sealed.map(({ bytes }) => bytes));
    const count = 1 + blocks * eventsABlock;
    const check = async (recording: Recording): Promise<void> => {
      const { ok, events: seen } = await verify(recording, { sha256, reexecutors: {} });
      if (!ok || seen !== count) throw new Error(`${seen} of ${count} events verified`);
    };
    const spent: Record<'ours' | 'stored' | 'bare', number[]> = { ours: [], stored: [], bare: [] };
    for (let round = -1; round < rounds; round++) {
      const bare = await processorTime(async () => {
        for (const input of inputs) hash('sha256', input, 'buffer');
      });
      const ours = await processorTime(() => check(atHand));
      const stored = await processorTime(() => check(store));
      if (round < 0) continue;
      spent.bare.push(bare);
      spent.ours.push(ours);
      spent.stored.push(stored);
    }
    const rate = (us: number[]): number =>
      (count * 1e6) / (us.sort((a, b) => a - b)[Math.floor(us.length / 2)] as number);
    return { events: count, ours: rate(spent.ours), stored: rate(spent.stored), bare: rate(spent.bare) };
  } finally {
    await store.close();
    rmSync(home, { recursive: true });
  }
}

/** Microseconds of processor time, all threads. */
async function processorTime(run: () => Promise<void>): Promise<number> {
  const from = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(from);
  return user + system;
}

/** What is hashed to check these blocks: each block, each leaf, each node. */
function hashInputs(blocks: readonly Uint8Array[]): readonly Uint8Array[] {
  const inputs: Uint8Array[] = [];
  const noting: Sha256 = (input) => {
    inputs.push(input.slice());
    return sha256(input);
  };
  const tree = new TreeFrontier(noting);
  for (const block of blocks) {
    noting(block);
    for (const envelope of decodeBlock(block).events) tree.push(leafHash(envelope, noting));
  }
  tree.root();
  return inputs;
}

/** What a typical block of an agent costs to encode and seal: ten motion frames, one scan, one decision, no disk. */
export function benchSeal(blocks = 20_000): { readonly usPerBlock: number; readonly bytesPerBlock: number } {
  const model = tramModel();
  const journal = new AgentJournal({ agent: 'bench', model, sha256, inputSequence: 0 });
  const { writer, begin } = testChain('bench', sha256);
  begin();
  const motion = percept('motion', 10);
  const scan = percept('scan', 180);
  const silent = outputsOf(model.rest, null);
  const deciding = outputsOf(model.rest, typicalDecision());
  let bytes = 0;
  let from = 0;
  for (let n = -Math.ceil(blocks / 10); n < blocks; n++) {
    if (n === 0) {
      bytes = 0;
      from = performance.now();
    }
    const startUs = (n + blocks) * 100_000;
    for (let wake = 0; wake < 10; wake++) {
      journal.wake(startUs + wake * 10_000, wake === 0 ? [motion, scan] : [motion], wake === 9 ? deciding : silent);
    }
    bytes += writer.seal(journal.cut(1_700_000_000_000_000)).bytes.length;
  }
  return { usPerBlock: ((performance.now() - from) * 1000) / blocks, bytesPerBlock: bytes / blocks };
}

const percept = (channel: string, width: number): Stimulus => ({
  kind: 'percept',
  channel,
  values: Int32Array.from({ length: width }, (_, i) => 3000 + ((i * 7919) % 1000)),
});

const outputsOf = (command: Command, decision: Decision | null): Outputs => ({
  command,
  commandChanged: decision !== null,
  urgent: false,
  restriction: NO_RESTRICTION,
  decision,
  events: [],
  messages: [],
  asks: [],
  wakeAtUs: Number.POSITIVE_INFINITY,
});

function typicalDecision(): Decision {
  const command: Command = { kind: 'setpoint', name: 'drive', params: { speedMps: 0.6 }, durationUs: 1_200_000 };
  const voice = { severity: 0, priority: 1, sequence: 3, confidence: 0.8, ruleHash: null };
  const rationale = 'advance (1 of 4): cover the zone from the west';
  const chosen = {
    ...voice,
    type: 'command',
    source: 'plan:primary',
    authority: 'mission',
    rationale,
    command,
  } as const;
  const restriction = { atMost: { speedMps: 0.3 }, forbid: [] };
  const near = {
    ...voice,
    type: 'restriction',
    source: 'reflex:near',
    authority: 'safety',
    rationale,
    restriction,
  } as const;
  return {
    sequence: 5,
    atUs: 0,
    context: { epoch: 0, inputSequence: 77, policyHash: 'a'.repeat(64) },
    chosen,
    command,
    authority: 'mission',
    rationale,
    confidence: 0.8,
    rejected: [{ proposal: chosen, reason: 'lower_priority', by: 'plan:primary' }],
    restrictions: [near],
    restriction,
    clamped: [{ param: 'speedMps', from: 0.6, to: 0.3 }],
    forbiddenBy: null,
    taskId: 'task-7',
    planRevision: 3,
    planner: 'primary',
    planBasis: { epoch: 0, inputSequence: 60 },
  };
}
