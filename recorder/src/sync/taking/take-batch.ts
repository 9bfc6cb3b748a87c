import { decodeBlock, decodeEnvelope } from '../../block.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { chainName, EVENT_TYPE, type Sha256, sameBytes } from '../../event.ts';
import { decodeOpening } from '../../payload/opening.ts';
import { readSealedBlock } from '../../sealed-block.ts';
import { MalformedBytesError } from '../../wire/wire-reader.ts';
import { isStub } from '../gap.ts';
import { blocksAt, type Packing, type UnpackedBlocks, unpackBlocks } from '../packed-blocks.ts';
import type { BlockBatch, SyncRefusal } from '../sync-words.ts';
import { type ScannedPack, scanPack } from './pack-scan.ts';
import { blocksIn, columnsOf, NUMBERS, PLACES, type SealedPack } from './sealed-pack.ts';

/** What a link may bring: who is on its other end. */
export interface BatchDoor {
  readonly tenant: string;
  /** Writers that the edge said hello for. */
  readonly sources: ReadonlySet<string>;
}

export type TakenBatch =
  | TakenBlocks
  /** It came packed, and can stay so. */
  | { readonly pack: SealedPack }
  | Refused;

interface TakenBlocks {
  readonly blocks: readonly SealedBlock[];
}

interface Refused {
  readonly refusal: SyncRefusal;
  readonly message: string;
}

/**
 * Judges a batch by itself (R120): whether every byte of it is what it claims to be. Where it goes in the recording is
 * for the store to say. Trusts nothing of it; hashes each block once, and those of a pack that wants a closer look twice.
 */
export function takeBatch(batch: BlockBatch, door: BatchDoor, sha256: Sha256, packing?: Packing): TakenBatch {
  const { tenant, source } = batch;
  if (tenant !== door.tenant) {
    return refused('tenant', `the batch is of tenant '${short(tenant)}'; this link is of '${door.tenant}'`);
  }
  if (!door.sources.has(source)) {
    return refused('stranger', `'${short(source)}' is no source that this edge said hello for`);
  }
  if (batch.packed === undefined) return takeBlocks(batch, batch.blocks, sha256);
  const unpacked = unpackedOf(batch, packing);
  if (unpacked instanceof Error) return refused('damaged', unpacked.message);
  return takePack(batch, batch.packed.bytes, unpacked, sha256);
}

function takeBlocks(batch: BlockBatch, contents: readonly Uint8Array[], sha256: Sha256): TakenBlocks | Refused {
  const { tenant, source, epoch } = batch;
  if (contents.length === 0) return refused('damaged', 'the batch holds no block');
  const blocks: SealedBlock[] = [];
  let previousHash = batch.previousHash;
  let next = batch.firstSequence;
  for (const bytes of contents) {
    const block = readSealedBlock(bytes, sha256);
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
  if (batch.firstSequence === 1 && isFork(contents[0] as Uint8Array)) {
    return refused('stranger', `${short(chainName(batch))} is a fork: what might have been, and not what was lived`);
  }
  if (isStub(contents.at(-1) ?? EMPTY)) return refused('damaged', 'the batch ends with a stub');
  if (!sameBytes(previousHash, batch.hash)) {
    return refused('damaged', `the batch ends at sequence ${next - 1} in another block than it says`);
  }
  return { blocks };
}

/** As one where it is as this program packs it; else block by block. The beginning of a chain is never kept packed (R195). */
function takePack(batch: BlockBatch, bytes: Uint8Array, unpacked: UnpackedBlocks, sha256: Sha256): TakenBatch {
  const { content, places } = unpacked;
  const blocks = places.length / PLACES;
  const mayStay = batch.firstSequence > 1 && blocks > 1;
  const scanned = mayStay ? scanPack(batch, content, places, sha256) : null;
  if (scanned !== null) return { pack: sealedPack(batch, bytes, scanned) };
  const taken = takeBlocks(batch, blocksAt(unpacked), sha256);
  if (!mayStay || 'refusal' in taken) return taken;
  const standsFor = taken.blocks.reduce((sum, block) => sum + blocksIn(block.bytes), 0);
  return { pack: sealedPack(batch, bytes, { ...columnsOf(taken.blocks), standsFor, hash: batch.hash.slice() }) };
}

function sealedPack(
  { tenant, source, epoch, firstSequence, previousHash }: BlockBatch,
  bytes: Uint8Array,
  scanned: ScannedPack,
): SealedPack {
  const { places, numbers } = scanned;
  const blocks = places.length / PLACES;
  const last = NUMBERS * (blocks - 1);
  return {
    ...scanned,
    ...{ tenant, source, epoch, bytes, blocks, firstSequence, previousHash },
    count: (numbers[last] as number) + (numbers[last + 1] as number) - firstSequence,
    firstAtUs: numbers[2] as number,
    lastAtUs: numbers[last + 3] as number,
  };
}

/** What a pack unpacks to, or what is wrong with it. */
function unpackedOf({ blocks, packed }: BlockBatch, packing: Packing | undefined): UnpackedBlocks | Error {
  if (packed === undefined || packing === undefined || blocks.length > 0) {
    return new MalformedBytesError('a pack was not asked for');
  }
  try {
    return unpackBlocks(packed, packing);
  } catch (error) {
    if (error instanceof MalformedBytesError) return error;
    throw error;
  }
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
const refused = (refusal: SyncRefusal, message: string): Refused => ({ refusal, message });
const short = (text: string): string => text.slice(0, 63);
