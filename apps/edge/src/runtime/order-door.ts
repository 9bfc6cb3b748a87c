import { fromBinary } from '@bufbuild/protobuf';
import type { Observation, OrderStimulus, PlanStimulus } from '@sigma/kernel';
import { type Fault, type Order, OrderSchema, SignedOrderSchema } from '@sigma/proto';
import { fencesObservation, kernelOrder, MalformedOrderError, primaryPlan, wholeNumber } from './order-words.ts';
import type { VerifyOrder } from './ports.ts';

export interface OrderDoorOptions {
  readonly tenant: string;
  readonly agentId: string;
  /** Wall time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
  readonly verify: VerifyOrder;
  /** True where the body is simulated: only then does a fault order do anything. */
  readonly simulated: boolean;
}

/** Who asked, and with which number: what an answer must name. */
export interface OrderName {
  readonly issuer: string;
  readonly sequence: number;
  readonly traceparent: string;
}

export type Admission =
  | { readonly type: 'order'; readonly name: OrderName; readonly stimulus: OrderStimulus }
  | { readonly type: 'plan'; readonly name: OrderName; readonly stimulus: PlanStimulus }
  | { readonly type: 'fault'; readonly name: OrderName; readonly fault: Fault }
  /** What people drew on the floor. Which set is newer, the model decides by its version. */
  | { readonly type: 'fences'; readonly name: OrderName; readonly stimulus: Observation }
  /** `name` is null when the bytes are not the hub's, so that nothing they claim may be believed or answered. */
  | { readonly type: 'refused'; readonly name: OrderName | null; readonly reason: string };

/** Longest order that is looked at, in bytes. */
const LONGEST_ORDER_BYTES = 262_144;

/**
 * Where orders come in (L11): signature, tenant and addressee are checked here, once; sequence and expiry by the
 * kernel, so that those refusals replay. Plans and faults are no kernel orders, so their expiry is checked here, and
 * the sequence of faults too (the kernel refuses a repeated plan by its revision).
 *
 * An order issued before this epoch began is refused: the epoch before may have carried it out already.
 */
export class OrderDoor {
  readonly #options: OrderDoorOptions;
  readonly #faultSequences = new Map<string, number>();

  constructor(options: OrderDoorOptions) {
    this.#options = options;
  }

  /** @param signedOrder bytes of sigma.v1.SignedOrder */
  admit(signedOrder: Uint8Array, atUs: number): Admission {
    const order = this.#open(signedOrder);
    if (typeof order === 'string') return { type: 'refused', name: null, reason: order };
    let name: OrderName | null = null;
    try {
      const sequence = wholeNumber(order.sequence, 'the sequence');
      name = { issuer: order.issuer, sequence, traceparent: order.traceparent };
      const reason = this.#misdirected(order);
      return reason === null ? this.#translate(order, name, atUs) : { type: 'refused', name, reason };
    } catch (error) {
      if (!(error instanceof MalformedOrderError)) throw error;
      return { type: 'refused', name, reason: error.message };
    }
  }

  /** The order, or why these bytes are none of the hub's. Nothing inside is read before the signature holds. */
  #open(signedOrder: Uint8Array): Order | string {
    if (signedOrder.length > LONGEST_ORDER_BYTES) return `forged: ${signedOrder.length} bytes are no order`;
    let signed: { readonly order: Uint8Array; readonly signature: Uint8Array };
    try {
      signed = fromBinary(SignedOrderSchema, signedOrder);
    } catch {
      return 'forged: the bytes are no signed order';
    }
    if (!this.#options.verify(signed.order, signed.signature)) return "forged: the signature is not the hub's";
    try {
      return fromBinary(OrderSchema, signed.order);
    } catch {
      return 'malformed: the signed bytes are no order';
    }
  }

  #misdirected(order: Order): string | null {
    const { tenant, agentId, epochTimeUs } = this.#options;
    if (order.tenant !== tenant) return `foreign: the order is for tenant '${order.tenant}'`;
    if (order.agentId !== agentId) return `foreign: the order is for agent '${order.agentId}'`;
    if (order.issuer === '') return 'malformed: nobody issued it';
    if (Number(order.issuedTimeUs) < epochTimeUs) return 'replayed: issued before this epoch of the agent began';
    return null;
  }

  #translate(order: Order, name: OrderName, atUs: number): Admission {
    const { issuer, sequence } = name;
    const agentTimeUs = (timeUs: bigint, what: string) => wholeNumber(timeUs, what) - this.#options.epochTimeUs;
    const expiresAtUs = agentTimeUs(order.expiresTimeUs, 'the expiry');
    const kernel = kernelOrder(order.order, agentTimeUs);
    if (kernel !== null) {
      return { type: 'order', name, stimulus: { kind: 'order', issuer, sequence, expiresAtUs, order: kernel } };
    }
    if (atUs > expiresAtUs) {
      return { type: 'refused', name, reason: `expired at ${expiresAtUs} us, arrived at ${atUs} us` };
    }
    if (order.order.case === 'plan') return { type: 'plan', name, stimulus: primaryPlan(order.order.value) };
    if (order.order.case === 'fences') return { type: 'fences', name, stimulus: fencesObservation(order.order.value) };
    if (order.order.case !== 'fault') throw new MalformedOrderError('an order of an unknown kind');
    const last = this.#faultSequences.get(issuer) ?? 0;
    if (!(sequence > last)) {
      return { type: 'refused', name, reason: `replayed: sequence ${sequence} is not above ${last}` };
    }
    if (!this.#options.simulated) return { type: 'refused', name, reason: 'faults are for simulated bodies only' };
    this.#faultSequences.set(issuer, sequence);
    return { type: 'fault', name, fault: order.order.value };
  }
}
