import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Report, UplinkFrame } from '@sigma/edge';
import {
  type ConnectRequest,
  ConnectRequestSchema,
  type ConnectResponse,
  OrderSchema,
  SignedOrderSchema,
} from '@sigma/proto';

/** Without a word of the hub for this long, an edge gives its stream up and connects anew. */
const SILENT_US = 2_500_000;
/** Between two attempts to connect. */
const AGAIN_US = 500_000;
const BEAT_US = 500_000;

export interface LinkIdentity {
  readonly tenant: string;
  readonly agentId: string;
  readonly role: string;
  readonly body: string;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly capabilities: readonly string[];
  readonly report: Report<never>;
}

/** What an arriving frame of the hub means to the edge. */
export type FromHub =
  | { readonly type: 'heard' }
  | { readonly type: 'order'; readonly signedOrder: Uint8Array; readonly basis: number | null }
  | { readonly type: 'nothing' };

/**
 * One edge's end of its stream on the virtual clock: says hello, beats, notices silence and connects again. What was
 * said while there was no link waits and leaves in order; telemetry and statuses are replaced by the next ones.
 */
export class EdgeLink {
  readonly #identity: LinkIdentity;
  #connected = false;
  #heardUs = 0;
  #triedUs = Number.NEGATIVE_INFINITY;
  #beatUs = 0;
  #beat = 0n;
  #heardBeat = 0n;
  #waiting: UplinkFrame[] = [];

  constructor(identity: LinkIdentity) {
    this.#identity = identity;
  }

  /** The frames that leave at this instant, besides what `send` returns. */
  tick(atUs: number): readonly ConnectRequest[] {
    if (this.#connected && atUs - this.#heardUs > SILENT_US) this.#connected = false;
    if (!this.#connected) {
      if (atUs - this.#triedUs < AGAIN_US) return NOTHING;
      this.#triedUs = atUs;
      return [this.#hello(atUs)];
    }
    if (atUs - this.#beatUs < BEAT_US) return NOTHING;
    this.#beatUs = atUs;
    const timeUs = BigInt(this.#identity.epochTimeUs + atUs);
    const value = { sequence: ++this.#beat, timeUs, heard: this.#heardBeat };
    return [create(ConnectRequestSchema, { frame: { case: 'heartbeat', value } })];
  }

  send(frame: UplinkFrame): readonly ConnectRequest[] {
    if (this.#connected) return [create(ConnectRequestSchema, { frame })];
    if (frame.case !== 'telemetry' && frame.case !== 'status') this.#waiting.push(frame);
    return NOTHING;
  }

  /** @returns what it means, and what leaves because of it */
  hear(
    { frame }: ConnectResponse,
    atUs: number,
  ): { readonly means: FromHub; readonly leaves: readonly ConnectRequest[] } {
    this.#heardUs = atUs;
    switch (frame.case) {
      case 'welcome': {
        this.#connected = true;
        const leaves = this.#waiting.map((waiting) => create(ConnectRequestSchema, { frame: waiting }));
        this.#waiting = [];
        return { means: { type: 'heard' }, leaves };
      }
      case 'heartbeat':
        this.#heardBeat = frame.value.sequence;
        return { means: { type: 'heard' }, leaves: NOTHING };
      case 'order': {
        const signedOrder = toBinary(SignedOrderSchema, frame.value);
        return { means: { type: 'order', signedOrder, basis: basisOf(frame.value.order) }, leaves: NOTHING };
      }
      case 'refused':
        this.#connected = false;
        return { means: { type: 'nothing' }, leaves: NOTHING };
      default:
        return { means: { type: 'nothing' }, leaves: NOTHING };
    }
  }

  #hello(atUs: number): ConnectRequest {
    const { tenant, agentId, role, body, software, epochTimeUs, capabilities, report } = this.#identity;
    return create(ConnectRequestSchema, {
      frame: {
        case: 'hello',
        value: {
          tenant,
          edgeId: `edge-${agentId}`,
          software,
          timeUs: BigInt(epochTimeUs + atUs),
          agents: [
            { agentId, epoch: 0, role, body, epochTimeUs: BigInt(epochTimeUs), capabilities: [...capabilities] },
          ],
          channels: report.channels.map(({ channel, fields }) => ({
            channel,
            fields: fields.map(({ name, unit, low, high, maxRate, frozenAfterUs }) => ({
              name,
              unit,
              ...(low === undefined ? {} : { low }),
              ...(high === undefined ? {} : { high }),
              ...(maxRate === undefined ? {} : { maxRate }),
              ...(frozenAfterUs === undefined ? {} : { frozenAfterUs: BigInt(frozenAfterUs) }),
            })),
          })),
        },
      },
    });
  }
}

const NOTHING: readonly never[] = [];

/** Input sequence of the report that a plan was made from; null for every other order. */
function basisOf(order: Uint8Array): number | null {
  const { order: content } = fromBinary(OrderSchema, order);
  if (content.case !== 'plan' || content.value.basis === undefined) return null;
  return Number(content.value.basis.inputSequence);
}
