import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createGrpcTransport } from '@connectrpc/connect-node';
import type { AgentOptions } from '@sigma/kernel';
import type { FieldSchema } from '@sigma/proto';
import { answeredFrame, offeredFrame, type SyncStanding } from '@sigma/recorder';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import type { DriverRecord } from './hal/driver.ts';
import { type Backoff, HubLink, type LinkStats } from './link/hub-link.ts';
import { Board, type Percentiles } from './live/board.ts';
import { AgentClock, monotonicUs, type Pace, wallUs } from './live/clock.ts';
import { earlierEpoch, earlierLife } from './live/earlier-lives.ts';
import type { PlannerSwitch } from './live/planner-thread.ts';
import type { DropMessage, FromRecorder, RecorderThreadData } from './live/recorder-thread.ts';
import type { BodyCounts, BodyLife, FromReflex, ReflexThreadData, ToReflex } from './live/reflex-messages.ts';
import { openTerrain, type Part, type Terrain } from './live/terrain.ts';
import type { Report, ReportField } from './runtime/ports.ts';
import { SyncWorker } from './sync/sync-worker.ts';
import type { HeadWord } from './witness/edge-witness.ts';
import { keptHeadKey, openWitnessMemory } from './witness/witness-memory.ts';
import { WitnessWorker } from './witness/witness-worker.ts';

export interface EdgeOptions {
  readonly tenant: string;
  readonly edgeId: string;
  /** File of the recording; made when there is none. */
  readonly recordingPath: string;
  /** Where this edge keeps its key and what it saw of its hub's recording; a folder of its name beside the recording. */
  readonly folder?: string;
  /** How often the hub is shown the heads of what was recorded; 10 s unless named. */
  readonly headsEveryMs?: number;
  /** Bound of what is sent of the recording, bytes a second; Infinity unless named. 0: nothing is sent. */
  readonly syncBytesPerS?: number;
  /** Bytes that the recording may take, about; beyond it drops what is least needed and says so. No bound unless named. */
  readonly recordingMostBytes?: number;
  /** Null: no hub; the bodies live by their secondary planner. */
  readonly hub: { readonly url: string; readonly joinToken: string; readonly backoff?: Backoff } | null;
  readonly terrain: Part;
  readonly driver: Part;
  /** True where the bodies are simulated: fault orders pass. */
  readonly simulated: boolean;
  readonly bodies: readonly EdgeBody[];
  /** Name and version of the program, for the record. */
  readonly software: string;
  /** Numbered behaviour flags of the kernel. */
  readonly flags?: readonly number[];
  /** How the time of a simulated site passes; else it is the wall clock's. */
  readonly pace?: Pace;
  /** 0 inclusive to 1 exclusive; spreads reconnections. */
  readonly random?: () => number;
}

export interface EdgeBody extends Pick<AgentOptions, 'id' | 'role' | 'seed' | 'config'> {
  /** Kind of body, as the hub shows it. */
  readonly body: string;
}

export interface EdgeStats {
  readonly bodies: ReadonlyMap<string, BodyCounts>;
  /** How late ticks of the reflex loop began. */
  readonly lateness: Percentiles;
  /** From the moment of a frame to the write of the actuators. */
  readonly frameToWrite: Percentiles;
  /** From the cut of a block until the loop knew it to be on disk. */
  readonly commit: Percentiles;
  /** Times the reflex loop stood still for longer than its watchdog allows. */
  readonly stalls: number;
  /** Time since the loop's last tick began, as the main thread sees it, milliseconds. */
  readonly reflexSilentMs: number;
  readonly link: LinkStats | null;
  /** How far each chain has come to the hub, as of lately. */
  readonly sync: readonly SyncStanding[];
  /** Why the recorder can write no more, or null. */
  readonly recorderFailure: string | null;
}

export interface Edge {
  stats(): EdgeStats;
  /** From now on the time of a simulated site passes so. Its clock never goes back: it stands until the new pace has come up. */
  setPace(pace: Pace): void;
  /** Begins the histograms of `stats` anew. */
  forgetTimes(): void;
  /** Resolves when the edge has ended: null after `close`, an error when a thread died. */
  readonly ended: Promise<Error | null>;
  /** Stops the bodies' loop, puts everything on disk and ends all threads. */
  close(): Promise<void>;
  /** Tests of what holds the body when a part of this program hangs (law L5). */
  readonly hang: { readonly reflex: (forMs: number) => void; readonly planner: (forMs: number) => void };
}

const HEADS_EVERY_MS = 10_000;

const folderOf = ({ folder, recordingPath, edgeId }: EdgeOptions): string =>
  folder ?? join(dirname(recordingPath), encodeURIComponent(edgeId));

