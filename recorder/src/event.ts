/** CloudEvents types of what a recording holds; each names the message of record.proto in the envelope's `data`. */
export const EVENT_TYPE = {
  opening: 'sigma.opening.v1',
  decision: 'sigma.decision.v1',
  stateChange: 'sigma.state_change.v1',
  message: 'sigma.message.v1',
  order: 'sigma.order.v1',
  stimulusSegment: 'sigma.stimulus_segment.v1',
  signal: 'sigma.signal.v1',
  snapshot: 'sigma.snapshot.v1',
  gap: 'sigma.gap.v1',
} as const;

/** An event before it has a place in a chain. */
export interface EventDraft {
  readonly type: string;
  /** What it is about (a task, a mission, an alert), or empty. */
  readonly subject: string;
  /** Agent time, microseconds, 0 to 2^52 - 1. */
  readonly atUs: number;
  /** Wall clock, microseconds since 1970. For people; never for order. */
  readonly timeUs: number;
  /** W3C trace context, or empty. */
  readonly traceparent: string;
  readonly data: Uint8Array;
  /** Schema of `data` where it is not the message that `type` names. */
  readonly dataschema?: string;
}

/** An event in its place. `data` is a view into its block. */
export interface RecordedEvent extends EventDraft {
  readonly sequence: number;
}

/** Who wrote a chain. One writer, one chain. */
export interface ChainId {
  readonly tenant: string;
  readonly source: string;
  /** Counts the writer's lives, from 0. */
  readonly epoch: number;
}

/** The end of a chain at some moment. */
export interface ChainHead extends ChainId {
  /** Sequence of the last event. */
  readonly sequence: number;
  /** Hash of the last block, 32 bytes. */
  readonly hash: Uint8Array;
  /** Agent time of the last event. */
  readonly atUs: number;
  /** Blocks in the chain. */
  readonly blocks: number;
}

/** SHA-256 (FIPS 180-4), brought by whoever runs the recorder: Node's, the browser's, or a library's. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const chainName = ({ tenant, source, epoch }: ChainId): string => `${tenant}/${source} epoch ${epoch}`;

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hexOfBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}
