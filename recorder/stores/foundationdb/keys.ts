import { pack, type TupleItem, unpack } from 'fdb-tuple';
import type { ChainHead, ChainId } from '../../src/event.ts';
import type { StoreVersion } from '../../src/store.ts';
import { behind } from './transaction.ts';

/**
 * Where everything stands. Under the directory of a tenant:
 *
 * - `('h', source, epoch)` → sequence, hash, time, blocks: the end of a chain
 * - `('v', versionstamp)` → source, epoch, first sequence: the blocks in the order in which they were committed
 * - `('n')` → versionstamp: the newest of those, to be watched
 *
 * and under the directory of each of its sources:
 *
 * - `('b', epoch, first sequence)` → count, hash, bytes: a block, without its bytes
 * - `('c', epoch, first sequence, n)` → its bytes in pieces, from 0
 * - `('s', epoch, time, sequence)` → first sequence of the block: a snapshot
 *
 * Keys and values are tuples (https://github.com/apple/foundationdb/blob/main/design/tuple.md), which sort as what they
 * hold. A versionstamp has 10 bytes from the cluster and 2 from us, which order the blocks of one commit.
 */
const HEAD = 'h';
const VERSION = 'v';
const NEWEST = 'n';
const BLOCK = 'b';
const CHUNK = 'c';
const SNAPSHOT = 's';

const VERSIONSTAMP_CODE = Buffer.from([0x33]);
const STAMP_BYTES = 12;

const under = (prefix: Buffer, ...items: TupleItem[]): Buffer => Buffer.concat([prefix, pack(items)]);
type Range = readonly [begin: Buffer, end: Buffer];
const all = (prefix: Buffer): Range => [prefix, behind(prefix)];

export const headKey = (tenant: Buffer, source: string, epoch: number): Buffer => under(tenant, HEAD, source, epoch);
export const headRange = (tenant: Buffer): Range => all(under(tenant, HEAD));
export const newestKey = (tenant: Buffer): Buffer => under(tenant, NEWEST);
/** What stands before the versionstamp in the key of a version. */
export const versionPrefix = (tenant: Buffer): Buffer => Buffer.concat([under(tenant, VERSION), VERSIONSTAMP_CODE]);
export const versionsAfter = (tenant: Buffer, after: StoreVersion): Range => {
  const prefix = versionPrefix(tenant);
  if (after === '') return all(prefix);
  return [Buffer.concat([prefix, Buffer.from(after, 'hex'), Buffer.alloc(1)]), behind(prefix)];
};
/** What follows the versionstamp of a commit for its n-th block. */
export const orderBytes = (n: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(n);
  return bytes;
};
export const versionOfKey = (key: Buffer): StoreVersion => key.subarray(key.length - STAMP_BYTES).toString('hex');

export const blockKey = (source: Buffer, epoch: number, first: number): Buffer => under(source, BLOCK, epoch, first);
/** Blocks of an epoch whose first sequence is from `from` to `to`, both inclusive. */
export const blockRange = (source: Buffer, epoch: number, from: number, to: number): Range => [
  blockKey(source, epoch, from),
  behind(blockKey(source, epoch, to)),
];
/** Also of the key of a chunk. */
export const firstOfBlockKey = (source: Buffer, key: Buffer): number =>
  unpack(key.subarray(source.length))[2] as number;
export const chunkKey = (source: Buffer, epoch: number, first: number, n: number): Buffer =>
  under(source, CHUNK, epoch, first, n);
export const chunkRange = (source: Buffer, epoch: number, from: number, to: number): Range => [
  under(source, CHUNK, epoch, from),
  behind(under(source, CHUNK, epoch, to)),
];
export const snapshotKey = (source: Buffer, epoch: number, atUs: number, sequence: number): Buffer =>
  under(source, SNAPSHOT, epoch, atUs, sequence);
/** Snapshots of an epoch at or before a moment. */
export const snapshotsUpTo = (source: Buffer, epoch: number, atUs: number): Range => [
  under(source, SNAPSHOT, epoch),
  behind(under(source, SNAPSHOT, epoch, atUs)),
];
export const placeOfSnapshotKey = (
  source: Buffer,
  key: Buffer,
): { readonly atUs: number; readonly sequence: number } => {
  const [, , atUs, sequence] = unpack(key.subarray(source.length));
  return { atUs: atUs as number, sequence: sequence as number };
};

export const headValue = ({ sequence, hash, atUs, blocks }: ChainHead): Buffer =>
  pack([sequence, Buffer.from(hash), atUs, blocks]);
export function readHeadValue(chain: ChainId, value: Buffer): ChainHead {
  const [sequence, hash, atUs, blocks] = unpack(value) as [number, Buffer, number, number];
  const { tenant, source, epoch } = chain;
  return { tenant, source, epoch, sequence, hash: new Uint8Array(hash), atUs, blocks };
}
export function readHeadKey(tenant: Buffer, key: Buffer): { readonly source: string; readonly epoch: number } {
  const [, source, epoch] = unpack(key.subarray(tenant.length));
  return { source: source as string, epoch: epoch as number };
}

/** A block without its bytes. */
export interface BlockEntry {
  readonly count: number;
  readonly hash: Uint8Array;
  readonly length: number;
}
export const blockValue = ({ count, hash, length }: BlockEntry): Buffer => pack([count, Buffer.from(hash), length]);
export function readBlockValue(value: Buffer): BlockEntry {
  const [count, hash, length] = unpack(value) as [number, Buffer, number];
  return { count, hash: new Uint8Array(hash), length };
}

export const versionValue = (source: string, epoch: number, first: number): Buffer => pack([source, epoch, first]);
export function readVersionValue(value: Buffer): { source: string; epoch: number; first: number } {
  const [source, epoch, first] = unpack(value) as [string, number, number];
  return { source, epoch, first };
}
export const numberValue = (n: number): Buffer => pack([n]);
export const readNumberValue = (value: Buffer): number => unpack(value)[0] as number;