/** How often the main thread looks whether the reflex loop lives. */
const WATCH_MS = 50;

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
    return new Program(options, data, time, board, { recorder, planner, reflex }, link.port2, capabilities, report);
  } catch (error) {
    board.close();
    await Promise.all(threads.map((worker) => worker.terminate()));
    throw error;
  }
}

const WALL_CLOCK: Pace = { wallUs: 0, siteUs: 0, rate: 1 };

/** Site time and agent time, which began together. */
interface EdgeTime {
  readonly clock: AgentClock;
  /** Site time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
  readonly set: (pace: Pace) => void;
}

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

interface Threads {
  readonly recorder: Worker;
  readonly planner: Worker;
  readonly reflex: Worker;
}

/** The running edge, as the main thread holds it. */
class Program implements Edge {
  readonly ended: Promise<Error | null>;
  readonly hang: Edge['hang'];
  readonly #data: ReflexThreadData;
  readonly #time: EdgeTime;
  readonly #board: Board;
  readonly #threads: Threads;
  readonly #port: MessagePort;
  readonly #link: HubLink | null;
  readonly #witness: WitnessWorker | null;
  readonly #sync: SyncWorker | null;
  readonly #watch: NodeJS.Timeout;
  #counts: ReadonlyMap<string, BodyCounts> = new Map();
  #recorderFailure: string | null = null;
  #beats = 0;
  #beatAtMs = performance.now();
  #shed = 0;
  #closing: Promise<void> | null = null;
  #end: (error: Error | null) => void = () => {};

  constructor(
    options: EdgeOptions,
    data: ReflexThreadData,
    time: EdgeTime,
    board: Board,
    threads: Threads,
    port: MessagePort,
    capabilities: ReadonlyMap<string, readonly string[]>,
    report: Report<unknown>,
  ) {
    this.#data = data;
    this.#time = time;
    this.#board = board;
    this.#threads = threads;
    this.#port = port;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.hang = {
      reflex: (forMs) => board.askToBlock(forMs),
      planner: (forMs) => threads.planner.postMessage({ type: 'hang', forMs } satisfies PlannerSwitch),
    };
    this.#witness = options.hub === null ? null : this.#openWitness(options);
    const syncs = options.hub !== null && options.syncBytesPerS !== 0;
    this.#sync = syncs || options.recordingMostBytes !== undefined ? this.#openSync(options) : null;
    this.#link = options.hub === null ? null : this.#openLink(options, options.hub, capabilities, report);
    port.on('message', (message: FromReflex) => this.#hear(message));
    for (const [name, worker] of Object.entries(threads) as [keyof Threads, Worker][]) {
      worker.on('error', (error) => this.#died(name, error));
    }
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    this.#link?.start();
  }

  stats(): EdgeStats {
    return {
      bodies: this.#counts,
      lateness: this.#board.percentiles('lateness'),
      frameToWrite: this.#board.percentiles('frameToWrite'),
      commit: this.#board.percentiles('commit'),
      stalls: this.#board.stalls,
      reflexSilentMs: performance.now() - this.#beatAtMs,
      link: this.#link?.stats() ?? null,
      sync: this.#sync?.standings ?? [],
      recorderFailure: this.#recorderFailure,
    };
  }

  setPace(pace: Pace): void {
    if (!this.#data.simulated) throw new Error('the time of real bodies cannot be set');
    this.#time.set(pace);
  }

  forgetTimes(): void {
    this.#board.forget();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch);
    const { recorder, planner, reflex } = this.#threads;
    const gone = (worker: Worker) => (worker.threadId < 0 ? Promise.resolve() : once(worker, 'exit'));
    const saved = [gone(reflex), gone(recorder)];
    this.#board.close();
    await Promise.all([...saved, planner.terminate()]);
    await Promise.all([this.#witness?.close(), this.#sync?.close()]);
    await this.#link?.close();
    this.#port.close();
    this.#end(null);
  }

  #hear(message: FromReflex): void {
    if (message.type === 'uplink') this.#link?.send(message.frames);
    else if (message.type === 'counts') this.#counts = message.counts;
    else if (message.type === 'failed') this.#recorderFailure = message.message;
  }

  #say(message: ToReflex): void {
    this.#port.postMessage(message);
    this.#board.ring();
  }

  #look(): void {
    const { beats } = this.#board;
    if (beats !== this.#beats) {
      this.#beats = beats;
      this.#beatAtMs = performance.now();
    }
    const shed = this.#link?.stats().shed;
    const total = shed === undefined ? 0 : shed.decision + shed.telemetry;
    if (total === this.#shed || this.#link?.stats().connected !== true) return;
    this.#shed = total;
    this.#say({ type: 'note', name: 'edge.shed', body: shed });
  }

  /** Without its reflex thread an edge is over: its driver brakes, and the program that started it must know. */
  #died(name: keyof Threads, error: Error): void {
    if (name === 'recorder') this.#recorderFailure = error.message;
    if (name !== 'reflex') return;
    this.#end(error);
    void this.close();
  }

  #openWitness(options: EdgeOptions): WitnessWorker {
    const { tenant, edgeId, recordingPath, headsEveryMs } = options;
    const sources = [...options.bodies.map(({ id }) => id), `world-${edgeId}`];
    const everyMs = headsEveryMs ?? HEADS_EVERY_MS;
    const data = { tenant, edgeId, folder: folderOf(options), recordingPath, sources, everyMs };
    const say = (word: HeadWord): void =>
      this.#link?.send([
        {
          class: 'telemetry',
          frame:
            word.type === 'offered'
              ? { case: 'headOffered', value: offeredFrame(word.offer) }
              : { case: 'headAnswered', value: answeredFrame(word.answer) },
        },
      ]);
    return new WitnessWorker(data, say, (name, body) => this.#say({ type: 'note', name, body }));
  }

