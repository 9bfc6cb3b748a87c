import { fromBinary } from '@bufbuild/protobuf';
import { OrderIssuedSchema, OrderSchema, SignedOrderSchema, SystemSignalSchema } from '@sigma/proto';
import { MalformedBytesError, type NotableEvent, notableEvents, WireReader } from '@sigma/recorder';
import { type Happened, happenedIn, stopped } from './happened.ts';

/** A stop, or the reset of one, that was handed to an agent and that it has not accepted yet. */
interface Asked {
  readonly issuer: string;
  readonly sequence: number;
  /** `none`, `normal`, `protective`, `emergency`, or `reset`. */
  readonly stop: string;
}

/** What must be known of a chain up to an event so that it can be read on from there. */
export interface ReadState {
  /** Wall time at which agent time was 0, microseconds since 1970; 0: the opening does not say. */
  readonly openedUs: number;
  /** Agent time of the last event. */
  readonly atUs: number;
  /** Sequence of the last decision; 0: none yet. */
  readonly decision: number;
  /** The stop that is in force. */
  readonly stop: string;
  readonly asked: readonly Asked[];
}

export const UNREAD: ReadState = { openedUs: 0, atUs: 0, decision: 0, stop: 'none', asked: [] };

/** Something that happened, with the decision of the same wake, which answers it; else the last one before; 0: none. */
export interface FoundMark {
  /** Place in the chain of the event that told of it. */
  readonly event: number;
  readonly atUs: number;
  readonly happened: Happened;
  readonly decision: number;
}

export interface FoundDecision {
  /** Its place in the chain. */
  readonly event: number;
  /** Its own count. */
  readonly sequence: number;
  readonly atUs: number;
  /** sigma.v1.Decision, a view into the block. */
  readonly data: Uint8Array;
}

export interface Reading {
  readonly state: ReadState;
  readonly marks: readonly FoundMark[];
  readonly decisions: readonly FoundDecision[];
  /** Of the last event of the block. */
  readonly lastSequence: number;
  /** Events that are not what their type says. */
  readonly malformed: number;
}

/** Orders that wait for an answer; an agent answers with its next wake. */
const MOST_ASKED = 64;
const MOST_ISSUER = 128;
const STOPS = new Set(['none', 'normal', 'protective', 'emergency']);

/**
 * Reads one block of an agent's chain: what happened in it, and what was decided. A wake never stands in two blocks
 * (recorder/SPEC.md R32), so that what happened in it and what answered it are found together.
 *
 * @throws MalformedBytesError, NewerFormatError, DroppedEventsError of a block that cannot be read at all
 */
export function readOn(before: ReadState, bytes: Uint8Array): Reading {
  const { events, lastSequence, lastAtUs, malformed } = notableEvents(bytes);
  const fold = new WakeFold(before);
  const decisions: FoundDecision[] = [];
  let broken = malformed;
  for (const event of events) {
    try {
      const decision = fold.take(event);
      if (decision !== null) decisions.push(decision);
    } catch {
      // Not what its type says: for `verify` to judge; nothing else of the block suffers from it.
      broken++;
    }
  }
  fold.close();
  const { marks } = fold;
  return { state: { ...fold.state, atUs: lastAtUs }, marks, decisions, lastSequence, malformed: broken };
}

/**
 * Reads single events of a chain, in order, without what stands between them: what answered is known only where it is
 * among them, and a stop that ends only where it began among them.
 */
export function readSingly(events: readonly NotableEvent[]): Pick<Reading, 'marks' | 'decisions'> {
  const fold = new WakeFold({ ...UNREAD, stop: UNKNOWN_STOP }, true);
  const decisions = events.flatMap((event) => {
    try {
      return fold.take(event) ?? [];
    } catch {
      return [];
    }
  });
  fold.close();
  return { marks: fold.marks, decisions };
}

const UNKNOWN_STOP = '';

/** Folds events wake by wake. */
class WakeFold {
  readonly marks: FoundMark[] = [];
  #openedUs: number;
  #decision: number;
  #stop: string;
  #asked: readonly Asked[];
  #atUs: number;
  #stopBefore: string;
  #happened: { readonly event: number; readonly happened: Happened }[] = [];
  /** Of the order that changed the stop last. */
  #stopEvent = 0;
  /** Whether what stands between the events is unknown. */
  readonly #singly: boolean;

  constructor({ openedUs, decision, stop, asked, atUs }: ReadState, singly = false) {
    this.#singly = singly;
    this.#openedUs = openedUs;
    this.#decision = decision;
    this.#stop = stop;
    this.#stopBefore = stop;
    this.#asked = asked;
    this.#atUs = atUs;
  }

