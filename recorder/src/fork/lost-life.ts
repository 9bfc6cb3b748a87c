import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainId, EVENT_TYPE, type RecordedEvent } from '../event.ts';
import type { Recording } from '../store.ts';
import { droppedIn, keptEvents } from './kept-life.ts';

/** A stretch of a life that cannot be run: events of it were dropped for want of room (SPEC R127). */
export interface LostLife {
  /** The first and the last event that was dropped. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Agent time up to which all is known, and that of the snapshot from which on it is again; null: none follows. */
  readonly fromUs: number;
  readonly untilUs: number | null;
  /** Event of that snapshot; 0 where none follows. */
  readonly resumedAt: number;
}

/** Whether a moment lies in one of these stretches, both ends inclusive. */
export const isWithin = (stretches: readonly LostLife[], atUs: number): boolean =>
  stretches.some(({ fromUs, untilUs }) => atUs >= fromUs && atUs <= (untilUs ?? Number.POSITIVE_INFINITY));

/** What of a chain can be followed: its events, and in the place of those that cannot what was lost. */
export type Followed =
  | { readonly type: 'event'; readonly event: RecordedEvent }
  | { readonly type: 'lost'; readonly lost: LostLife };

/**
 * Events of a chain from one on that can be followed. Where some were dropped, nothing comes of what is left up to the
 * next snapshot, which is the next event.
 *
 * @throws MalformedBytesError, StoreError
 */
export async function* followedEvents(
  recording: Recording,
  chain: ChainId,
  fromSequence: number,
): AsyncIterable<Followed> {
  let lost: LostLife | null = null;
  let knownUs = 0;
  for await (const block of recording.blocks(chain, fromSequence, Number.MAX_SAFE_INTEGER)) {
    const dropped = droppedIn(block);
    if (dropped !== null) {
      const { firstSequence, lastSequence } = dropped;
      lost = { firstSequence, fromUs: knownUs, ...(lost ?? {}), lastSequence, untilUs: null, resumedAt: 0 };
      continue;
    }
    for (const envelope of decodeBlock(block.bytes).events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence < fromSequence) continue;
      if (lost !== null && event.type === EVENT_TYPE.snapshot) {
        yield { type: 'lost', lost: { ...lost, untilUs: event.atUs, resumedAt: event.sequence } };
        lost = null;
      }
      if (lost !== null) continue;
      knownUs = Math.max(knownUs, event.atUs);
      yield { type: 'event', event };
    }
  }
  if (lost !== null) yield { type: 'lost', lost };
}

/** The first snapshot behind an event, or null where none follows. @throws MalformedBytesError, StoreError */
export async function snapshotBehind(
  recording: Recording,
  chain: ChainId,
  sequence: number,
): Promise<RecordedEvent | null> {
  for await (const event of keptEvents(recording, chain, sequence + 1)) {
    if (event.type === EVENT_TYPE.snapshot) return event;
  }
  return null;
}
