// The edge's end of the sync bench, a process of its own: the link and the thread of sync as an edge program runs them,
// over a recording that lies ready, and frames of the moment as a fleet sends them.

import { create } from '@bufbuild/protobuf';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { HubLink, openSyncMemory, SyncWorker } from '@sigma/edge';
import { TelemetryFrameSchema } from '@sigma/proto';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import { benchChain, benchEvent } from './sync-chain.ts';

export interface SyncEdgeSetup {
  readonly hubUrl: string;
  readonly tenant: string;
  readonly recordingPath: string;
  readonly folder: string;
  readonly sources: readonly string[];
  /** Where living chains are recorded, one of each source, a block every so often; null: none is. */
  readonly living: { readonly path: string; readonly epoch: number; readonly everyMs: number } | null;
  /** Frames of the moment, a second. */
  readonly framesPerS: number;
  /** Null: no bound. */
  readonly bytesPerS: number | null;
}

const TICK_MS = 10;
const setup = JSON.parse(process.argv[2] ?? '{}') as SyncEdgeSetup;
const wallUs = (): number => Math.floor((performance.timeOrigin + performance.now()) * 1000);
const { living, hubUrl, tenant, recordingPath, folder, sources, framesPerS } = setup;
const bytesPerS = setup.bytesPerS ?? Number.POSITIVE_INFINITY;
// Of an `AgentClock`: agent time is the machine's monotonic time, at rate 1.
const clock = new SharedArrayBuffer(32);
new Float64Array(clock, 8, 3)[2] = 1;
const epochTimeUs = wallUs() - Math.floor(Number(process.hrtime.bigint()) / 1000);

if (living !== null) {
  // What was recorded before this life, and is still to be sent.
  const memory = openSyncMemory(folder);
  memory.addRecording(recordingPath);
  memory.close();
}
const store = living === null ? null : openSqliteStore(living.path);
const chains = sources.map((source) => benchChain(source, living?.epoch ?? 0));
await store?.append(chains.map(({ begin }) => begin));

const unbounded = { bytesPerS, recordingMostBytes: Number.POSITIVE_INFINITY };
const sync: SyncWorker = new SyncWorker(
  {
    ...{ tenant, folder, sources, ...unbounded, clock, epochTimeUs },
    recordingPath: living?.path ?? recordingPath,
    growing: living === null ? [] : sources.map((source) => ({ source, epoch: living.epoch })),
  },
  {
    wake: () => link.wake(),
    note: (name, body) => console.error(name, body),
    gap: () => undefined,
    drop: () => undefined,
  },
);
const link: HubLink = new HubLink({
  transport: createGrpcTransport({ baseUrl: hubUrl }),
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

if (living !== null) {
  setInterval(() => {
    void store?.append(chains.map(({ writer }) => writer.seal([benchEvent(wallUs())])));
  }, living.everyMs);
}

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
  link.send(frames);
}, TICK_MS);
process.on('message', (message) => {
  if (message === 'end') process.exit(0);
});
