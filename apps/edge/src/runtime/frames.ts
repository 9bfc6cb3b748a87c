import { create, fromBinary } from '@bufbuild/protobuf';
import type { Ask } from '@sigma/kernel';
import {
  AgentEventSchema,
  BasisSchema,
  DecisionMadeSchema,
  DecisionSchema,
  OrderAnswerSchema,
  PlanAskedSchema,
  SystemSignalSchema,
  TaskSchema,
  TaskStatus,
} from '@sigma/proto';
import type { EventDraft } from '@sigma/recorder';
import type { OrderName } from './order-door.ts';
import type { UplinkFrame } from './uplink.ts';

/** A recorded signal, as the hub hears it. */
export function eventFrame(agentId: string, draft: EventDraft): UplinkFrame {
  const signal = fromBinary(SystemSignalSchema, draft.data);
  return { case: 'event', value: create(AgentEventSchema, { agentId, atUs: BigInt(draft.atUs), signal }) };
}

/** A question to the planner in the hub. */
export function askFrame(agentId: string, { task, reason, basis, planRevision }: Ask): UplinkFrame {
  const value = create(PlanAskedSchema, {
    agentId,
    task: create(TaskSchema, {
      id: task.id,
      missionId: task.missionId,
      agentId,
      kind: task.kind,
      argsJson: JSON.stringify(task.args),
      priority: task.priority,
      status: TaskStatus.ACTIVE,
    }),
    reason,
    basis: create(BasisSchema, { epoch: basis.epoch, inputSequence: BigInt(basis.inputSequence) }),
    planRevision: BigInt(planRevision),
  });
  return { case: 'ask', value };
}

/** A recorded decision, from the very bytes that the record holds. */
export function decisionFrame(agentId: string, { atUs, data }: EventDraft): UplinkFrame {
  const decision = fromBinary(DecisionSchema, data);
  return { case: 'decision', value: create(DecisionMadeSchema, { agentId, atUs: BigInt(atUs), decision }) };
}

/** @param refusal the reason, or empty when the order was accepted */
export function answerFrame(agentId: string, { issuer, sequence }: OrderName, refusal: string): UplinkFrame {
  const answer = { agentId, issuer, sequence: BigInt(sequence), accepted: refusal === '', reason: refusal };
  return { case: 'answer', value: create(OrderAnswerSchema, answer) };
}
