import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { AgentOptions } from '@sigma/kernel';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import type { Edge, EdgeOptions } from './edge-words.ts';
import type { DriverRecord } from './hal/driver.ts';
import { Board } from './live/board.ts';
import { AgentClock, monotonicUs, type Pace, wallUs } from './live/clock.ts';
import { earlierEpoch, earlierLife } from './live/earlier-lives.ts';
import type { FromRecorder, RecorderThreadData } from './live/recorder-thread.ts';
import type { BodyLife, FromReflex, ReflexThreadData } from './live/reflex-messages.ts';
import { openTerrain, type Terrain } from './live/terrain.ts';
import { type EdgeTime, folderOf, RunningEdge } from './running-edge.ts';
import { openWitnessMemory } from './witness/witness-memory.ts';

/**
 * Starts the program beside the bodies: a thread each for reflexes, record, planner (and simulated bodies), and the
 * link to the hub on the calling thread. Resolves once the loop runs; the hub need not be there.
 *
 * @throws StoreError when the recording cannot be opened, Error when terrain or driver cannot be set up
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { bodies, world } = await lives(options);
  const board = new Board();
  const threads: Worker[] = [];
  const start = (file: URL, workerData: object, ports: readonly MessagePort[]): Worker => {
    const worker = new Worker(file, { workerData, transferList: [...ports] });
    threads.push(worker);
    return worker;
  };
  const record = new MessageChannel();
  const plans = new MessageChannel();
  const link = new MessageChannel();
  const worldRecord = world === null ? null : new MessageChannel();
  try {
    const ports = worldRecord === null ? [record.port1] : [record.port1, worldRecord.port1];
    const recorderData: RecorderThreadData = { path: options.recordingPath, board: board.memory, ports };
    const recorder = start(new URL('./live/recorder-thread.ts', import.meta.url), recorderData, ports);
    await firstWord<FromRecorder>(recorder, record.port2);
    const time = openTime(options.pace ?? WALL_CLOCK);
    const plannerData = { terrain: options.terrain, board: board.memory, clock: time.clock.memory, port: plans.port1 };
    const planner = start(new URL('./live/planner-thread.ts', import.meta.url), plannerData, [plans.port1]);
    const { epochTimeUs } = time;
    const data: ReflexThreadData = {
      terrain: options.terrain,
      driver: options.driver,
      bodies,
      simulated: options.simulated,
      software: options.software,
      clock: time.clock.memory,
      epochTimeUs,
      board: board.memory,
      recorder: record.port2,
      planner: plans.port2,
      link: link.port1,
      driverRecord: world === null || worldRecord === null ? null : { ...world, epochTimeUs, port: worldRecord.port2 },
    };
    const reflex = start(new URL('./live/reflex-thread.ts', import.meta.url), data, [
      record.port2,
      plans.port2,
      link.port1,
      ...(worldRecord === null ? [] : [worldRecord.port2]),
    ]);
    const open = await firstWord<FromReflex>(reflex, link.port2);
    const capabilities = open.type === 'open' ? open.capabilities : new Map<string, readonly string[]>();
    const { report } = (await openTerrain(options.terrain)) as Terrain<unknown>;
    return new RunningEdge(options, data, time, board, { recorder, planner, reflex }, link.port2, capabilities, report);
  } catch (error) {
    board.close();
    await Promise.all(threads.map((worker) => worker.terminate()));
    throw error;
  }
}

const WALL_CLOCK: Pace = { wallUs: 0, siteUs: 0, rate: 1 };

function openTime(first: Pace): EdgeTime {
  const clock = new AgentClock();
  const startWallUs = wallUs();
  const startMonotonicUs = monotonicUs();
  const epochTimeUs = Math.floor(first.siteUs + (startWallUs - first.wallUs) * first.rate);
  const set = (pace: Pace): void =>
    clock.set(startMonotonicUs + (pace.wallUs - startWallUs), pace.siteUs - epochTimeUs, pace.rate);
  set(first);
  return { clock, epochTimeUs, set };
}

/** What a thread says first on its port, or the error that ended it before. */
async function firstWord<Message>(worker: Worker, port: MessagePort): Promise<Message> {
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error as Error));
  const ended = once(worker, 'exit').then(() => Promise.reject(new Error('a thread of the edge ended as it began')));
  const [message] = (await Promise.race([once(port, 'message'), failed, ended])) as [Message];
  for (const promise of [failed, ended]) promise.catch(() => undefined);
  return message;
}

/** Reads from the record how each body's last life ended. @throws StoreError */
async function lives(options: EdgeOptions): Promise<{
  readonly bodies: readonly BodyLife[];
  /** Where the chain of simulated bodies goes on; null for real ones. */
  readonly world: Omit<DriverRecord, 'epochTimeUs'> | null;
}> {
  const store = openSqliteStore(options.recordingPath);
  const memory = openWitnessMemory(folderOf(options));
  try {
    const found: BodyLife[] = [];
    for (const { id, role, seed, config, body } of options.bodies) {
      const { epoch: next, ...life } = await earlierLife(store, options.tenant, id);
      // No two lives of a writer bear the same name, in whichever recordings they stand: that would be two histories.
      const epoch = memory.takeEpoch(options.tenant, id, next);
      const flags = options.flags ?? [];
      const agent: AgentOptions = { id, tenant: options.tenant, role, seed, epoch, flags, config, atUs: 0 };
      found.push({ agent, body, ...life });
    }
    if (!options.simulated) return { bodies: found, world: null };
    const { tenant, software } = options;
    const source = `world-${options.edgeId}`;
    const { epoch: next, previousEpochHash } = await earlierEpoch(store, tenant, source);
    const epoch = memory.takeEpoch(tenant, source, next);
    return { bodies: found, world: { chain: { tenant, source, epoch }, previousEpochHash, software } };
  } finally {
    memory.close();
    await store.close();
  }
}
