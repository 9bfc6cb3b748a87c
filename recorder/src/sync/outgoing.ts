import { AUTHORITIES } from '@sigma/kernel';
import { decodeEnvelope, scanBlock } from '../block.ts';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { signalName } from '../payload/agent-events.ts';
import type { StoredBlock } from '../store.ts';
import { WireReader } from '../wire/wire-reader.ts';
import { decodeStub, isStub, stubCount } from './gap.ts';
import type { OutgoingBlock } from './sync-sender.ts';

/**
 * What the sender must know of a block that it read from its own recording.
 *
 * @throws MalformedBytesError, NewerFormatError
 */
export function outgoingBlock({ firstSequence, hash, bytes }: StoredBlock): OutgoingBlock {
  if (isStub(bytes)) {
    const stub = decodeStub(bytes);
    return { firstSequence, hash, bytes, previousHash: stub.previousHash, count: stubCount(stub), lastTimeUs: 0 };
  }
  const { previousHash, sequences, from, to } = scanBlock(bytes);
  const last = decodeEnvelope(bytes.subarray(from.at(-1), to.at(-1)));
  return { firstSequence, hash, bytes, previousHash, count: sequences.length, lastTimeUs: Math.max(0, last.timeUs) };
}

/**
 * The last safety event of a block (R125), or 0.
 *
 * @throws MalformedBytesError, NewerFormatError
 */
export function lastSafetyEvent(bytes: Uint8Array): number {
  if (isStub(bytes)) return 0;
  const { from, to, sequences } = scanBlock(bytes);
  for (let i = sequences.length - 1; i >= 0; i--) {
    if (isSafetyEvent(decodeEnvelope(bytes.subarray(from[i], to[i])))) return sequences[i] as number;
  }
  return 0;
}

/** @throws MalformedBytesError */
export function isSafetyEvent({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): boolean {
  if (type === EVENT_TYPE.decision) return chosenAuthority(data) === SAFETY;
  return type === EVENT_TYPE.signal && signalName(data) === 'failsafe';
}

/** What a bounded recording gives up, the first of these first; `kept` never (R127). */
export type DropClass = 'stimulus' | 'decision' | 'kept';

/**
 * Of a block the greatest class of its events: what it holds of safety, openings, snapshots and gaps is kept.
 *
 * @throws MalformedBytesError, NewerFormatError
 */
export function dropClass(bytes: Uint8Array): DropClass {
  if (isStub(bytes)) return 'kept';
  const { from, to } = scanBlock(bytes);
  let found: DropClass = 'stimulus';
  for (let i = 0; i < from.length; i++) {
    const event = decodeEnvelope(bytes.subarray(from[i], to[i]));
    if (KEPT.has(event.type) || isSafetyEvent(event)) return 'kept';
    if (event.type !== EVENT_TYPE.stimulusSegment) found = 'decision';
  }
  return found;
}

const KEPT = new Set<string>([EVENT_TYPE.opening, EVENT_TYPE.snapshot, EVENT_TYPE.gap]);
const SAFETY = AUTHORITIES.indexOf('safety') + 1;

/** Of a sigma.v1.Decision, without decoding the rest; 0 where nobody proposed anything. */
function chosenAuthority(decision: Uint8Array): number {
  const reader = new WireReader(decision);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag !== 0x1a) {
      reader.skip(tag);
      continue;
    }
    const proposal = reader.part();
    while (!proposal.done) {
      const field = proposal.varint();
      if (field === 0x10) return proposal.varint();
      proposal.skip(field);
    }
  }
  return 0;
}
