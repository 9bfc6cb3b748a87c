// The hub's end of the sync bench, a process of its own: a real gRPC port, the sink of sync, PostgreSQL behind it, and a
// clock for how long frames of the moment are under way.

import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { threadPriority } from '@sigma/edge/priority';
import { type AlongIndex, BacklogThread } from '@sigma/hub/backlog-thread';
import { markLate } from '@sigma/hub/late-marking';
import { type SyncLink, SyncRole } from '@sigma/hub/sync-role';
import {
  AgentLinkService,
  type ConnectRequest,
  type ConnectResponse,
  ConnectResponseSchema,
  type Hello,
} from '@sigma/proto';
import { type BlockBatch, batchBytes, HybridClock, linkedKey, outgoingBlock, sentOf } from '@sigma/recorder';
import { openPostgres } from '@sigma/recorder/postgres';
import { LIVING_EPOCH } from './sync-chain.ts';

export interface SyncHubReport {
  readonly blocks: number;
  readonly bytes: number;
  /** What of these came over the wire, packed or not. */
  readonly wireBytes: number;
  /** From the first batch heard to the last one on disk. */
  readonly seconds: number;
  /** Over the last two thirds of the bytes: what both ends do to begin is done once, however long a drain is. */
  readonly steadyBytesPerS: number;
  /** How long each frame of the moment was under way. */
  readonly liveMs: readonly number[];
  /** How long it took from recording a block of a living chain to having it on the hub's disk. */
  readonly keptMs: readonly number[];
  /** Processor time, seconds. */
  readonly cpuS: number;
}

const BEAT_MS = 500;
const isLiving = ({ epoch }: { readonly epoch: number }): boolean => epoch === LIVING_EPOCH;
const [, , databaseUrl = '', TENANT = 'bench'] = process.argv;
const wallMs = (): number => performance.timeOrigin + performance.now();

// As the hub's program does.
threadPriority('soon');
markLate();
const recordings = await openPostgres(databaseUrl);
let tally = fresh();

function fresh() {
  return {
    blocks: 0,
    bytes: 0,
    steps: [] as { readonly bytes: number; readonly ms: number }[],
    wireBytes: 0,
    firstMs: Number.NaN,
    lastMs: Number.NaN,
    liveMs: [] as number[],
    keptMs: [] as number[],
    cpu: process.cpuUsage(),
  };
}

/** Of living chains the blocks under way: their last event, and when that was recorded. */
const underWay = new Map<string, { readonly sequence: number; readonly timeMs: number }[]>();

function depart(batch: BlockBatch): void {
  const key = linkedKey(batch);
  const waiting = underWay.get(key) ?? [];
  underWay.set(key, waiting);
  let sequence = batch.firstSequence - 1;
  for (const bytes of batch.blocks) {
    const { count, lastTimeUs } = outgoingBlock({ firstSequence: sequence + 1, hash: batch.hash, bytes });
    sequence += count;
    waiting.push({ sequence, timeMs: lastTimeUs / 1000 });
  }
}

function arrive(waiting: { readonly sequence: number; readonly timeMs: number }[], sequence: number): void {
  for (let first = waiting[0]; first !== undefined && first.sequence <= sequence; first = waiting[0]) {
    tally.keptMs.push(wallMs() - first.timeMs);
    waiting.shift();
  }
}