  #openSync(options: EdgeOptions): SyncWorker {
    const { tenant, edgeId, recordingPath, syncBytesPerS = Number.POSITIVE_INFINITY } = options;
    const { bodies, driverRecord, clock, epochTimeUs } = this.#data;
    const growing = bodies.map(({ agent: { id: source, epoch } }) => ({ source, epoch }));
    if (driverRecord !== null) growing.push({ source: driverRecord.chain.source, epoch: driverRecord.chain.epoch });
    const sources = [...bodies.map(({ agent }) => agent.id), `world-${edgeId}`];
    const of = { tenant, folder: folderOf(options), recordingPath, sources, growing };
    const { recordingMostBytes = Number.POSITIVE_INFINITY } = options;
    return new SyncWorker(
      // Without a hub, or where it is to be sent nothing, it only keeps the bound.
      { ...of, bytesPerS: syncBytesPerS === 0 ? 1 : syncBytesPerS, recordingMostBytes, clock, epochTimeUs },
      {
        wake: () => this.#link?.wake(),
        note: (name, body) => this.#say({ type: 'note', name, body }),
        gap: (agentId, gap) => this.#say({ type: 'gap', agentId, gap }),
        drop: (stubs) => this.#threads.recorder.postMessage(stubs satisfies DropMessage),
      },
    );
  }

  #openLink(
    options: EdgeOptions,
    hub: NonNullable<EdgeOptions['hub']>,
    capabilities: ReadonlyMap<string, readonly string[]>,
    report: Report<unknown>,
  ): HubLink {
    const { epochTimeUs, bodies } = this.#data;
    const witnessKey = keptHeadKey(folderOf(options)).publicKey;
    const siteUs = () => epochTimeUs + this.#time.clock.nowUs();
    return new HubLink({
      transport: createGrpcTransport({ baseUrl: hub.url }),
      joinToken: hub.joinToken,
      hello: () => ({
        tenant: options.tenant,
        edgeId: options.edgeId,
        software: options.software,
        witnessKey,
        timeUs: BigInt(siteUs()),
        agents: bodies.map(({ agent, body }) => ({
          agentId: agent.id,
          epoch: agent.epoch,
          role: agent.role,
          body,
          epochTimeUs: BigInt(epochTimeUs),
          capabilities: [...(capabilities.get(agent.id) ?? [])],
        })),
        channels: report.channels.map(({ channel, fields }) => ({ channel, fields: fields.map(wireField) })),
      }),
      onKey: (key) => this.#say({ type: 'key', key }),
      onHeard: () => this.#say({ type: 'heard' }),
      onOrder: (agentId, signedOrder) => this.#say({ type: 'order', agentId, signedOrder }),
      onState: (state) => {
        this.#say({ type: 'note', name: `edge.link_${state.type}`, body: state });
        if (state.type !== 'lost') return;
        this.#witness?.lost();
        this.#sync?.lost();
      },
      witness: {
        onKey: (key) => this.#witness?.linked(key),
        onWord: (word) => this.#witness?.hear(word),
      },
      ...(this.#sync === null || options.syncBytesPerS === 0 ? {} : { sync: this.#sync }),
      wallUs: siteUs,
      random: options.random ?? Math.random,
      ...(hub.backoff === undefined ? {} : { backoff: hub.backoff }),
    });
  }
}

function wireField({
  name,
  unit,
  low,
  high,
  maxRate,
  frozenAfterUs,
}: ReportField): MessageInitShape<typeof FieldSchema> {
  return {
    name,
    unit,
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    ...(maxRate === undefined ? {} : { maxRate }),
    ...(frozenAfterUs === undefined ? {} : { frozenAfterUs: BigInt(frozenAfterUs) }),
  };
}
