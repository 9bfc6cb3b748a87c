import { pack, type TupleItem, unpack } from 'fdb-tuple';
import { behind, type FdbTransaction } from './transaction.ts';

/**
 * FoundationDB's directory layer, as its bindings write it (bindings/python/fdb/directory_impl.py; version 1.0.0 of the
 * format), so far as this store needs it: to open and to create. Whoever looks at the cluster with another binding finds
 * the same directories. Names lead to short prefixes, which stand before every key.
 */
const NODES = Buffer.from([0xfe]);
const LAYER = Buffer.from('layer');
const SUBDIRECTORIES = 0;
const FORMAT = [1, 0, 0] as const;

/** A whole number from 0 to below the bound. Brought from outside: the allocator needs chance to keep writers apart. */
export type Chance = (below: number) => number;

const nodeOf = (prefix: Buffer): Buffer => Buffer.concat([NODES, pack([prefix])]);
const within = (node: Buffer, ...names: TupleItem[]): Buffer => Buffer.concat([node, pack(names)]);
const ROOT = nodeOf(NODES);
const VERSION_KEY = within(ROOT, Buffer.from('version'));
const ALLOCATOR = within(ROOT, Buffer.from('hca'));

export class DirectoryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DirectoryError';
  }
}

/** @returns the prefix of the directory at that path, or null when there is none. @throws DirectoryError */
export async function openDirectory(tn: FdbTransaction, path: readonly string[]): Promise<Buffer | null> {
  await checkFormat(tn);
  let prefix: Buffer | null = null;
  let node = ROOT;
  for (const name of path) {
    prefix = (await tn.get(within(node, SUBDIRECTORIES, name))) ?? null;
    if (prefix === null) return null;
    node = nodeOf(prefix);
  }
  return prefix;
}

/** The same, made with all above it where it is missing. */
export async function createOrOpenDirectory(
  tn: FdbTransaction,
  path: readonly string[],
  chance: Chance,
): Promise<Buffer> {
  if ((await checkFormat(tn)) === 'new') tn.set(VERSION_KEY, formatBytes());
  let prefix: Buffer | undefined;
  let node = ROOT;
  for (const name of path) {
    const key = within(node, SUBDIRECTORIES, name);
    prefix = await tn.get(key);
    if (prefix === undefined) {
      prefix = await allocate(tn, chance);
      await checkFree(tn, prefix);
      tn.set(key, prefix);
      tn.set(within(nodeOf(prefix), LAYER), Buffer.alloc(0));
    }
    node = nodeOf(prefix);
  }
  if (prefix === undefined) throw new DirectoryError('The root directory cannot be opened');
  return prefix;
}

async function checkFormat(tn: FdbTransaction): Promise<'new' | 'known'> {
  const bytes = await tn.get(VERSION_KEY);
  if (bytes === undefined) return 'new';
  const [major, minor, micro] = [0, 4, 8].map((at) => bytes.readUInt32LE(at)) as [number, number, number];
  if (major !== FORMAT[0] || minor > FORMAT[1]) {
    throw new DirectoryError(`the directories of this cluster have format ${major}.${minor}.${micro}; 1.0.0 is known`);
  }
  return 'known';
}

function formatBytes(): Buffer {
  const bytes = Buffer.alloc(12);
  for (const [i, part] of FORMAT.entries()) bytes.writeUInt32LE(part, 4 * i);
  return bytes;
}

/** Whether nobody else stands under that prefix: another's keys, or a directory whose prefix somebody chose by hand. */
async function checkFree(tn: FdbTransaction, prefix: Buffer): Promise<void> {
  const taken = await tn.getRange(prefix, behind(prefix), { limit: 1 });
  if (taken.length > 0) throw new DirectoryError(`keys stand already under the prefix ${prefix.toString('hex')}`);
  const before = within(NODES, prefix, null);
  const [last] = await tn.getRange(NODES, before, { limit: 1, reverse: true, snapshot: true });
  const owner = last === undefined ? undefined : (unpack(last[0].subarray(NODES.length))[0] as Buffer);
  const inside = await tn.getRange(nodeOf(prefix), nodeOf(behind(prefix)), { limit: 1, snapshot: true });
  const covered = owner !== undefined && prefix.subarray(0, owner.length).equals(owner);
  if (covered || inside.length > 0) {
    throw new DirectoryError(`the prefix ${prefix.toString('hex')} was given to a directory by hand`);
  }
}

/** Larger windows for more contention; small ones at first, for short keys. */
const windowOf = (start: number): number => (start < 255 ? 64 : start < 65_535 ? 1024 : 8192);

/**
 * The high-contention allocator of the bindings: a window of numbers, a counter of how many of it are given, and a mark
 * for each that is. Writers pick by chance and meet only on the same number.
 */
async function allocate(tn: FdbTransaction, chance: Chance): Promise<Buffer> {
  const counters = within(ALLOCATOR, 0);
  const recent = within(ALLOCATOR, 1);
  const newest = async (): Promise<readonly [number, number]> => {
    const [last] = await tn.getRange(counters, behind(counters), { limit: 1, reverse: true, snapshot: true });
    if (last === undefined) return [0, 0];
    return [unpack(last[0].subarray(counters.length))[0] as number, Number(last[1].readBigInt64LE())];
  };
  for (;;) {
    let [start] = await newest();
    for (let advanced = false; ; advanced = true) {
      if (advanced) {
        tn.clearRange(counters, within(counters, start));
        tn.nextWriteNoConflict();
        tn.clearRange(recent, within(recent, start));
      }
      const counter = within(counters, start);
      tn.add(counter, littleEndian(1));
      const count = Number((await tn.get(counter, { snapshot: true }))?.readBigInt64LE() ?? 0n);
      if (count * 2 < windowOf(start)) break;
      start += windowOf(start);
    }
    for (;;) {
      const candidate = start + chance(windowOf(start));
      const mark = within(recent, candidate);
      const [latest] = await newest();
      const taken = await tn.get(mark);
      tn.nextWriteNoConflict();
      tn.set(mark, Buffer.alloc(0));
      if (latest > start) break;
      if (taken === undefined) {
        tn.addWriteConflictKey(mark);
        return pack([candidate]);
      }
    }
  }
}

function littleEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
