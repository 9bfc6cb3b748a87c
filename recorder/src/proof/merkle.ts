import type { Sha256 } from '../event.ts';

/**
 * The Merkle tree of RFC 9162, section 2.1.1: a leaf is SHA-256(0x00 || envelope), a node SHA-256(0x01 || left || right).
 * The event with sequence n is leaf n - 1.
 */
export const HASH_BYTES = 32;

/** Leaf hash of one event's envelope as stored. */
export function leafHash(envelope: Uint8Array, sha256: Sha256): Uint8Array {
  const input = new Uint8Array(envelope.length + 1);
  input.set(envelope, 1);
  return sha256(input);
}

/** A function that hashes two nodes into their parent, with one buffer for all calls. */
export function nodeHasher(sha256: Sha256): (left: Uint8Array, right: Uint8Array) => Uint8Array {
  const input = new Uint8Array(1 + 2 * HASH_BYTES);
  input[0] = 1;
  return (left, right) => {
    input.set(left, 1);
    input.set(right, 1 + HASH_BYTES);
    return sha256(input);
  };
}

/** Hashes the envelope that stands in a block from `from` (at least 1) to `to` (exclusive). */
export type LeafHasher = (block: Uint8Array, from: number, to: number) => Uint8Array;

/**
 * Hashes the leaves of a block without a copy for each: the block is copied once, and the last byte of an envelope's
 * length, which stands right before it, makes room for the leaf's zero.
 */
export function leafHasher(sha256: Sha256): LeafHasher {
  let scratch = new Uint8Array(16_384);
  let copied: Uint8Array | null = null;
  return (block, from, to) => {
    if (copied !== block) {
      if (scratch.length < block.length) scratch = new Uint8Array(block.length * 2);
      scratch.set(block);
      copied = block;
    }
    scratch[from - 1] = 0;
    return sha256(scratch.subarray(from - 1, to));
  };
}

/** Called with every complete subtree, of 2^height leaves, the index-th of its height. */
export type NodeVisitor = (height: number, index: number, hash: Uint8Array) => void;

/**
 * A growing tree, kept as the roots of its complete subtrees: one hash for each bit set in the size, at most 53. A leaf
 * costs one node hash on average; a root costs one for each bit.
 */
export class TreeFrontier {
  readonly #node: (left: Uint8Array, right: Uint8Array) => Uint8Array;
  readonly #sha256: Sha256;
  readonly #visit: NodeVisitor | null;
  /** By height; of use only where the size has that bit. */
  readonly #peaks: Uint8Array[] = [];
  #size = 0;

  constructor(sha256: Sha256, visit: NodeVisitor | null = null) {
    this.#sha256 = sha256;
    this.#node = nodeHasher(sha256);
    this.#visit = visit;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  push(leaf: Uint8Array): void {
    let hash = leaf;
    let height = 0;
    let index = this.#size++;
    this.#visit?.(0, index, hash);
    while (index % 2 === 1) {
      hash = this.#node(this.#peaks[height] as Uint8Array, hash);
      height++;
      index = (index - 1) / 2;
      this.#visit?.(height, index, hash);
    }
    this.#peaks[height] = hash;
  }

  /** Goes on with a tree whose complete subtrees are known from elsewhere. */
  resume(size: number, peak: (height: number) => Uint8Array): void {
    this.#size = size;
    for (const height of peakHeights(size)) this.#peaks[height] = peak(height);
  }

  /** Tree head at the present size; of the empty tree, the hash of nothing. */
  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (const height of peakHeights(this.#size).reverse()) {
      const peak = this.#peaks[height] as Uint8Array;
      root = root === null ? peak : this.#node(peak, root);
    }
    return root ?? this.#sha256(new Uint8Array());
  }
}

/** Heights of the complete subtrees of a tree, the greatest first: the bits of its size. */
export function peakHeights(size: number): number[] {
  const heights: number[] = [];
  for (let height = 0, rest = size; rest > 0; height++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) heights.unshift(height);
  }
  return heights;
}
