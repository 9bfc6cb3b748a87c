import { create } from '@bufbuild/protobuf';
import {
  type EventsAheadAnswered,
  EventsAheadAnsweredSchema,
  type EventsAhead as EventsAheadMessage,
  EventsAheadSchema,
} from '@sigma/proto';
import type { ChainId } from '../../event.ts';
import { MalformedBytesError } from '../../wire/wire-reader.ts';
import type { HybridTime } from '../hybrid-clock.ts';
import { type NotableEvent, notableEvent } from '../notable.ts';
import { type LinkedChain, SYNC_REFUSALS, type SyncRefusal } from '../sync-words.ts';
import type { BatchDoor } from './take-batch.ts';

/** Safety events that an edge tells before the blocks in which they stand (R193). */
export interface EventsAhead extends ChainId {
  /** Wall time at which the time of that life was 0; 0: it does not say. */
  readonly openedUs: number;
  /** sigma.v1.Envelope each, in order. */
  readonly envelopes: readonly Uint8Array[];
  /** Safety events of the chain for which there was no room. */
  readonly leftOut: number;
  readonly time: HybridTime;
}

export interface AheadAnswer extends LinkedChain {
  readonly lastSequence: number;
  /** Null: they are kept. */
  readonly refusal: SyncRefusal | null;
  readonly message: string;
  readonly time: HybridTime;
}

/** What one message may hold; a link has one of them under way. */
export const AHEAD_MOST_EVENTS = 256;
export const AHEAD_MOST_BYTES = 96 * 1024;

export type TakenAhead =
  | { readonly events: readonly NotableEvent[] }
  | { readonly refusal: SyncRefusal; readonly message: string };

/** Judges such a message by itself; whether it is true, the blocks will say. Trusts nothing of it. */
export function takeAhead({ tenant, source, envelopes }: EventsAhead, door: BatchDoor): TakenAhead {
  if (tenant !== door.tenant) {
    return refused('tenant', `the events are of tenant '${short(tenant)}'; this link is of '${door.tenant}'`);
  }
  if (!door.sources.has(source)) {
    return refused('stranger', `'${short(source)}' is no source that this edge said hello for`);
  }
  const bytes = envelopes.reduce((sum, envelope) => sum + envelope.length, 0);
  if (envelopes.length > AHEAD_MOST_EVENTS || bytes > AHEAD_MOST_BYTES) {
    return refused('credit', `${envelopes.length} events in ${bytes} bytes are more than one message may hold`);
  }
  const events: NotableEvent[] = [];
  for (const envelope of envelopes) {
    const event = readAhead(envelope);
    if (event instanceof Error) return refused('damaged', event.message);
    const before = events.at(-1);
    if (event.sequence <= (before?.sequence ?? 1) || event.atUs < (before?.atUs ?? 0)) {
      return refused('damaged', `event ${event.sequence} stands where it cannot`);
    }
    events.push(event);
  }
  return events.length === 0 ? refused('damaged', 'there is no event in it') : { events };
}

function readAhead(envelope: Uint8Array): NotableEvent | Error {
  try {
    return notableEvent(envelope) ?? new MalformedBytesError('an event that nobody is told of ahead');
  } catch (error) {
    if (error instanceof MalformedBytesError) return error;
    throw error;
  }
}

const refused = (refusal: SyncRefusal, message: string): TakenAhead => ({ refusal, message });
const short = (text: string): string => text.slice(0, 63);

export const aheadFrame = ({ openedUs, envelopes, leftOut, time, ...chain }: EventsAhead): EventsAheadMessage =>
  create(EventsAheadSchema, {
    ...chain,
    openedTimeUs: BigInt(openedUs),
    envelopes: [...envelopes],
    leftOut: BigInt(leftOut),
    time: { us: BigInt(time.us), count: time.count },
  });

export const aheadOf = (message: EventsAheadMessage): EventsAhead => ({
  tenant: message.tenant,
  source: message.source,
  epoch: message.epoch,
  openedUs: Math.max(0, Number(message.openedTimeUs)),
  envelopes: message.envelopes,
  leftOut: Number(message.leftOut),
  time: { us: Number(message.time?.us ?? 0n), count: message.time?.count ?? 0 },
});

export const aheadAnsweredFrame = ({ source, epoch, lastSequence, refusal, message, time }: AheadAnswer) =>
  create(EventsAheadAnsweredSchema, {
    source,
    epoch,
    lastSequence: BigInt(lastSequence),
    refusal: refusal ?? '',
    message,
    time: { us: BigInt(time.us), count: time.count },
  });

export const aheadAnswerOf = (answered: EventsAheadAnswered): AheadAnswer => ({
  source: answered.source,
  epoch: answered.epoch,
  lastSequence: Number(answered.lastSequence),
  refusal: answered.refusal === '' ? null : (SYNC_REFUSALS.find((one) => one === answered.refusal) ?? 'later'),
  message: answered.message,
  time: { us: Number(answered.time?.us ?? 0n), count: answered.time?.count ?? 0 },
});
