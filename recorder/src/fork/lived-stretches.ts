import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainId, EVENT_TYPE, type RecordedEvent } from '../event.ts';
import type { Recording } from '../store.ts';
import { isStub } from '../sync/gap.ts';
import { decisionNumber } from './decision-events.ts';
import type { KeptStretch } from './facts.ts';

/** A piece of a life from one snapshot to the next without a break, as it stands on record. */
export interface LivedStretch extends Omit<KeptStretch, 'bytes'> {
  /** The snapshot that it begins with; null for the beginning of the chain. */
  readonly state: RecordedEvent | null;
  /** Its stimuli as they were written, read as they are needed: few stretches are gone through more than once. */
  readonly segments: readonly Uint8Array[];
  /** Decisions put on record in it, by the kernel's count, with their events. */
  readonly decisions: readonly (readonly [number, number])[];
  /** Agent time of the last event in it that tells of no stimuli; -1 where there is none. */
  readonly saidUs: number;
}

type Begun = Pick<LivedStretch, 'snapshot' | 'state' | 'fromHash'> & {
  readonly segments: Uint8Array[];
  readonly decisions: [number, number][];
  saidUs: number;
};

/**
 * A chain from one snapshot to another, stretch by stretch. What lies around dropped events (R127), from the snapshot
 * before them to the one behind, is left out, and so is what lies behind the last snapshot.
 *
 * @param from sequence of the snapshot to begin at, 0 for the beginning of the chain
 * @param to last event that is looked at, inclusive
 * @throws MalformedBytesError, StoreError
 */
export async function* livedStretches(
  recording: Recording,
  chain: ChainId,
  from: number,
  to: number,
): AsyncIterable<LivedStretch> {
  let begun: Begun | null = from === 0 ? begin(0, null, new Uint8Array()) : null;
  for await (const { bytes, hash } of recording.blocks(chain, Math.max(1, from), to)) {
    if (isStub(bytes)) {
      begun = null;
      continue;
    }
    const { events, firstSequence } = decodeBlock(bytes);
    const blockEnd = firstSequence + events.length - 1;
    for (const envelope of events) {
      const event = decodeEnvelope(envelope);
      const { sequence } = event;
      if (sequence < from) continue;
      if (sequence > to) return;
      if (event.type === EVENT_TYPE.snapshot) {
        if (begun !== null) yield { ...begun, end: sequence, untilUs: event.atUs, blockEnd, blockHash: hash };
        begun = begin(sequence, event, hash);
      } else if (begun === null) continue;
      else if (event.type === EVENT_TYPE.stimulusSegment) begun.segments.push(event.data);
      else {
        begun.saidUs = event.atUs;
        if (event.type === EVENT_TYPE.decision) begun.decisions.push([decisionNumber(event.data), sequence]);
      }
    }
  }
}

const begin = (snapshot: number, state: RecordedEvent | null, fromHash: Uint8Array): Begun => ({
  ...{ snapshot, state, fromHash },
  ...{ segments: [], decisions: [], saidUs: -1 },
});
