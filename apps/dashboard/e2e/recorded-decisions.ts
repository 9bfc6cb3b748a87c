import { create, fromBinary } from '@bufbuild/protobuf';
import { type AgentDecision, AgentDecisionSchema, DecisionSchema } from '@sigma/proto';
import { decodeBlock, decodeEnvelope, EVENT_TYPE, type SealedBlock } from '@sigma/recorder';

/** The decisions that recorded blocks hold, as the hub tells them. */
export function recordedDecisions(blocks: readonly SealedBlock[]): AgentDecision[] {
  return blocks.flatMap(({ source, bytes }) =>
    decodeBlock(bytes)
      .events.map(decodeEnvelope)
      .filter(({ type }) => type === EVENT_TYPE.decision)
      .map(({ atUs, timeUs, data }) =>
        create(AgentDecisionSchema, {
          agentId: source,
          atUs: BigInt(atUs),
          timeUs: BigInt(timeUs),
          decision: fromBinary(DecisionSchema, data),
        }),
      ),
  );
}
