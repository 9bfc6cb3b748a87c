// The edge's end of the sync bench, a process of its own: the link and the thread of sync as an edge program runs them,
// over a recording that lies ready, and frames of the moment as a fleet sends them.

import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { HubLink, linkTransport, openSyncMemory, SyncWorker } from '@sigma/edge';
import { threadPriority } from '@sigma/edge/priority';
import { TelemetryFrameSchema } from '@sigma/proto';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import { benchChain, benchEvent, LIVING_EPOCH } from './sync-chain.ts';

export interface SyncEdgeSetup {
  readonly hubUrl: string;
  readonly tenant: string;
  readonly recordingPath: string;
  readonly folder: string;
  readonly sources: readonly string[];
  /**
   * Where living chains are recorded, one of each source; null: none is. With one every second message, true or false,
   * begins a link and chains, with what lies in `recordingPath` to be drained, or not; the one behind it ends both.
   */
  readonly livingFolder: string | null;
  /** Frames of the moment, a second. */
  readonly framesPerS: number;
}

/** A robot of the computed fleet records about so much: a block of about a kilobyte, ten times a second. */
const BLOCKS_PER_S = 10;
const EVENTS_A_BLOCK = 5;
const TICK_MS = 10;

threadPriority('soon');
const setup = JSON.parse(process.argv[2] ?? '{}') as SyncEdgeSetup;
const wallUs = (): number => Math.floor((performance.timeOrigin + performance.now()) * 1000);
const { livingFolder, hubUrl, tenant, recordingPath, folder, sources, framesPerS } = setup;
// Of an `AgentClock`: agent time is the machine's monotonic time, at rate 1.
const clock = new SharedArrayBuffer(32);
new Float64Array(clock, 8, 3)[2] = 1;
const epochTimeUs = wallUs() - Math.floor(Number(process.hrtime.bigint()) / 1000);

/** Chains that grow, in a recording of their own. */
function openLiving(folder: string) {
  const path = join(folder, `living-${links}.sqlite`);
  const store = openSqliteStore(path);
  const chains = sources.map((source) => benchChain(source, LIVING_EPOCH, { tenant, timeUs: wallUs() }));
  void store.append(chains.map(({ begin }) => begin));
  let turn = 0;
  const timer = setInterval(() => {
    // A quarter of the robots each time: they do not cut their journals all at one moment.
    turn = (turn + 1) % 4;
    const due = chains.filter((_, i) => i % 4 === turn);
    const events = Array.from({ length: EVENTS_A_BLOCK }, () => benchEvent(wallUs()));
    void store.append(due.map(({ writer }) => writer.seal(events)));
  }, 250 / BLOCKS_PER_S);
  const close = (): Promise<void> => {
    clearInterval(timer);
    return store.close();
  };
  return { path, close };
}

let links = 0;
function linked(drains: boolean) {
  const memoryFolder = `${folder}-${++links}`;
  const living = livingFolder === null ? null : openLiving(livingFolder);
  if (living !== null && drains) {
    // What was recorded before this life, and is still to be sent.
    const memory = openSyncMemory(memoryFolder);
    memory.addRecording(recordingPath);
    memory.close();
  }
  const unbounded = { bytesPerS: Number.POSITIVE_INFINITY, recordingMostBytes: Number.POSITIVE_INFINITY };
  const sync: SyncWorker = new SyncWorker(
    {
      ...{ tenant, sources, ...unbounded, clock, epochTimeUs },
      ...{ folder: memoryFolder, hubUrl },
      recordingPath: living?.path ?? recordingPath,
      growing: living === null ? [] : sources.map((source) => ({ source, epoch: LIVING_EPOCH })),
    },
    {
      wake: () => link.wake(),
      note: (name, body) => console.error(name, body),
      gap: () => undefined,
      drop: () => undefined,
    },
  );
  const link: HubLink = new HubLink({
    transport: linkTransport(hubUrl),
    joinToken: 'bench',
    hello: () => ({ tenant, edgeId: 'e1', agents: sources.map((agentId) => ({ agentId })) }),
    onKey: () => undefined,
    onHeard: () => undefined,
    onOrder: () => undefined,
    onState: (state) => {
      if (state.type === 'lost') sync.lost();
      process.send?.(state.type);
    },
    sync,
    wallUs,
    random: Math.random,
  });
  link.start();
  const close = async (): Promise<void> => {
    await link.close();
    await sync.close();
    await living?.close();
  };
  return { link, close };
}

let now: ReturnType<typeof linked> | null = livingFolder === null ? linked(true) : null;
process.on('message', (drains: boolean) => {
  const before = now;
  now = before === null ? linked(drains) : null;
  void before?.close().then(() => process.send?.('closed'));
});

let owed = 0;
let sequence = 0n;
setInterval(() => {
  owed += (framesPerS * TICK_MS) / 1000;
  const frames = [];
  for (; owed >= 1; owed--) {
    const timeUs = BigInt(wallUs());
    const agentId = sources[Number(sequence) % sources.length] ?? '';
    const value = create(TelemetryFrameSchema, {
      agentId,
      channel: 'state',
      sequence: ++sequence,
      timeUs,
      atUs: timeUs,
      values: [1.25, 2.5, 0.1, 0.6, 0.93, 0],
      inputSequence: sequence,
      epoch: 1,
    });
    frames.push({ class: 'telemetry', frame: { case: 'telemetry', value } } as const);
  }
  now?.link.send(frames);
}, TICK_MS);