const keep = async (): Promise<void> => undefined;
/** What the thread of backlogs finds is dropped: that it is looked for is what costs. */
const leftAside: AlongIndex = {
  readFrom: ({ firstSequence: next }) => {
    return { next, state: { openedUs: 0, atUs: 0, decision: 0, stop: 'none', asked: [] }, waiting: [], holds: false };
  },
  found: () => undefined,
};
const wallUs = (): number => Math.floor(wallMs() * 1000);
const refuseToWait = (): never => {
  throw new Error('the bench waits for nothing by this clock');
};
const sync = new SyncRole({
  clock: { nowUs: wallUs, after: refuseToWait, every: refuseToWait, soon: refuseToWait },
  realClock: {
    nowUs: () => performance.now() * 1000,
    after: (us, run) => {
      const timer = setTimeout(run, us / 1000);
      return () => clearTimeout(timer);
    },
    every: refuseToWait,
    soon: refuseToWait,
  },
  tenant: TENANT,
  record: {
    append: async (...events: readonly unknown[]) => console.error(JSON.stringify(events)),
  } as never,
  alerts: { say: (...alert) => console.error(alert) },
  store: recordings.recording(TENANT),
  backlogs: new BacklogThread({
    ...{ url: databaseUrl, tenant: TENANT, index: leftAside, keep },
    dataPort: { host: '127.0.0.1', port: 0 },
  }),
  hybrid: new HybridClock(),
  marks: { add: keep },
  index: {
    stored: (finding) => {
      if (isLiving(finding)) {
        arrive(underWay.get(linkedKey(finding)) ?? [], finding.sequence);
        return;
      }
      tally.blocks += finding.blocks;
      tally.bytes += finding.bytes;
      tally.lastMs = wallMs();
      tally.steps.push({ bytes: tally.bytes, ms: tally.lastMs });
    },
    shown: () => undefined,
    reported: async () => null,
  },
});

type Frame = Exclude<MessageInitShape<typeof ConnectResponseSchema>['frame'], undefined>;

async function* serve(frames: AsyncIterable<ConnectRequest>): AsyncGenerator<ConnectResponse> {
  const out: ConnectResponse[] = [];
  let wake = (): void => undefined;
  let open = true;
  let heard = 0n;
  let beat = 0n;
  const say = (frame: Frame): void => {
    out.push(create(ConnectResponseSchema, { frame }));
    wake();
  };
  const linked = ({ edgeId, agents }: Hello): SyncLink =>
    sync.linked({ edgeId, agentIds: agents.map(({ agentId }) => agentId), send: say });
  const read = async (): Promise<void> => {
    let link: SyncLink | null = null;
    for await (const { frame } of frames) {
      if (frame.case === 'hello') {
        underWay.clear();
        link = linked(frame.value);
      } else if (frame.case === 'heartbeat') heard = frame.value.sequence;
      else if (frame.case === 'telemetry') {
        link?.frame(Number(frame.value.timeUs));
        tally.liveMs.push(wallMs() - Number(frame.value.timeUs) / 1000);
      } else if (frame.case === 'chainsShown' || frame.case === 'eventsAhead') link?.hear(frame);
      else if (frame.case === 'blocksSent') {
        const batch = sentOf(frame.value);
        if (isLiving(batch)) depart(batch);
        else {
          if (Number.isNaN(tally.firstMs)) tally.firstMs = wallMs();
          tally.wireBytes += batch.packed?.bytes.length ?? batch.outOfBand?.bytes ?? batchBytes(batch);
        }
        link?.hear(frame);
      }
    }
    link?.close();
  };
  const reading = read()
    .catch(() => undefined)
    .finally(() => {
      open = false;
      wake();
    });
  say({ case: 'welcome', value: { hub: 'bench', orderKey: new Uint8Array(32), heartbeatUs: BigInt(BEAT_MS * 1000) } });
  const beats = setInterval(() => say({ case: 'heartbeat', value: { sequence: ++beat, heard } }), BEAT_MS);
  try {
    while (open) {
      const next = out.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    clearInterval(beats);
    await reading;
  }
}

// As the hub's own port is set.
const server = createServer(
  { settings: { initialWindowSize: 1_048_576 } },
  connectNodeAdapter({ routes: (router) => router.service(AgentLinkService, { connect: serve }) }),
);
server.on('session', (session) => session.setLocalWindowSize(16 * 1_048_576));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', (message: 'report' | 'forget' | 'end') => {
  if (message === 'end') process.exit(0);
  if (message === 'forget') tally = fresh();
  const { blocks, bytes, steps, wireBytes, firstMs, lastMs, liveMs, keptMs, cpu } = tally;
  const third = steps.find((step) => step.bytes >= bytes / 3);
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({
    blocks,
    bytes,
    wireBytes,
    seconds: (lastMs - firstMs) / 1000,
    steadyBytesPerS: third === undefined ? 0 : ((bytes - third.bytes) / (lastMs - third.ms)) * 1000,
    liveMs,
    keptMs,
    cpuS: (user + system) / 1e6,
  });
});
