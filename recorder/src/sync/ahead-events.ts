import { fromBinary } from '@bufbuild/protobuf';
import { OrderIssuedSchema, OrderSchema, SignedOrderSchema } from '@sigma/proto';
import { EVENT_TYPE } from '../event.ts';
import { decodeSignal } from '../payload/agent-events.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { type NotableEvent, notableEvents } from './notable.ts';
import { isSafetyEvent } from './outgoing.ts';

/** A safety event that is told before the blocks in which it stands. */
export interface AheadEvent {
  readonly sequence: number;
  /** How long it keeps its place where there is no room for all: 3 a failsafe or a stop, 2 what safety decided, 1 a violation. */
  readonly grade: 1 | 2 | 3;
  /** sigma.v1.Envelope. */
  readonly envelope: Uint8Array;
}

/**
 * Of a block what people must know of before anything else: violations and failsafes that were raised, stops and resets
 * with their orders, what safety decided, and what was decided in the same wakes.
 *
 * @throws MalformedBytesError, NewerFormatError, DroppedEventsError of a block that cannot be read at all
 */
export function aheadEvents(bytes: Uint8Array): readonly AheadEvent[] {
  const { events } = notableEvents(bytes);
  const graded = events.map((event) => ({ event, grade: gradeOf(event) }));
  const answered = new Map<number, 1 | 2 | 3>();
  for (const { event, grade } of graded) {
    if (grade !== 0) answered.set(event.atUs, atLeast(grade, answered.get(event.atUs)));
  }
  return graded.flatMap(({ event, grade }) => {
    const { sequence, envelope, type, atUs } = event;
    const kept = type === EVENT_TYPE.decision ? (answered.get(atUs) ?? 0) : grade;
    return kept === 0 ? [] : [{ sequence, grade: kept, envelope }];
  });
}

const atLeast = (grade: 1 | 2 | 3, other: 1 | 2 | 3 | undefined): 1 | 2 | 3 =>
  other !== undefined && other > grade ? other : grade;

/** 0: nobody is told of it ahead. */
function gradeOf(event: NotableEvent): 0 | 1 | 2 | 3 {
  try {
    if (event.type === EVENT_TYPE.order) return isStop(event.data) ? 3 : 0;
    if (event.name === 'order_accepted') {
      const { order } = decodeSignal(event.data).body as { readonly order?: unknown };
      return order === 'stop' || order === 'reset' ? 3 : 0;
    }
    if (event.name === 'failsafe') {
      return (decodeSignal(event.data).body as { readonly change?: unknown }).change === 'raised' ? 3 : 0;
    }
    if (event.name === 'violation') return 1;
    return event.type === EVENT_TYPE.decision && isSafetyEvent(event) ? 2 : 0;
  } catch {
    // Not what its type says: its block brings it, and `verify` judges it.
    return 0;
  }
}

/** @throws MalformedBytesError */
function isStop(data: Uint8Array): boolean {
  try {
    const { signedOrder } = fromBinary(OrderIssuedSchema, data);
    const { order } = fromBinary(OrderSchema, fromBinary(SignedOrderSchema, signedOrder).order);
    return order.case === 'stop' || order.case === 'reset';
  } catch (error) {
    throw new MalformedBytesError(`no order (${(error as Error).message})`);
  }
}
