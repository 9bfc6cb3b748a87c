import { decodeBlock, decodeEnvelope } from './block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, type RecordedEvent } from './event.ts';
import { decodeOpening, type Opening } from './payload/opening.ts';
import { decodeSnapshot, type Snapshot } from './payload/snapshot.ts';
import { decodeSegment } from './payload/stimulus-segment.ts';
import { CannotReexecuteError, type Execution, type Reexecutors } from './reexecutor.ts';
import type { Recording } from './store.ts';

/** The moment to materialise: agent time in microseconds, or an event, meaning the agent time it happened at. */
export type Moment = number | { readonly chain: ChainId; readonly sequence: number };

/** One source as it was at a moment. */
export interface Materialised {
  readonly chain: ChainId;
  readonly opening: Opening;
  /** State in the bytes of a snapshot (canonical JSON, `decodeState` reads it); null when the source has no model here and left no snapshot. */
  readonly state: Uint8Array | null;
  /** Agent time of the last wake that `state` includes. */
  readonly wokeUs: number;
  /** Inputs folded into `state`. */
  readonly inputSequence: number;
  /** True when every wake up to the moment is in `state`; false when it is only the last snapshot. */
  readonly exact: boolean;
}

/** The recording holds no such event. */
export class NoSuchEventError extends Error {
  readonly chain: ChainId;
  readonly sequence: number;

  constructor(chain: ChainId, sequence: number) {
    super(`${chain.tenant}/${chain.source} epoch ${chain.epoch} has no event ${sequence}`);
    this.name = 'NoSuchEventError';
    this.chain = chain;
    this.sequence = sequence;
  }
}

/**
 * The whole site at one moment: for each source its last snapshot before it, then the kernel run on from there over
 * the recorded inputs, wakes at that very microsecond included. Of a source with several epochs, the last that had
 * begun. Sources that had not begun are left out.
 *
 * @throws NoSuchEventError, MalformedBytesError, StoreError. Does not verify: `verify` does.
 */
export async function replayAt(
  recording: Recording,
  moment: Moment,
  reexecutors: Reexecutors,
): Promise<readonly Materialised[]> {
  const atUs = typeof moment === 'number' ? moment : await momentOf(recording, moment.chain, moment.sequence);
  const latest = new Map<string, { readonly head: ChainHead; readonly opening: Opening }>();
  for (const head of await recording.heads()) {
    const opening = await openingOf(recording, head);
    if (opening.atUs <= atUs) latest.set(`${head.tenant}\0${head.source}`, { head, opening });
  }
  const sources: Materialised[] = [];
  for (const { head, opening } of latest.values()) {
    sources.push(await materialise(recording, head, opening, atUs, reexecutors));
  }
  return sources;
}

/** Events of a chain, both ends inclusive. @throws MalformedBytesError, StoreError */
export async function* eventsOf(
  recording: Recording,
  chain: ChainId,
  fromSequence = 1,
  toSequence = Number.MAX_SAFE_INTEGER,
): AsyncIterable<RecordedEvent> {
  for await (const { bytes } of recording.blocks(chain, fromSequence, toSequence)) {
    for (const envelope of decodeBlock(bytes).events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence >= fromSequence && event.sequence <= toSequence) yield event;
    }
  }
}

async function openingOf(recording: Recording, chain: ChainId): Promise<Opening> {
  for await (const event of eventsOf(recording, chain, 1, 1)) return decodeOpening(event);
  throw new NoSuchEventError(chain, 1);
}

async function momentOf(recording: Recording, chain: ChainId, sequence: number): Promise<number> {
  for await (const event of eventsOf(recording, chain, sequence, sequence)) return event.atUs;
  throw new NoSuchEventError(chain, sequence);
}

async function materialise(
  recording: Recording,
  head: ChainHead,
  opening: Opening,
  atUs: number,
  reexecutors: Reexecutors,
): Promise<Materialised> {
  const { tenant, source, epoch } = head;
  const chain = { tenant, source, epoch };
  const place = await recording.snapshotBefore(chain, atUs);
  let snapshot: Snapshot | undefined;
  if (place !== null) {
    for await (const event of eventsOf(recording, chain, place.sequence, place.sequence))
      snapshot = decodeSnapshot(event);
  }
  const start = { wokeUs: snapshot?.atUs ?? opening.atUs, inputSequence: snapshot?.inputSequence ?? 0 };
  const execution = begin(reexecutors, opening, snapshot);
  if (execution === null) return { chain, opening, ...start, state: snapshot?.state ?? null, exact: false };
  const end = await runUntil(recording, chain, (place?.sequence ?? 1) + 1, atUs, execution, start);
  return { chain, opening, ...end, state: execution.state(), exact: true };
}

function begin(reexecutors: Reexecutors, opening: Opening, snapshot: Snapshot | undefined): Execution | null {
  if (!Object.hasOwn(reexecutors, opening.model)) return null;
  try {
    return reexecutors[opening.model]?.(opening).open(opening, snapshot) ?? null;
  } catch (error) {
    if (error instanceof CannotReexecuteError) return null;
    throw error;
  }
}

async function runUntil(
  recording: Recording,
  chain: ChainId,
  fromSequence: number,
  atUs: number,
  execution: Execution,
  start: Pick<Materialised, 'wokeUs' | 'inputSequence'>,
): Promise<Pick<Materialised, 'wokeUs' | 'inputSequence'>> {
  let { wokeUs, inputSequence } = start;
  for await (const event of eventsOf(recording, chain, fromSequence)) {
    if (event.atUs > atUs) break;
    if (event.type !== EVENT_TYPE.stimulusSegment) continue;
    for (const wake of decodeSegment(event.data).wakes) {
      if (wake.atUs > atUs) return { wokeUs, inputSequence };
      execution.wake(wake.atUs, wake.inbox);
      wokeUs = wake.atUs;
      inputSequence += wake.inbox.length;
    }
  }
  return { wokeUs, inputSequence };
}
