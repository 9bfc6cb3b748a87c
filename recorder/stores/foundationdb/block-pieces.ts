import type { SealedBlock } from '../../src/chain-writer.ts';
import type { StoredBlock } from '../../src/store.ts';
import type { StoredTail } from '../tail-check.ts';
import * as keys from './keys.ts';
import { FDB_LIMITS, type FdbTransaction } from './transaction.ts';

/** A block in pieces that are no longer than a value may be, and where its snapshots stand. */
export function writeBlock(tn: FdbTransaction, source: Buffer, block: SealedBlock): void {
  const { epoch, firstSequence, count, hash, bytes, snapshots } = block;
  tn.set(keys.blockKey(source, epoch, firstSequence), keys.blockValue({ count, hash, length: bytes.length }));
  for (let n = 0; n * FDB_LIMITS.value < bytes.length; n++) {
    const chunk = bytes.subarray(n * FDB_LIMITS.value, (n + 1) * FDB_LIMITS.value);
    tn.set(keys.chunkKey(source, epoch, firstSequence, n), Buffer.from(chunk));
  }
  for (const { atUs, sequence } of snapshots) {
    tn.set(keys.snapshotKey(source, epoch, atUs, sequence), keys.numberValue(firstSequence));
  }
}

/** First sequence of the block that holds an event, or the least that a block behind it can have. */
export async function holderOf(tn: FdbTransaction, source: Buffer, epoch: number, sequence: number): Promise<number> {
  const [begin, end] = keys.blockRange(source, epoch, 0, sequence);
  const [last] = await tn.getRange(begin, end, { limit: 1, reverse: true });
  if (last === undefined) return sequence;
  const first = keys.firstOfBlockKey(source, last[0]);
  return first + keys.readBlockValue(last[1]).count > sequence ? first : sequence;
}

/** Blocks whose first sequence is in the range, with their bytes put together. */
export async function readBlocks(
  tn: FdbTransaction,
  source: Buffer,
  epoch: number,
  from: number,
  to: number,
  limit: number,
): Promise<readonly StoredBlock[]> {
  if (to < from) return [];
  const entries = await tn.getRange(...keys.blockRange(source, epoch, from, to), { limit });
  const last = entries[entries.length - 1];
  if (last === undefined) return [];
  const chunks = new Map<number, Buffer[]>();
  const range = keys.chunkRange(source, epoch, from, keys.firstOfBlockKey(source, last[0]));
  for (const [key, bytes] of await tn.getRange(...range)) {
    const first = keys.firstOfBlockKey(source, key);
    chunks.set(first, [...(chunks.get(first) ?? []), bytes]);
  }
  return entries.map(([key, value]) => {
    const firstSequence = keys.firstOfBlockKey(source, key);
    const { hash } = keys.readBlockValue(value);
    return { firstSequence, hash, bytes: new Uint8Array(Buffer.concat(chunks.get(firstSequence) ?? [])) };
  });
}

/** The last block of a chain, to check it by; null when it is not there. */
export async function readTail(tn: FdbTransaction, source: Buffer, epoch: number): Promise<StoredTail | null> {
  const [begin, end] = keys.blockRange(source, epoch, 0, Number.MAX_SAFE_INTEGER);
  const [last, before] = await tn.getRange(begin, end, { limit: 2, reverse: true });
  if (last === undefined) return null;
  const first = keys.firstOfBlockKey(source, last[0]);
  const [block] = await readBlocks(tn, source, epoch, first, first, 1);
  if (block === undefined) return null;
  return { last: block, hashBefore: before === undefined ? null : keys.readBlockValue(before[1]).hash };
}
