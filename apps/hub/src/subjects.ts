import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Bus, type ServiceClass, subjectOf } from '@sigma/bus';

/**
 * What roles say to each other. The last token is always the agent (or edge) it is about.
 *
 * | subject | payload | from → to |
 * |---|---|---|
 * | telemetry | TelemetryFrame | ingest → analyzer, core, live view |
 * | link | AgentLinked as JSON | link → core, live view |
 * | status | AgentStatus | link → core, alerts, chronicle, live view |
 * | asked | PlanAsked | link → core |
 * | event | AgentEvent | link → core, chronicle, witness |
 * | decision | DecisionMade | link → live view |
 * | answer | OrderAnswer | link → gateway |
 * | finding | Finding as JSON | analyzer → alerts |
 * | wish | MissionWish as JSON | arbitration, fences → core |
 * | wanted | SupervisorOutput as JSON | core → gateway, live view |
 * | mission | MissionView as JSON | core → arbitration, live view |
 * | alert | AlertRow as JSON | alerts → live view |
 * | edge | SignedOrder | gateway → link |
 */
export type Topic =
  | 'telemetry'
  | 'link'
  | 'status'
  | 'asked'
  | 'event'
  | 'decision'
  | 'answer'
  | 'finding'
  | 'wish'
  | 'wanted'
  | 'mission'
  | 'alert'
  | 'edge';

export const about = (tenant: string, topic: Topic, id: string): string => subjectOf(tenant, topic, id);
export const all = (tenant: string, topic: Topic): string => subjectOf(tenant, topic, '>');

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const packed = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
/** The roles trust each other's spelling: what leaves `packed` comes back as it was. */
export const unpacked = <T>(data: Uint8Array): T => JSON.parse(decoder.decode(data)) as T;

/** Messages by the bytes they stand for, as long as anybody holds those. */
const known = new WeakMap<Uint8Array, unknown>();

/** A message as bytes for the bus. On a bus that hands the same bytes on, `openedMessage` gives this very message back. */
export function packedMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array {
  const data = toBinary(schema, message);
  known.set(data, message);
  return data;
}

/** The message of such bytes, decoded once for all roles of a process. Nobody writes into it. */
export function openedMessage<Desc extends DescMessage>(schema: Desc, data: Uint8Array): MessageShape<Desc> {
  const found = known.get(data);
  if (found !== undefined) return found as MessageShape<Desc>;
  const message = fromBinary(schema, data);
  known.set(data, message);
  return message;
}

/** Says it and goes on. On a bus that has closed nobody is left to hear. */
export function tell(bus: Bus, subject: string, data: Uint8Array, serviceClass: ServiceClass): void {
  bus.publish(subject, data, serviceClass).catch(() => undefined);
}
