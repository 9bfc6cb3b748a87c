import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, type BusMessage, tokenOf } from '@sigma/bus';
import {
  type AgentStatus,
  AgentStatusSchema,
  type ChannelSchema,
  ChannelSchemaSchema,
  type DecisionMade,
  DecisionMadeSchema,
  type TelemetryFrame,
  TelemetryFrameSchema,
} from '@sigma/proto';
import type { SupervisorOutput, SupervisorPlan } from '../roles/core/supervisor.ts';
import { all, openedMessage, type Topic, unpacked } from '../subjects.ts';
import { type Pose, poseOf, STATE_CHANNEL, stateColumns } from './state-channel.ts';

/** An agent came or went. Sent again whenever its link changes. */
export interface AgentLinked {
  readonly agentId: string;
  readonly linked: boolean;
  readonly edgeId: string;
  readonly epoch: number;
  readonly role: string;
  readonly body: string;
  readonly epochTimeUs: number;
  readonly capabilities: readonly string[];
  /** Program beside the body, with its version; absent for a feed. */
  readonly software?: string;
  /** Base64 of ChannelSchema messages. */
  readonly channels: readonly string[];
}

export interface LiveAgent {
  readonly agentId: string;
  link: AgentLinked;
  channels: ReadonlyMap<string, ChannelSchema>;
  seenTimeUs: number;
  status: AgentStatus | null;
  pose: Pose | null;
  readonly frames: Map<string, TelemetryFrame>;
  /** Newest last. */
  readonly decisions: DecisionMade[];
  /** Who stands in its way, or null. */
  waitsFor: string | null;
  /** x, y of every step of its plan that has a place. */
  path: readonly number[];
}

const DECISIONS_KEPT = 1000;

/** By epoch, then by sequence. */
function orderOf(a: DecisionMade, b: DecisionMade): number {
  const epochs = (a.decision?.context?.epoch ?? 0) - (b.decision?.context?.epoch ?? 0);
  return epochs !== 0 ? epochs : Number((a.decision?.sequence ?? 0n) - (b.decision?.sequence ?? 0n));
}

/** The fleet as it was last heard: a fold over the bus. Each process that needs it keeps its own. */
export class LiveFleet {
  readonly agents = new Map<string, LiveAgent>();
  /** Counts changes of the set of agents. */
  roster = 0;
  readonly #heard = new Set<(agent: LiveAgent, topic: Topic) => void>();
  readonly #heardDecision = new Set<(agent: LiveAgent, made: DecisionMade) => void>();

  constructor(bus: Bus, tenant: string, name: string) {
    const listen = (topic: Topic, fold: (agentId: string, data: Uint8Array) => LiveAgent | null): void => {
      const handler = (message: BusMessage): void => {
        const agent = fold(tokenOf(message.subject, 3) as string, message.data);
        if (agent === null) return;
        for (const heard of this.#heard) heard(agent, topic);
      };
      bus.subscribe(all(tenant, topic), handler, { name: `${name}.${topic}`, capacity: 16_384 });
    };
    listen('link', (_, data) => this.#linked(unpacked<AgentLinked>(data)));
    listen('telemetry', (agentId, data) => this.#frame(agentId, openedMessage(TelemetryFrameSchema, data)));
    listen('status', (agentId, data) => {
      const agent = this.agents.get(agentId);
      if (agent === undefined) return null;
      agent.status = openedMessage(AgentStatusSchema, data);
      return agent;
    });
    listen('wanted', (agentId, data) => this.#wanted(agentId, unpacked<SupervisorOutput>(data)));
    listen('decision', (agentId, data) => this.#decided(agentId, openedMessage(DecisionMadeSchema, data)));
  }

  /** Calls back after each change, with what brought it. @returns how to end that */
  onChange(heard: (agent: LiveAgent, topic: Topic) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Calls back with each new decision, once. @returns how to end that */
  onDecision(heard: (agent: LiveAgent, made: DecisionMade) => void): () => void {
    this.#heardDecision.add(heard);
    return () => void this.#heardDecision.delete(heard);
  }

  /** A decision for safety overtakes others on its way here; the list keeps the order in which they were made. */
  #decided(agentId: string, made: DecisionMade): LiveAgent | null {
    const agent = this.agents.get(agentId);
    if (agent === undefined || made.decision === undefined) return null;
    const { decisions } = agent;
    let at = decisions.length;
    while (at > 0 && orderOf(decisions[at - 1] as DecisionMade, made) > 0) at--;
    if (at > 0 && orderOf(decisions[at - 1] as DecisionMade, made) === 0) return null;
    decisions.splice(at, 0, made);
    if (decisions.length > 2 * DECISIONS_KEPT) decisions.splice(0, DECISIONS_KEPT);
    for (const heard of this.#heardDecision) heard(agent, made);
    return agent;
  }

  #wanted(agentId: string, output: SupervisorOutput): LiveAgent | null {
    const agent = this.agents.get(agentId);
    if (agent === undefined) return null;
    if (output.type === 'waits') agent.waitsFor = output.blockedBy;
    else if (output.type === 'plan') agent.path = placesOf(output.plan);
    else if (output.type === 'cancel_task') agent.path = [];
    return agent;
  }

  #linked(link: AgentLinked): LiveAgent {
    const channels = new Map(
      link.channels.map((bytes) => {
        const schema = fromBinary(ChannelSchemaSchema, Buffer.from(bytes, 'base64'));
        return [schema.channel, schema];
      }),
    );
    const known = this.agents.get(link.agentId);
    if (known === undefined) {
      this.roster++;
      const agent: LiveAgent = {
        agentId: link.agentId,
        link,
        channels,
        seenTimeUs: 0,
        status: null,
        pose: null,
        frames: new Map(),
        decisions: [],
        waitsFor: null,
        path: [],
      };
      this.agents.set(link.agentId, agent);
      return agent;
    }
    // A feed that becomes a robot joins those that are shown.
    if (known.link.role !== link.role) this.roster++;
    known.link = link;
    if (link.linked) known.channels = channels;
    return known;
  }

  #frame(agentId: string, frame: TelemetryFrame): LiveAgent | null {
    const agent = this.agents.get(agentId);
    if (agent === undefined) return null;
    agent.frames.set(frame.channel, frame);
    agent.seenTimeUs = Math.max(agent.seenTimeUs, Number(frame.timeUs));
    const schema = frame.channel === STATE_CHANNEL ? agent.channels.get(STATE_CHANNEL) : undefined;
    if (schema !== undefined) agent.pose = poseOf(frame, stateColumns(schema), agent.pose);
    return agent;
  }
}

export const packedSchemas = (schemas: Iterable<ChannelSchema>): readonly string[] =>
  [...schemas].map((schema) => Buffer.from(toBinary(ChannelSchemaSchema, schema)).toString('base64'));

const placesOf = (plan: SupervisorPlan): readonly number[] =>
  plan.intents.flatMap(({ args }) => {
    const { xM, yM } = args;
    return typeof xM === 'number' && typeof yM === 'number' ? [xM, yM] : [];
  });
