import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Bus, tokenOf } from '@sigma/bus';
import {
  type Order,
  OrderAnswerSchema,
  type OrderReceipt,
  OrderReceiptSchema,
  OrderSchema,
  type SignedOrder,
  SignedOrderSchema,
} from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import { inputTrace, missionTrace, orderTrace, type TraceId, traceparent } from '../../flows/trace.ts';
import type { AgentLinked } from '../../live/live-fleet.ts';
import { about, all, unpacked } from '../../subjects.ts';
import { type HubRecord, NotRecordedError, orderIssued } from '../arbitration/hub-record.ts';
import type { SupervisorOutput } from '../core/supervisor.ts';
import type { OrderKey } from './order-key.ts';
import { Percentiles } from './percentiles.ts';
import { planOf, taskOf } from './plain-to-proto.ts';
import type { Sequences } from './sequences.ts';

export type OrderBody = Exclude<MessageInitShape<typeof OrderSchema>['order'], undefined>;

/** How long an order may be on its way before the edge refuses it as expired. */
const EXPIRES_US = 5_000_000;
const STOP_EXPIRES_US = 60_000_000;
/** How long a person waits for the edge's answer. */
const ANSWER_WAIT_US = 2_000_000;

const CORE = 'core';

/**
 * F5: makes orders of what core and people want: signed, sequenced, expiring (L11). An order leaves only after its record
 * is durable (output commit); a stop leaves first.
 */
