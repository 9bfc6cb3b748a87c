import { decodeBlock, decodeEnvelope, NewerFormatError, scanBlock } from '../block.ts';
import type { SealedBlock, SnapshotMark } from '../chain-writer.ts';
import { chainName, EVENT_TYPE, type Sha256, sameBytes } from '../event.ts';
import { decodeOpening } from '../payload/opening.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { decodeStub, isStub, sealStub } from './gap.ts';
import type { BlockBatch, SyncRefusal } from './sync-words.ts';

/** What a link may bring: who is on its other end. */
export interface BatchDoor {
  readonly tenant: string;
  /** Writers that the edge said hello for. */
  readonly sources: ReadonlySet<string>;
}

export type TakenBatch =
  | { readonly blocks: readonly SealedBlock[] }
  | { readonly refusal: SyncRefusal; readonly message: string };

/**
 * Judges a batch by itself (R120): whether every byte of it is what it claims to be. Where it goes in the recording is
 * for the store to say. Trusts nothing of it; hashes each block once.
 */
export function takeBatch(batch: BlockBatch, door: BatchDoor, sha256: Sha256): TakenBatch {
  const { tenant, source, epoch } = batch;
  if (tenant !== door.tenant) {
    return refused('tenant', `the batch is of tenant '${short(tenant)}'; this link is of '${door.tenant}'`);
  }
  if (!door.sources.has(source)) {
    return refused('stranger', `'${short(source)}' is no source that this edge said hello for`);
  }
  if (batch.blocks.length === 0) return refused('damaged', 'the batch holds no block');
  const blocks: SealedBlock[] = [];
  let previousHash = batch.previousHash;
  let next = batch.firstSequence;
  for (const bytes of batch.blocks) {
    const block = readBlock(bytes, sha256);
    if (block instanceof Error) return refused('damaged', `the block at sequence ${next}: ${block.message}`);
    if (block.tenant !== tenant) {
      return refused('tenant', `the block at sequence ${next} is of tenant '${short(block.tenant)}'`);
    }
    if (block.source !== source || block.epoch !== epoch) {
      return refused('damaged', `the block at sequence ${next} is of ${short(chainName(block))}`);
    }
    if (block.firstSequence !== next) {
      return refused('damaged', `a block that begins with event ${block.firstSequence} stands where ${next} belongs`);
    }
    if (!sameBytes(block.previousHash, previousHash)) {
      return refused('damaged', `the block at sequence ${next} does not carry the hash of the one before it`);
    }
    blocks.push(block);
    previousHash = block.hash;
    next += block.count;
  }
  if (batch.firstSequence === 1 && isFork(batch.blocks[0] as Uint8Array)) {
    return refused('stranger', `${short(chainName(batch))} is a fork: what might have been, and not what was lived`);
  }
  if (isStub(batch.blocks.at(-1) ?? EMPTY)) return refused('damaged', 'the batch ends with a stub');
  if (!sameBytes(previousHash, batch.hash)) {
    return refused('damaged', `the batch ends at sequence ${next - 1} in another block than it says`);
  }
  return { blocks };
}

/** Whether a chain that begins so is a fork's (R110). One whose opening cannot be read is for `verify` to judge. */
function isFork(first: Uint8Array): boolean {
  try {
    const [envelope] = decodeBlock(first).events;
    if (envelope === undefined) return false;
    const event = decodeEnvelope(envelope);
    return event.type === EVENT_TYPE.opening && decodeOpening(event).lineage !== undefined;
  } catch (error) {
    if (error instanceof MalformedBytesError) return false;
    throw error;
  }
}

const EMPTY = new Uint8Array();
const refused = (refusal: SyncRefusal, message: string): TakenBatch => ({ refusal, message });
const short = (text: string): string => text.slice(0, 63);

/** A block as a store takes it, from its bytes alone; an error of what is wrong with them. */
function readBlock(bytes: Uint8Array, sha256: Sha256): SealedBlock | Error {
  try {
    return isStub(bytes) ? sealStub(decodeStub(bytes)) : sealedBlock(bytes, sha256(bytes));
  } catch (error) {
    if (error instanceof MalformedBytesError || error instanceof NewerFormatError) return error;
    throw error;
  }
}

/**
 * What a store must know of a block, read from its bytes.
 *
 * @param hash of these bytes
 * @throws MalformedBytesError, NewerFormatError
 */
function sealedBlock(bytes: Uint8Array, hash: Uint8Array): SealedBlock {
  const { tenant, source, epoch, firstSequence, previousHash, from, to, sequences, atUs } = scanBlock(bytes);
  if (previousHash.length !== 32) throw new MalformedBytesError('a block that carries no hash of the one before it');
  let lastUs = 0;
  let snapshots: SnapshotMark[] | null = null;
  for (let i = 0; i < sequences.length; i++) {
    const time = atUs[i] as number;
    if (sequences[i] !== firstSequence + i) throw new MalformedBytesError('its events are not in order');
    if (time < lastUs) throw new MalformedBytesError('its events go back in time');
    lastUs = time;
    if (!isOfType(bytes, from[i] as number, to[i] as number, SNAPSHOT)) continue;
    snapshots ??= [];
    snapshots.push({ sequence: firstSequence + i, atUs: time });
  }
  return {
    tenant,
    source,
    epoch,
    bytes,
    hash,
    previousHash,
    firstSequence,
    count: sequences.length,
    firstAtUs: atUs[0] as number,
    lastAtUs: lastUs,
    snapshots: snapshots ?? [],
  };
}

const SNAPSHOT = new TextEncoder().encode(EVENT_TYPE.snapshot);

/** Whether the envelope between these places bears that type; reads no further than the type. */
function isOfType(bytes: Uint8Array, from: number, to: number, type: Uint8Array): boolean {
  const reader = new WireReader(bytes, from, to);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x12) return reader.passBytes(type);
    if ((tag & 7) === 0) reader.passVarint();
    else reader.skip(tag);
  }
  return false;
}
