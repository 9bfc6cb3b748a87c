import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Bus, tokenOf } from '@sigma/bus';
import {
  AgentEventSchema,
  AgentStatusSchema,
  type ConnectRequest,
  type ConnectResponse,
  ConnectResponseSchema,
  DecisionMadeSchema,
  type Hello,
  OrderAnswerSchema,
  PlanAskedSchema,
  SignedOrderSchema,
} from '@sigma/proto';
import type { Clock } from '../clock.ts';
import { type AgentLinked, packedSchemas } from '../live/live-fleet.ts';
import { type HubRecord, signal } from '../roles/arbitration/hub-record.ts';
import { type Ingest, newTally, type Tally } from '../roles/ingest/ingest.ts';
import type { SyncLink, SyncRole } from '../roles/sync/sync-role.ts';
import type { HeadFrame, WitnessLink, WitnessRole } from '../roles/witness/witness-role.ts';
import { about, all, packed, packedMessage } from '../subjects.ts';
import { Arrivals } from './arrivals.ts';
import { Outbox } from './outbox.ts';

/** Both sides say that they live so often; a link silent for `TIMEOUT_US` is given up. */
export const HEARTBEAT_US = 500_000;
const TIMEOUT_US = 2_500_000;
const HELLO_WAIT_US = 5_000_000;
const OUTBOX = 4_096;
/** With so much waiting to go out, heads wait for a better moment. */
const HEADS_GIVE_WAY = 512;
const ID = /^[a-z0-9][a-z0-9._-]{0,62}$/;

interface Link {
  readonly edgeId: string;
  readonly agents: ReadonlyMap<string, AgentLinked>;
  readonly outbox: Outbox;
  readonly tally: Tally;
  witness: WitnessLink | null;
  sync: SyncLink | null;
  heardUs: number;
  heardSequence: bigint;
  open: boolean;
  why: string;
}