export class Gateway {
  /** Orders sent, orders of core that had no linked agent to go to, and those held back because nothing records them. */
  sent = 0;
  undelivered = 0;
  held = 0;
  /** From a planner being asked until its plan was handed on, recorded and signed. */
  readonly planTimes = new Percentiles();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #record: HubRecord;
  readonly #key: OrderKey;
  readonly #sequences: Sequences;
  readonly #edges = new Map<string, string>();
  readonly #askedUs = new Map<string, number>();
  readonly #waiting = new Map<string, (accepted: boolean, reason: string) => void>();

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly record: HubRecord;
    readonly key: OrderKey;
    readonly sequences: Sequences;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#record = options.record;
    this.#key = options.key;
    this.#sequences = options.sequences;
    const { bus, tenant } = options;
    bus.subscribe(all(tenant, 'link'), (message) => this.#linked(unpacked<AgentLinked>(message.data)), {
      name: 'gateway.link',
      capacity: 16_384,
    });
    bus.subscribe(
      all(tenant, 'asked'),
      (message) => void this.#askedUs.set(tokenOf(message.subject, 3) as string, this.#clock.nowUs()),
      {
        name: 'gateway.asked',
        capacity: 16_384,
      },
    );
    bus.subscribe(all(tenant, 'wanted'), (message) => this.#wanted(unpacked<SupervisorOutput>(message.data)), {
      name: 'gateway.wanted',
      capacity: 16_384,
    });
    bus.subscribe(all(tenant, 'answer'), (message) => this.#answered(message.data), {
      name: 'gateway.answer',
      capacity: 16_384,
    });
  }

  get publicKey(): Uint8Array {
    return this.#key.publicKey;
  }

  /** Sends a person's order and waits for what the edge says to it. */
  async ask(agentId: string, issuer: string, body: OrderBody, expiresUs = EXPIRES_US): Promise<OrderReceipt> {
    if (!this.#edges.has(agentId)) return receipt(agentId, issuer, 0, 'unreachable', 'no edge serves this agent now');
    const sequence = isStop(body) ? this.#sequences.nextStop() : await this.#sequences.next();
    const answer = this.#answerTo(agentId, issuer, sequence);
    try {
      await this.#issue(agentId, issuer, sequence, body, isStop(body) ? STOP_EXPIRES_US : expiresUs, null);
    } catch (error) {
      // A stop has left before its record failed; its answer is still to come.
      if (isStop(body)) return answer;
      this.#waiting.delete(`${agentId} ${issuer} ${sequence}`);
      throw error;
    }
    return answer;
  }

  /** Core does not wait for answers: the agent's next status says what became of it. */
  #wanted(output: SupervisorOutput): void {
    if (output.type === 'waits' || output.type === 'mission') return;
    if (!this.#edges.has(output.agentId)) {
      this.undelivered++;
      return;
    }
    void this.#send(output).catch((error: unknown) => {
      if (error instanceof NotRecordedError) this.held++;
      else this.undelivered++;
    });
  }

  async #send(output: Exclude<SupervisorOutput, { type: 'waits' | 'mission' }>): Promise<void> {
    const sequence = await this.#sequences.next();
    await this.#issue(output.agentId, CORE, sequence, bodyOf(output), EXPIRES_US, this.#traceOf(output));
    const askedUs = output.type === 'plan' ? this.#askedUs.get(output.agentId) : undefined;
    if (askedUs === undefined) return;
    this.#askedUs.delete(output.agentId);
    this.planTimes.add((this.#clock.nowUs() - askedUs) / 1000);
  }

  /** @param began trace of what made core want it; an order of a person begins its own */
  async #issue(
    agentId: string,
    issuer: string,
    sequence: number,
    body: OrderBody,
    expiresUs: number,
    began: TraceId | null,
  ): Promise<void> {
    const nowUs = this.#clock.nowUs();
    const trace = began ?? orderTrace(this.#tenant, agentId, issuer, sequence);
    const order = create(OrderSchema, {
      tenant: this.#tenant,
      agentId,
      issuer,
      sequence: BigInt(sequence),
      issuedTimeUs: BigInt(nowUs),
      expiresTimeUs: BigInt(nowUs + expiresUs),
      traceparent: traceparent(trace, 'F5'),
      order: body,
    });
    const signed = this.#sign(order);
    const event = orderIssued(signed, order, body.case ?? '');
    if (isStop(body)) {
      await this.#hand(agentId, signed, 'safety');
      await this.#record.append(event);
      return;
    }
    await this.#record.append(event);
    await this.#hand(agentId, signed, 'command');
  }

  /** A plan follows from the input it was made on, an assignment from its mission. */
  #traceOf(output: Exclude<SupervisorOutput, { type: 'waits' | 'mission' }>): TraceId | null {
    const { agentId } = output;
    if (output.type === 'assign') return missionTrace(this.#tenant, output.task.missionId);
    const basis = output.type === 'plan' ? output.plan.basis : null;
    return basis === null ? null : inputTrace(this.#tenant, agentId, basis.epoch, basis.inputSequence);
  }

  #sign(order: Order): SignedOrder {
    const bytes = toBinary(OrderSchema, order);
    return create(SignedOrderSchema, { order: bytes, signature: this.#key.sign(bytes) });
  }

  async #hand(agentId: string, signed: SignedOrder, serviceClass: 'safety' | 'command'): Promise<void> {
    const edgeId = this.#edges.get(agentId);
    if (edgeId === undefined) return;
    this.sent++;
    await this.#bus.publish(about(this.#tenant, 'edge', edgeId), toBinary(SignedOrderSchema, signed), serviceClass);
  }

  #answerTo(agentId: string, issuer: string, sequence: number): Promise<OrderReceipt> {
    const key = `${agentId} ${issuer} ${sequence}`;
    return new Promise((resolve) => {
      const giveUp = this.#clock.after(ANSWER_WAIT_US, () => {
        this.#waiting.delete(key);
        resolve(receipt(agentId, issuer, sequence, 'sent', 'the edge has not answered yet'));
      });
      this.#waiting.set(key, (accepted, reason) => {
        giveUp();
        this.#waiting.delete(key);
        resolve(receipt(agentId, issuer, sequence, accepted ? 'accepted' : 'refused', reason));
      });
    });
  }

  #answered(data: Uint8Array): void {
    const { agentId, issuer, sequence, accepted, reason } = fromBinary(OrderAnswerSchema, data);
    this.#waiting.get(`${agentId} ${issuer} ${sequence}`)?.(accepted, reason);
  }

  #linked(link: AgentLinked): void {
    if (link.linked) this.#edges.set(link.agentId, link.edgeId);
    else if (this.#edges.get(link.agentId) === link.edgeId) this.#edges.delete(link.agentId);
  }
}

const isStop = (body: OrderBody): boolean => body.case === 'stop' && body.value.stop !== 'none';

const receipt = (agentId: string, issuer: string, sequence: number, outcome: string, reason: string): OrderReceipt =>
  create(OrderReceiptSchema, { agentId, issuer, sequence: BigInt(sequence), outcome, reason });

function bodyOf(output: Exclude<SupervisorOutput, { type: 'waits' | 'mission' }>): OrderBody {
  switch (output.type) {
    case 'assign':
      return { case: 'assign', value: { task: taskOf(output.task, output.agentId) } };
    case 'cancel_task':
      return { case: 'cancel', value: { taskId: output.taskId, reason: output.reason } };
    case 'plan':
      return { case: 'plan', value: planOf(output.plan) };
  }
}
