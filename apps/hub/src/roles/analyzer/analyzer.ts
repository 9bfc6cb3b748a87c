import { fromBinary } from '@bufbuild/protobuf';
import { type Bus, tokenOf } from '@sigma/bus';
import { type ChannelSchema, ChannelSchemaSchema, type TelemetryFrame, TelemetryFrameSchema } from '@sigma/proto';
import type { AgentLinked } from '../../live/live-fleet.ts';
import { about, all, openedMessage, packed, tell, unpacked } from '../../subjects.ts';

/** Something in the telemetry that a person or a rule should know. */
export interface Finding {
  readonly kind: 'band' | 'rate' | 'frozen' | 'cross';
  readonly agentId: string;
  readonly channel: string;
  readonly field: string;
  /** 1 info, 2 advisory, 3 warning, 4 critical: AlertLevel. */
  readonly level: number;
  readonly text: string;
  readonly advice: string;
}

/** A pure analyzer for one agent's channels; @sigma/telemetry brings one. */
export interface Analyzer<State = unknown> {
  initial(): State;
  analyze(state: State, frame: TelemetryFrame): { readonly state: State; readonly findings: readonly Finding[] };
  /** What it has learned to be usual; absent for one that learns nothing. */
  bands?(state: State): readonly LearnedBand[];
}

/** Both ends inclusive. */
export interface LearnedBand {
  readonly channel: string;
  readonly field: string;
  readonly low: number;
  readonly high: number;
}

export type AnalyzerOf = (agentId: string, schemas: readonly ChannelSchema[]) => Analyzer;

/** F2: runs an analyzer for each agent over what ingest admits. */
export class AnalyzerRole {
  analyzed = 0;
  readonly #agents = new Map<string, { readonly analyzer: Analyzer; state: unknown; readonly key: string }>();

  constructor(options: { readonly bus: Bus; readonly tenant: string; readonly analyzerOf: AnalyzerOf }) {
    const { bus, tenant, analyzerOf } = options;
    bus.subscribe(
      all(tenant, 'link'),
      (message) => {
        const link = unpacked<AgentLinked>(message.data);
        const key = `${link.epoch} ${link.channels.join(' ')}`;
        if (link.channels.length === 0 || this.#agents.get(link.agentId)?.key === key) return;
        const schemas = link.channels.map((bytes) => fromBinary(ChannelSchemaSchema, Buffer.from(bytes, 'base64')));
        const analyzer = analyzerOf(link.agentId, schemas);
        this.#agents.set(link.agentId, { analyzer, state: analyzer.initial(), key });
      },
      { name: 'analyzer.link' },
    );
    bus.subscribe(
      all(tenant, 'telemetry'),
      (message) => {
        const agentId = tokenOf(message.subject, 3) as string;
        const agent = this.#agents.get(agentId);
        if (agent === undefined) return;
        this.analyzed++;
        const { state, findings } = agent.analyzer.analyze(
          agent.state,
          openedMessage(TelemetryFrameSchema, message.data),
        );
        agent.state = state;
        for (const finding of findings) tell(bus, about(tenant, 'finding', agentId), packed(finding), 'command');
      },
      { name: 'analyzer.telemetry', capacity: 16_384 },
    );
  }

  /** What is usual for this agent, as far as it was learned. */
  bandsOf(agentId: string): readonly LearnedBand[] {
    const agent = this.#agents.get(agentId);
    return agent?.analyzer.bands?.(agent.state) ?? [];
  }
}
