import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { MessagePort, Worker } from 'node:worker_threads';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FieldSchema } from '@sigma/proto';
import { answeredFrame, offeredFrame } from '@sigma/recorder';
import type { Edge, EdgeOptions, EdgeStats } from './edge-words.ts';
import { HubLink } from './link/hub-link.ts';
import { linkTransport } from './link/link-transport.ts';
import type { Board } from './live/board.ts';
import type { AgentClock, Pace } from './live/clock.ts';
import type { PlannerSwitch } from './live/planner-thread.ts';
import type { DropMessage } from './live/recorder-thread.ts';
import type { BodyCounts, FromReflex, ReflexThreadData, ToReflex } from './live/reflex-messages.ts';
import type { Report, ReportField } from './runtime/ports.ts';
import { SyncWorker } from './sync/sync-worker.ts';
import type { HeadWord } from './witness/edge-witness.ts';
import { keptHeadKey } from './witness/witness-memory.ts';
import { WitnessWorker } from './witness/witness-worker.ts';

const HEADS_EVERY_MS = 10_000;

/** How often the main thread looks whether the reflex loop lives. */
const WATCH_MS = 50;

/** Site time and agent time, which began together. */
export interface EdgeTime {
  readonly clock: AgentClock;
  /** Site time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
  readonly set: (pace: Pace) => void;
}

/** Where an edge keeps what is its own. */
export const folderOf = ({ folder, recordingPath, edgeId }: EdgeOptions): string =>
  folder ?? join(dirname(recordingPath), encodeURIComponent(edgeId));

export interface Threads {
  readonly recorder: Worker;
  readonly planner: Worker;
  readonly reflex: Worker;
}

/** The running edge, as the main thread holds it. */
export class RunningEdge implements Edge {
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
      {
        ...of,
        bytesPerS: syncBytesPerS === 0 ? 1 : syncBytesPerS,
        ...{ recordingMostBytes, clock, epochTimeUs },
        ...(options.hub != null && { hubUrl: options.hub.url }),
      },
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
      transport: linkTransport(hub.url),
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
