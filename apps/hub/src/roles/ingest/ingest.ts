import type { Bus } from '@sigma/bus';
import { type ChannelSchema, type TelemetryFrame, TelemetryFrameSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import { type AgentLinked, packedSchemas } from '../../live/live-fleet.ts';
import { about, packed, packedMessage, tell } from '../../subjects.ts';
import { Gate, type Refusal } from './gate.ts';
import type { History } from './history.ts';

/** What one sender's frames came to. */
export interface Tally {
  accepted: number;
  /** Readings that sensors did not give (NaN) in accepted frames. */
  missing: number;
  readonly refused: Map<Refusal, { count: number; readonly first: string }>;
}

export const newTally = (): Tally => ({ accepted: 0, missing: 0, refused: new Map() });
export const refusedCount = (tally: Tally): number =>
  [...tally.refused.values()].reduce((sum, { count }) => sum + count, 0);

/** F1: every frame, whoever brings it, comes in here: checked, counted, published, kept once a second. */
export class Ingest {
  /** Over all senders, since the start. */
  readonly total = newTally();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #history: History;
  readonly #gate = new Gate();
  /** Agents that an edge serves: nobody else may speak for them. */
  readonly #linked = new Set<string>();

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly history: History;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#history = options.history;
  }

  /** An edge serves this agent now, or no longer. */
  serve(link: AgentLinked, schemas: Iterable<ChannelSchema>): void {
    if (link.linked) {
      this.#gate.know(link.agentId, schemas);
      this.#linked.add(link.agentId);
    } else {
      this.#linked.delete(link.agentId);
    }
  }

  /** A frame of an edge's own agent. */
  take(frame: TelemetryFrame, tally: Tally): boolean {
    const verdict = this.#gate.admit(frame, this.#clock.nowUs());
    if (!verdict.admitted) {
      count(tally, verdict.reason, verdict.detail);
      count(this.total, verdict.reason, verdict.detail);
      return false;
    }
    tally.accepted++;
    this.total.accepted++;
    tally.missing += verdict.missing;
    this.total.missing += verdict.missing;
    this.#history.keep(frame);
    tell(
      this.#bus,
      about(this.#tenant, 'telemetry', frame.agentId),
      packedMessage(TelemetryFrameSchema, frame),
      'telemetry',
    );
    return true;
  }

  /**
   * A frame that a feed brings: recorded or foreign telemetry. A feed declares its channels first and may not speak for
   * an agent that an edge serves.
   */
  takeForeign(frame: TelemetryFrame, declared: ReadonlyMap<string, ChannelSchema>, tally: Tally): boolean {
    if (this.#linked.has(frame.agentId)) {
      const detail = `'${frame.agentId}' is served by its own edge; a feed cannot speak for it`;
      count(tally, 'foreign_source', detail);
      count(this.total, 'foreign_source', detail);
      return false;
    }
    if (declared.has(frame.channel) && !this.#declares(frame, declared)) this.#enrol(frame.agentId, declared);
    return this.take(frame, tally);
  }

  #declares(frame: TelemetryFrame, declared: ReadonlyMap<string, ChannelSchema>): boolean {
    for (const schema of this.#gate.channels(frame.agentId)) {
      if (schema.channel === frame.channel && schema === declared.get(frame.channel)) return true;
    }
    return false;
  }

  #enrol(agentId: string, declared: ReadonlyMap<string, ChannelSchema>): void {
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(agentId)) return;
    this.#gate.know(agentId, declared.values());
    const link: AgentLinked = {
      agentId,
      linked: false,
      edgeId: '',
      epoch: 0,
      role: 'feed',
      body: 'feed',
      epochTimeUs: 0,
      capabilities: [],
      channels: packedSchemas(declared.values()),
    };
    tell(this.#bus, about(this.#tenant, 'link', agentId), packed(link), 'command');
  }
}

function count(tally: Tally, reason: Refusal, detail: string): void {
  const so = tally.refused.get(reason);
  if (so === undefined) tally.refused.set(reason, { count: 1, first: detail });
  else so.count++;
}