  get state(): ReadState {
    const [openedUs, decision, stop, asked] = [this.#openedUs, this.#decision, this.#stop, this.#asked];
    return { openedUs, atUs: this.#atUs, decision, stop, asked };
  }

  take(event: NotableEvent): FoundDecision | null {
    const { atUs, data, name, sequence } = event;
    if (atUs !== this.#atUs) this.close();
    this.#atUs = atUs;
    if (name === 'order_accepted') this.#accepted(bodyOf(data), sequence);
    else if (name !== '') {
      const happened = happenedIn(name, bodyOf(data));
      if (happened !== null) this.#happened.push({ event: sequence, happened });
    } else if (event.type === 'sigma.decision.v1') {
      this.#decision = decisionSequence(data);
      return { event: sequence, sequence: this.#decision, atUs, data };
    } else if (event.type === 'sigma.order.v1') this.#ask(data);
    else if (sequence === 1) this.#openedUs = Math.max(0, event.timeUs - atUs);
    return null;
  }

  /** The wake is over: its last decision answers what happened in it. */
  close(): void {
    const [before, now] = [this.#stopBefore, this.#stop];
    const unknown = before === UNKNOWN_STOP;
    if (now !== before && !(unknown && now === 'none')) {
      this.#happened.push({ event: this.#stopEvent, happened: stopped(unknown ? 'none' : before, now) });
    }
    this.#stopBefore = now;
    for (const one of this.#happened) this.marks.push({ ...one, atUs: this.#atUs, decision: this.#decision });
    this.#happened = [];
    if (this.#singly) this.#decision = 0;
  }

  #ask(data: Uint8Array): void {
    if (!mayStop(data)) return;
    const { signedOrder, issuer, orderSequence } = fromBinary(OrderIssuedSchema, data);
    const { order } = fromBinary(OrderSchema, fromBinary(SignedOrderSchema, signedOrder).order);
    const stop = order.case === 'stop' ? order.value.stop : order.case === 'reset' ? 'reset' : null;
    if (stop === null || (stop !== 'reset' && !STOPS.has(stop))) return;
    if (issuer.length > MOST_ISSUER || issuer.includes('\0')) return;
    this.#asked = [...this.#asked, { issuer, sequence: Number(orderSequence), stop }].slice(-MOST_ASKED);
  }

  #accepted(bodyJson: string, event: number): void {
    const { issuer, sequence } = JSON.parse(bodyJson) as { readonly issuer?: unknown; readonly sequence?: unknown };
    const found = this.#asked.find((asked) => asked.issuer === issuer && asked.sequence === sequence);
    if (found === undefined) return;
    this.#asked = this.#asked.filter((asked) => asked !== found);
    this.#stopEvent = event;
    // A reset ends an emergency stop and leaves any other as it is (kernel/SPEC.md).
    if (found.stop !== 'reset') this.#stop = found.stop;
    else if (this.#stop === 'emergency') this.#stop = 'none';
  }
}

const bodyOf = (signal: Uint8Array): string => fromBinary(SystemSignalSchema, signal).bodyJson;

/** Of sigma.v1.Order. */
const [STOP, RESET] = [(17 << 3) | 2, (19 << 3) | 2];

/**
 * Whether a sigma.v1.OrderIssued may be of a stop or of a reset: most are not, and to decode them is what reading costs
 * most. What is not well-formed wants a closer look.
 */
function mayStop(issued: Uint8Array): boolean {
  const reader = new WireReader(issued);
  try {
    return holds(reader, issued.length, ORDER, (end) =>
      holds(reader, end, ORDER, (to) => {
        while (reader.at < to) {
          const tag = reader.varint();
          if (tag === STOP || tag === RESET) return true;
          reader.skip(tag);
        }
        return reader.at !== to;
      }),
    );
  } catch {
    return true;
  }
}

/** Of a sigma.v1.OrderIssued the signed order, and of that the order. */
const ORDER = (1 << 3) | 2;

/** Whether one of these fields holds it; the reader stands at the end of what was looked at. */
function holds(reader: WireReader, end: number, field: number, within: (end: number) => boolean): boolean {
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag !== field) reader.skip(tag);
    else if (within(reader.enter())) return true;
  }
  return reader.at !== end;
}

/** Of a sigma.v1.Decision, without decoding the rest. @throws MalformedBytesError */
function decisionSequence(decision: Uint8Array): number {
  const reader = new WireReader(decision);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) return reader.varint();
    reader.skip(tag);
  }
  throw new MalformedBytesError('a decision without a sequence');
}
