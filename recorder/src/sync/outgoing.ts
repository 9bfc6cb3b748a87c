import { AUTHORITIES } from '@sigma/kernel';
import { checkFormat, decodeEnvelope, scanBlock } from '../block.ts';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { signalName } from '../payload/agent-events.ts';
import type { StoredBlock } from '../store.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { decodeGap, decodeStub, type Gap, isStub, stubCount } from './gap.ts';
import type { OutgoingBlock } from './sending/sending-chain.ts';

/**
 * What the sender must know of a block that it read from its own recording.
 *
 * @throws MalformedBytesError, NewerFormatError
 */
export function outgoingBlock({ firstSequence, hash, bytes }: StoredBlock): OutgoingBlock {
  if (isStub(bytes)) {
    const stub = decodeStub(bytes);
    const { previousHash, lastAtUs } = stub;
    return { firstSequence, hash, bytes, previousHash, count: stubCount(stub), lastAtUs, lastTimeUs: 0 };
  }
  const { previousHash, count, lastFrom, lastTo } = glance(bytes);
  const last = decodeEnvelope(bytes.subarray(lastFrom, lastTo));
  const lastTimeUs = Math.max(0, last.timeUs);
  return { firstSequence, hash, bytes, previousHash, count, lastAtUs: last.atUs, lastTimeUs };
}

/** Of a block the hash before it, the number of its events and where the last one stands; nothing of them is read. */
function glance(bytes: Uint8Array) {
  const reader = new WireReader(bytes);
  let previousHash: Uint8Array = new Uint8Array();
  let [count, lastFrom, lastTo] = [0, 0, 0];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x3a) {
      lastTo = reader.enter();
      lastFrom = reader.at;
      reader.passTo(lastTo);
      count++;
    } else if (tag === 0x08) checkFormat(reader.varint());
    else if (tag === 0x32) previousHash = reader.bytes();
    else reader.skip(tag);
  }
  if (count === 0) throw new MalformedBytesError('a block without events');
  return { previousHash, count, lastFrom, lastTo };
}

/** What a look at a new block finds. */
export interface Sighting {
  /** The last safety event (R125), or 0. */
  readonly safety: number;
  readonly gaps: readonly Gap[];
}

const NOTHING: Sighting = { safety: 0, gaps: [] };

/** @throws MalformedBytesError, NewerFormatError */
export function lookInto(bytes: Uint8Array): Sighting {
  if (isStub(bytes)) return NOTHING;
  const { from, to, sequences, epoch } = scanBlock(bytes);
  let safety = 0;
  const gaps: Gap[] = [];
  for (let i = 0; i < sequences.length; i++) {
    const event = decodeEnvelope(bytes.subarray(from[i], to[i]));
    if (event.type === EVENT_TYPE.gap) gaps.push(decodeGap(event.data, epoch));
    else if (isSafetyEvent(event)) safety = sequences[i] as number;
  }
  return { safety, gaps };
}

/** @throws MalformedBytesError */
export function isSafetyEvent({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): boolean {
  if (type === EVENT_TYPE.decision) return chosenAuthority(data) === SAFETY;
  return type === EVENT_TYPE.signal && signalName(data) === 'failsafe';
}

/** What a bounded recording gives up, the first of these first: `held` is what the hub has; `kept` never goes (R127). */
export type DropClass = 'held' | 'stimulus' | 'snapshot' | 'decision' | 'kept';

/**
 * Of a block the greatest class of its events: what it holds of safety, openings and gaps is kept.
 *
 * @throws MalformedBytesError, NewerFormatError
 */
export function dropClass(bytes: Uint8Array): Exclude<DropClass, 'held'> {
  if (isStub(bytes)) return 'kept';
  const { from, to } = scanBlock(bytes);
  let [snapshot, more] = [false, false];
  for (let i = 0; i < from.length; i++) {
    const event = decodeEnvelope(bytes.subarray(from[i], to[i]));
    if (KEPT.has(event.type) || isSafetyEvent(event)) return 'kept';
    if (event.type === EVENT_TYPE.snapshot) snapshot = true;
    else if (event.type !== EVENT_TYPE.stimulusSegment) more = true;
  }
  if (more) return 'decision';
  return snapshot ? 'snapshot' : 'stimulus';
}

const KEPT = new Set<string>([EVENT_TYPE.opening, EVENT_TYPE.gap]);
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
