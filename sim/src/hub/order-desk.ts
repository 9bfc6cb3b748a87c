import { create, toBinary } from '@bufbuild/protobuf';
import type { PlannedTask, SupervisorOutput, SupervisorPlan } from '@sigma/fleet-model';
import type { Intent } from '@sigma/kernel';
import {
  BasisSchema,
  IntentSchema,
  type Order,
  OrderIssuedSchema,
  OrderSchema,
  type Param,
  ParamSchema,
  PlanSchema,
  SignedOrderSchema,
  TaskSchema,
} from '@sigma/proto';
import { EVENT_TYPE, type EventDraft } from '@sigma/recorder';
import type { OrderKey } from '../order-key.ts';

/** How long an order may be on its way, microseconds: a plan is stale sooner than a task. */
const PLAN_EXPIRES_US = 5_000_000;
const ORDER_EXPIRES_US = 15_000_000;

export const CORE = 'core';

/** A signed order on its way to a robot. */
export interface DownOrder {
  readonly agentId: string;
  readonly signedOrder: Uint8Array;
  /** Input sequence of the report from which this plan was made; null for every other order. */
  readonly answers: number | null;
}

export type OrderContent = Exclude<Order['order'], { case: undefined }>;

/** Numbers, signs and records orders, as the hub's command gateway does. */
export class OrderDesk {
  readonly #tenant: string;
  readonly #key: OrderKey;
  readonly #epochTimeUs: number;
  readonly #sequences = new Map<string, number>();

  constructor(tenant: string, key: OrderKey, epochTimeUs: number) {
    this.#tenant = tenant;
    this.#key = key;
    this.#epochTimeUs = epochTimeUs;
  }

  /** @returns the order as it leaves, and the event that puts it on the hub's record */
  issue(
    agentId: string,
    issuer: string,
    content: OrderContent,
    summary: string,
    atUs: number,
  ): { readonly down: DownOrder; readonly event: EventDraft } {
    const name = `${agentId} ${issuer}`;
    const sequence = (this.#sequences.get(name) ?? 0) + 1;
    this.#sequences.set(name, sequence);
    const timeUs = this.#epochTimeUs + atUs;
    const lastsUs = content.case === 'plan' ? PLAN_EXPIRES_US : ORDER_EXPIRES_US;
    const message = create(OrderSchema, {
      tenant: this.#tenant,
      agentId,
      issuer,
      sequence: BigInt(sequence),
      issuedTimeUs: BigInt(timeUs),
      expiresTimeUs: BigInt(timeUs + lastsUs),
      order: content,
    });
    const order = toBinary(OrderSchema, message);
    const signature = this.#key.sign(order);
    const signedOrder = toBinary(SignedOrderSchema, create(SignedOrderSchema, { order, signature }));
    const issued = create(OrderIssuedSchema, { signedOrder, issuer, orderSequence: BigInt(sequence), summary });
    const data = toBinary(OrderIssuedSchema, issued);
    const basis = content.case === 'plan' ? content.value.basis : undefined;
    return {
      down: { agentId, signedOrder, answers: basis === undefined ? null : Number(basis.inputSequence) },
      event: { type: EVENT_TYPE.order, subject: agentId, atUs, timeUs, traceparent: '', data },
    };
  }
}

/** What the supervisor says to a robot, as an order; null for what it says to people. */
export function orderOf(output: SupervisorOutput): { readonly content: OrderContent; readonly summary: string } | null {
  switch (output.type) {
    case 'assign': {
      const { task } = output;
      return { content: { case: 'assign', value: wireAssign(task) }, summary: `assign ${task.id} (${task.kind})` };
    }
    case 'cancel_task': {
      const { taskId, reason } = output;
      const value = { $typeName: 'sigma.v1.Cancel', taskId, reason } as const;
      return { content: { case: 'cancel', value }, summary: `cancel ${taskId}: ${reason}` };
    }
    case 'plan':
      return { content: { case: 'plan', value: wirePlan(output.plan) }, summary: `plan ${output.plan.revision}` };
    case 'mission':
    case 'waits':
      return null;
  }
}

function wireAssign(task: PlannedTask) {
  const { id, missionId, kind, args, priority } = task;
  return {
    $typeName: 'sigma.v1.Assign',
    task: create(TaskSchema, { id, missionId, kind, argsJson: JSON.stringify(args), priority }),
  } as const;
}

function wirePlan(plan: SupervisorPlan) {
  const { taskId, revision, intents, confidence, rationale, basis, alternatives } = plan;
  return create(PlanSchema, {
    taskId,
    revision: BigInt(revision),
    intents: intents.map(wireIntent),
    confidence,
    rationale,
    ...(basis === null
      ? {}
      : { basis: create(BasisSchema, { epoch: basis.epoch, inputSequence: BigInt(basis.inputSequence) }) }),
    alternatives: alternatives.map(({ summary, reason }) => ({ $typeName: 'sigma.v1.Alternative', summary, reason })),
  });
}

/** Arguments travel by name, in ascending order: one plan has one spelling. */
const wireIntent = ({ name, args }: Intent) =>
  create(IntentSchema, {
    name,
    args: Object.keys(args)
      .sort()
      .map((key) => wireParam(key, args[key] as number | string | boolean)),
  });

function wireParam(name: string, value: number | string | boolean): Param {
  if (typeof value === 'number') return create(ParamSchema, { name, value: { case: 'number', value } });
  if (typeof value === 'string') return create(ParamSchema, { name, value: { case: 'text', value } });
  return create(ParamSchema, { name, value: { case: 'flag', value } });
}
