import { type Sha256, sameBytes } from '../event.ts';
import { HASH_BYTES, nodeHasher, peakHeights } from './merkle.ts';

/** Gives the root of a complete subtree: the index-th of 2^height leaves. */
export type NodeAt = (height: number, index: number) => Promise<Uint8Array>;

/** Leaves `from` (inclusive) to `to` (exclusive), counted from 0. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Largest power of two below n, n at least 2. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

/**
 * Root over a range that begins at a multiple of its largest complete subtree, as every range of a proof does.
 *
 * @throws what `node` throws
 */
async function rangeRoot({ from, to }: Range, node: NodeAt, sha256: Sha256): Promise<Uint8Array> {
  const join = nodeHasher(sha256);
  const parts: Uint8Array[] = [];
  let at = from;
  for (const height of peakHeights(to - from)) {
    const leaves = 2 ** height;
    parts.push(await node(height, at / leaves));
    at += leaves;
  }
  return parts.reduceRight((right, left) => join(left, right));
}

/** Root of the tree of the first `size` leaves, at least 1. */
export const treeRoot = (size: number, node: NodeAt, sha256: Sha256): Promise<Uint8Array> =>
  rangeRoot({ from: 0, to: size }, node, sha256);

function bounded(what: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${what} ${value} is not between ${least} and ${most}`);
  }
}

/**
 * The audit path of one leaf (RFC 9162, section 2.1.3.1), from the leaf's sibling to the root's child.
 *
 * @param index leaf, 0 to size - 1
 * @param size leaves of the tree
 * @throws RangeError, or what `node` throws
 */
export async function inclusionProof(
  index: number,
  size: number,
  node: NodeAt,
  sha256: Sha256,
): Promise<readonly Uint8Array[]> {
  bounded('Tree size', size, 1, Number.MAX_SAFE_INTEGER);
  bounded('Leaf', index, 0, size - 1);
  const siblings: Range[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const split = from + splitOf(to - from);
    if (index < split) {
      siblings.unshift({ from: split, to });
      to = split;
    } else {
      siblings.unshift({ from, to: split });
      from = split;
    }
  }
  return Promise.all(siblings.map((range) => rangeRoot(range, node, sha256)));
}

/**
 * What proves that the tree of `first` leaves is the beginning of the tree of `second` (RFC 9162, section 2.1.4.1).
 *
 * @param first 0 to `second`; the proof from 0, and from a tree to itself, is empty
 * @throws RangeError, or what `node` throws
 */
export async function consistencyProof(
  first: number,
  second: number,
  node: NodeAt,
  sha256: Sha256,
): Promise<readonly Uint8Array[]> {
  bounded('Tree size', second, 0, Number.MAX_SAFE_INTEGER);
  bounded('Earlier tree size', first, 0, second);
  if (first === 0 || first === second) return [];
  const parts: Range[] = [];
  let from = 0;
  let to = second;
  while (first !== to) {
    const split = from + splitOf(to - from);
    if (first <= split) {
      parts.unshift({ from: split, to });
      to = split;
    } else {
      parts.unshift({ from, to: split });
      from = split;
    }
  }
  // The verifier has the first tree's root already when that tree is one complete subtree.
  if (from > 0) parts.unshift({ from, to });
  return Promise.all(parts.map((range) => rangeRoot(range, node, sha256)));
}

/** One tree head: a size, and the root over that many leaves. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether `leaf` (its hash) stands at `index` of the tree (RFC 9162, section 2.1.3.2). Never throws. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  { size, root }: TreeHead,
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  const proved = inclusionRoot(leaf, index, size, proof, sha256);
  return proved !== null && sameBytes(proved, root);
}

/** The root of the one tree in which this path is a proof for this leaf; null when it is a proof in none. Never throws. */
export function inclusionRoot(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  sha256: Sha256,
): Uint8Array | null {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  const join = nodeHasher(sha256);
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0 || sibling.length !== HASH_BYTES) return null;
    if (node % 2 === 1 || node === last) {
      hash = join(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else hash = join(hash, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}

/** Whether the first tree is the beginning of the second (RFC 9162, section 2.1.4.2). Never throws. */
export function verifyConsistency(
  first: TreeHead,
  second: TreeHead,
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  if (!Number.isSafeInteger(first.size) || !Number.isSafeInteger(second.size)) return false;
  if (first.size < 0 || first.size > second.size) return false;
  if (first.size === second.size) return proof.length === 0 && sameBytes(first.root, second.root);
  if (first.size === 0) return proof.length === 0 && sameBytes(first.root, sha256(new Uint8Array()));
  const path = peakHeights(first.size).length === 1 ? [first.root, ...proof] : proof;
  const [start, ...rest] = path;
  if (start === undefined || start.length !== HASH_BYTES) return false;
  let node = first.size - 1;
  let last = second.size - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  const join = nodeHasher(sha256);
  let before = start;
  let after = start;
  for (const sibling of rest) {
    if (last === 0 || sibling.length !== HASH_BYTES) return false;
    if (node % 2 === 1 || node === last) {
      before = join(sibling, before);
      after = join(sibling, after);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else after = join(after, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameBytes(before, first.root) && sameBytes(after, second.root);
}

/**
 * Where two histories part: the first leaf in which two trees differ, found from their roots downwards.
 *
 * @param size leaves to compare, that both trees have
 * @returns index of the leaf, or null when there is no difference
 */
export async function firstDifference(a: NodeAt, b: NodeAt, size: number): Promise<number | null> {
  let from = 0;
  for (const peak of peakHeights(size)) {
    const leaves = 2 ** peak;
    if (!sameBytes(await a(peak, from / leaves), await b(peak, from / leaves))) {
      let index = from / leaves;
      for (let height = peak - 1; height >= 0; height--) {
        index *= 2;
        if (sameBytes(await a(height, index), await b(height, index))) index++;
      }
      return index;
    }
    from += leaves;
  }
  return null;
}
