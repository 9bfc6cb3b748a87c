import { NewerFormatError, scanBlock } from './block.ts';
import type { SealedBlock, SnapshotMark } from './chain-writer.ts';
import { EVENT_TYPE, type Sha256 } from './event.ts';
import { decodeStub, isStub, sealStub } from './sync/gap.ts';
import { MalformedBytesError, WireReader } from './wire/wire-reader.ts';

/** A block as a store takes it, from its bytes alone; an error of what is wrong with them. */
export function readSealedBlock(bytes: Uint8Array, sha256: Sha256): SealedBlock | Error {
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