/** The hub's end of every link: one stream for each edge, the newest wins. */
export class LinkDesk {
  readonly arrivals = new Arrivals();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #ingest: Ingest;
  readonly #record: HubRecord;
  readonly #orderKey: Uint8Array;
  readonly #witness: WitnessRole | null;
  readonly #sync: SyncRole | null;
  readonly #links = new Map<string, Link>();
  readonly #end: () => void;
  #beat = 0n;

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly ingest: Ingest;
    readonly record: HubRecord;
    readonly orderKey: Uint8Array;
    /** Null: heads are neither shown nor witnessed. */
    readonly witness?: WitnessRole | null;
    /** Null: recordings of edges stay with them. */
    readonly sync?: SyncRole | null;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#ingest = options.ingest;
    this.#record = options.record;
    this.#orderKey = options.orderKey;
    this.#witness = options.witness ?? null;
    this.#sync = options.sync ?? null;
    this.#bus.subscribe(
      all(this.#tenant, 'edge'),
      (message) => {
        const link = this.#links.get(tokenOf(message.subject, 3) as string);
        if (link === undefined) return;
        const frame = response({ case: 'order', value: fromBinary(SignedOrderSchema, message.data) });
        const taken = link.outbox.put(frame, message.serviceClass === 'safety' ? 'safety' : 'command');
        if (!taken) this.#drop(link, 'the edge reads too slowly');
      },
      { name: 'link.edge', capacity: 16_384 },
    );
    this.#end = this.#clock.every(HEARTBEAT_US, () => this.#heartbeat());
  }

  get edges(): number {
    return this.#links.size;
  }

  /** Ends every link, after the last heads were shown. */
  async close(): Promise<void> {
    if (this.#witness !== null) await this.#witness.close();
    this.#end();
    for (const link of [...this.#links.values()]) this.#drop(link, 'the hub ends');
    await this.#sync?.settled();
  }

  /** One edge's stream, from its hello to its end. */
  async *serve(frames: AsyncIterable<ConnectRequest>): AsyncGenerator<ConnectResponse> {
    const incoming = frames[Symbol.asyncIterator]();
    const first = await this.#firstFrame(incoming);
    if (first?.frame.case !== 'hello') {
      yield refused('the first frame of an edge is its hello');
      return;
    }
    const hello = first.frame.value;
    const wrong = this.#judge(hello);
    if (wrong !== null) {
      void this.#record
        .append(signal('hub.link_refused', hello.edgeId.slice(0, 63), { reason: wrong }))
        .catch(() => undefined);
      yield refused(wrong);
      return;
    }
    const link = await this.#open(hello);
    void this.#read(link, incoming);
    try {
      yield response({
        case: 'welcome',
        value: {
          hub: 'sigma',
          orderKey: this.#orderKey,
          timeUs: BigInt(this.#clock.nowUs()),
          heartbeatUs: BigInt(HEARTBEAT_US),
          witnessKey: this.#witness?.publicKey ?? new Uint8Array(),
        },
      });
      yield* link.outbox.drain();
      if (link.why !== 'the edge hung up') yield refused(link.why);
    } finally {
      this.#drop(link, 'the edge hung up');
    }
  }

  async #firstFrame(incoming: AsyncIterator<ConnectRequest>): Promise<ConnectRequest | null> {
    const late = Promise.withResolvers<null>();
    const cancel = this.#clock.after(HELLO_WAIT_US, () => late.resolve(null));
    const first = await Promise.race([incoming.next(), late.promise]);
    cancel();
    return first === null || first.done === true ? null : first.value;
  }

  #judge(hello: Hello): string | null {
    if (hello.tenant !== this.#tenant)
      return `tenant '${hello.tenant.slice(0, 63)}' is not served here; check the edge's tenant`;
    if (!ID.test(hello.edgeId)) return `'${hello.edgeId.slice(0, 63)}' is no edge id`;
    if (hello.agents.length === 0) return 'an edge brings at least one agent';
    const ids = new Set(hello.agents.map((agent) => agent.agentId));
    if (ids.size !== hello.agents.length) return 'an agent stands twice in the hello';
    for (const { agentId } of hello.agents) {
      if (!ID.test(agentId)) return `'${agentId.slice(0, 63)}' is no agent id`;
      for (const link of this.#links.values()) {
        if (link.edgeId !== hello.edgeId && link.agents.has(agentId))
          return `agent '${agentId}' is served by edge '${link.edgeId}'`;
      }
    }
    return null;
  }

  async #open(hello: Hello): Promise<Link> {
    const older = this.#links.get(hello.edgeId);
    if (older !== undefined) this.#drop(older, 'a newer link of the same edge took its place');
    const channels = packedSchemas(hello.channels);
    const agents = new Map<string, AgentLinked>();
    for (const { agentId, epoch, role, body, epochTimeUs, capabilities } of hello.agents) {
      const known = { agentId, epoch, role, body, epochTimeUs: Number(epochTimeUs), capabilities, channels };
      agents.set(agentId, { ...known, software: hello.software, linked: true, edgeId: hello.edgeId });
    }
    const link: Link = {
      edgeId: hello.edgeId,
      agents,
      outbox: new Outbox(OUTBOX),
      tally: newTally(),
      witness: null,
      sync: null,
      heardUs: this.#clock.nowUs(),
      heardSequence: 0n,
      open: true,
      why: '',
    };
    this.#links.set(hello.edgeId, link);
    void this.#record
      .append(signal('hub.edge_linked', hello.edgeId, { agents: [...agents.keys()], software: hello.software }))
      .catch(() => undefined);
    for (const agent of agents.values()) {
      this.#ingest.serve(agent, hello.channels);
      await this.#publish('link', agent.agentId, packed(agent));
    }
    link.witness = this.#witnessed(link, hello.witnessKey);
    link.sync = this.#synced(link);
    return link;
  }

  #witnessed(link: Link, key: Uint8Array): WitnessLink | null {
    if (this.#witness === null || !link.open) return null;
    const send = (frame: HeadFrame): void => {
      if (link.outbox.waiting < HEADS_GIVE_WAY) link.outbox.put(response(frame), 'command');
    };
    return this.#witness.linked({ edgeId: link.edgeId, agentIds: [...link.agents.keys()], key, send });
  }

  #synced(link: Link): SyncLink | null {
    if (this.#sync === null || !link.open) return null;
    const agentIds = [...link.agents.keys()];
    const send = (frame: Parameters<typeof response>[0]): void => {
      if (!link.outbox.put(response(frame), 'command')) this.#drop(link, 'the edge reads too slowly');
    };
    return this.#sync.linked({ edgeId: link.edgeId, agentIds, send });
  }

  async #read(link: Link, incoming: AsyncIterator<ConnectRequest>): Promise<void> {
    try {
      for (let next = await incoming.next(); next.done !== true && link.open; next = await incoming.next()) {
        link.heardUs = this.#clock.nowUs();
        await this.#heard(link, next.value);
      }
      this.#drop(link, 'the edge hung up');
    } catch {
      this.#drop(link, 'the edge hung up');
    }
  }

  async #heard(link: Link, { frame }: ConnectRequest): Promise<void> {
    if (frame.case === 'heartbeat') {
      link.heardSequence = frame.value.sequence;
      return;
    }
    if (frame.case === 'hello' || frame.case === undefined) return;
    if (frame.case === 'headOffered' || frame.case === 'headAnswered') {
      link.witness?.hear(frame);
      return;
    }
    if (frame.case === 'chainsShown' || frame.case === 'blocksSent' || frame.case === 'eventsAhead') {
      link.sync?.hear(frame);
      return;
    }
    const { agentId } = frame.value;
    const agent = link.agents.get(agentId);
    if (agent === undefined) {
      if (frame.case === 'telemetry') this.#ingest.takeForeign(frame.value, new Map(), link.tally);
      return;
    }
    switch (frame.case) {
      case 'telemetry':
        link.sync?.frame(Number(frame.value.timeUs));
        this.#ingest.take(frame.value, link.tally);
        return;
      case 'status':
        return this.#publish('status', agentId, packedMessage(AgentStatusSchema, frame.value));
    }
    if (!this.arrivals.isNew(frame, agent.epoch)) return;
    switch (frame.case) {
      case 'ask':
        return this.#publish('asked', agentId, toBinary(PlanAskedSchema, frame.value));
      case 'event':
        return this.#publish('event', agentId, packedMessage(AgentEventSchema, frame.value));
      case 'answer':
        return this.#publish('answer', agentId, toBinary(OrderAnswerSchema, frame.value));
      case 'decision':
        return this.#bus.publish(
          about(this.#tenant, 'decision', agentId),
          packedMessage(DecisionMadeSchema, frame.value),
          'telemetry',
        );
    }
  }

  /** Waits for room: an edge that talks faster than the hub can follow feels it through its stream. */
  #publish(topic: 'link' | 'status' | 'asked' | 'event' | 'answer', id: string, data: Uint8Array): Promise<void> {
    return this.#bus.publish(about(this.#tenant, topic, id), data, 'command');
  }

  #heartbeat(): void {
    const nowUs = this.#clock.nowUs();
    this.#beat++;
    for (const link of [...this.#links.values()]) {
      if (nowUs - link.heardUs > TIMEOUT_US) {
        this.#drop(link, 'nothing was heard of the edge for too long');
        continue;
      }
      link.outbox.beat(
        response({
          case: 'heartbeat',
          value: { sequence: this.#beat, timeUs: BigInt(nowUs), heard: link.heardSequence },
        }),
      );
    }
  }

  #drop(link: Link, why: string): void {
    if (!link.open) return;
    link.open = false;
    link.why = why;
    link.outbox.close();
    link.witness?.close();
    link.sync?.close();
    if (this.#links.get(link.edgeId) === link) this.#links.delete(link.edgeId);
    void this.#record.append(signal('hub.edge_unlinked', link.edgeId, { why })).catch(() => undefined);
    for (const agent of link.agents.values()) {
      const gone = { ...agent, linked: false };
      this.#ingest.serve(gone, []);
      this.#publish('link', agent.agentId, packed(gone)).catch(() => undefined);
    }
  }
}

const response = (
  frame: Exclude<MessageInitShape<typeof ConnectResponseSchema>['frame'], undefined>,
): ConnectResponse => create(ConnectResponseSchema, { frame });
const refused = (reason: string): ConnectResponse => response({ case: 'refused', value: { reason } });
