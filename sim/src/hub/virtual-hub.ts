import { MemoryBus } from '@sigma/bus';
import { fleetSupervisor, type NewMission, type Site } from '@sigma/fleet-model';
import {
  Alerts,
  AnalyzerRole,
  ChainRecord,
  Core,
  Gateway,
  Ingest,
  LinkDesk,
  MissionLedger,
  type MissionView,
  memoryAlerts,
  memoryHighWater,
  memoryMissions,
  noHistory,
  type OrderKey,
  Sequences,
} from '@sigma/hub/roles';
import type { ConnectRequest, ConnectResponse } from '@sigma/proto';
import type { SealedBlock } from '@sigma/recorder';
import { createAnalyzer } from '@sigma/telemetry';
import type { VirtualDisk } from '../virtual-disk.ts';
import { FrameStream } from './frame-stream.ts';
import { VirtualClock } from './virtual-clock.ts';
import { virtualStore } from './virtual-store.ts';

export interface VirtualHubOptions {
  readonly tenant: string;
  readonly site: Site;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly key: OrderKey;
  readonly disk: VirtualDisk;
  /** Blocks of the hub's own chain, as they are sealed. */
  readonly take: (blocks: readonly SealedBlock[]) => void;
  /** What the hub says to an edge. */
  readonly say: (edgeId: string, frame: ConnectResponse) => void;
}

/** One alert as people see it. */
export interface SimAlert {
  readonly agentId: string;
  readonly cause: string;
  readonly text: string;
  readonly advice: string;
  readonly level: number;
  /** Virtual time, microseconds. */
  readonly raisedUs: number;
  /** Null while it stands. */
  readonly clearedUs: number | null;
}

const OPEN_TASK = new Set(['waiting', 'queued', 'active']);

/**
 * The hub's own roles (link, ingest, analyzer, core, ledger, alerts, gateway, record) on a virtual clock, a memory bus
 * and memory stores. What the real hub does beside them, and this does not: PostgreSQL, sign-in, pages and queries.
 */
export class VirtualHub {
  readonly #options: VirtualHubOptions;
  readonly #clock: VirtualClock;
  readonly #ingest: Ingest;
  readonly #alerts: Alerts;
  readonly #ledger: MissionLedger;
  readonly #core: Core;
  readonly #link: LinkDesk;
  readonly #streams = new Map<string, FrameStream<ConnectRequest>>();
  readonly #missions = new Map<string, MissionView>();
  #openTasks = 0;
  #touched = false;

  /** Starts every role; no virtual time passes. */
  static async open(options: VirtualHubOptions): Promise<VirtualHub> {
    const clock = new VirtualClock(options.epochTimeUs);
    const atUs = (): number => clock.nowUs() - options.epochTimeUs;
    const store = virtualStore(clock, options.disk, atUs, options.take);
    const record = await ChainRecord.open(store, clock, options.tenant, options.software);
    const sequences = await Sequences.open(memoryHighWater());
    const hub = new VirtualHub(options, clock, record, sequences);
    await hub.settle();
    return hub;
  }

  private constructor(options: VirtualHubOptions, clock: VirtualClock, record: ChainRecord, sequences: Sequences) {
    const { tenant, site, key } = options;
    this.#options = options;
    this.#clock = clock;
    const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: clock.soon });
    let ids = 0;
    const newId = (): string => `n${++ids}`;
    this.#ingest = new Ingest({ bus, clock, tenant, history: noHistory });
    new AnalyzerRole({ bus, tenant, analyzerOf: (_, schemas) => createAnalyzer(schemas) });
    this.#alerts = new Alerts({ bus, clock, tenant, record, store: memoryAlerts(), newId });
    this.#ledger = new MissionLedger({ bus, clock, tenant, record, store: memoryMissions() });
    this.#core = new Core({ bus, clock, tenant, supervisor: fleetSupervisor(site) });
    const gateway = new Gateway({ bus, clock, tenant, record, key, sequences });
    this.#link = new LinkDesk({ bus, clock, tenant, ingest: this.#ingest, record, orderKey: gateway.publicKey });
    this.#ledger.onChange(({ view }) => this.#follow(view));
  }

  get missions(): readonly MissionView[] {
    return [...this.#missions.values()];
  }

  /** Tasks under way or waiting, and missions that core has not taken up yet. */
  get openTasks(): number {
    return this.#openTasks;
  }

  get supervisions(): number {
    return this.#core.supervisions;
  }

  /** Frames that ingest turned away, by reason. */
  get refusedFrames(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#ingest.total.refused].map(([reason, { count }]) => [reason, count]));
  }

  get alerts(): readonly SimAlert[] {
    const since = (timeUs: number): number => timeUs - this.#options.epochTimeUs;
    return [...this.#alerts.known.values()].map(
      ({ agentId, cause, text, advice, level, raisedTimeUs, clearedTimeUs }) => ({
        agentId,
        cause,
        text,
        advice,
        level,
        raisedUs: since(raisedTimeUs),
        clearedUs: clearedTimeUs === 0 ? null : since(clearedTimeUs),
      }),
    );
  }

  wish(mission: NewMission): void {
    this.#touched = true;
    this.#follow({ ...mission, status: 'queued', tasks: [], progress: 0, detail: '' });
    void this.#ledger.create(mission, null);
  }

  /** A frame of an edge has arrived; a hello opens a new stream, as a new connection does. */
  hear(edgeId: string, frame: ConnectRequest): void {
    this.#touched = true;
    if (frame.frame.case === 'hello') this.#connect(edgeId);
    this.#streams.get(edgeId)?.push(frame);
  }

  /** Moves virtual time on and lets every role finish what it has to do at this instant. */
  async tick(atUs: number): Promise<void> {
    this.#clock.advance(atUs);
    if (this.#touched || this.#clock.busy) await this.settle();
  }

  /** Runs queues and microtasks until nothing moves any more. */
  async settle(): Promise<void> {
    this.#touched = false;
    do {
      this.#clock.drain();
      // Every microtask has run before the next turn of the event loop, in an order of its own making only.
      await new Promise((turn) => void setImmediate(turn));
    } while (this.#clock.busy);
  }

  #connect(edgeId: string): void {
    this.#streams.get(edgeId)?.end();
    const stream = new FrameStream<ConnectRequest>();
    this.#streams.set(edgeId, stream);
    void this.#speak(edgeId, stream);
  }

  async #speak(edgeId: string, stream: FrameStream<ConnectRequest>): Promise<void> {
    for await (const frame of this.#link.serve(stream)) {
      if (this.#streams.get(edgeId) === stream) this.#options.say(edgeId, frame);
    }
  }

  #follow(view: MissionView): void {
    const before = this.#missions.get(view.id);
    if (before !== undefined) this.#openTasks -= openTasks(before);
    this.#openTasks += openTasks(view);
    this.#missions.set(view.id, view);
  }
}

/** A mission that core has not looked at yet counts as one. */
function openTasks({ status, tasks }: MissionView): number {
  if (status !== 'queued' && status !== 'active') return 0;
  return tasks.length === 0 ? 1 : tasks.filter((task) => OPEN_TASK.has(task.status)).length;
}
