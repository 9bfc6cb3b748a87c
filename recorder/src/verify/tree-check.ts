import type { BlockScan } from '../block.ts';
import { type ChainId, hexOfBytes, type Sha256, sameBytes } from '../event.ts';
import { type LeafHasher, leafHasher, TreeFrontier } from '../proof/merkle.ts';
import { firstDifference, type TreeHead, treeRoot } from '../proof/merkle-proof.ts';
import { type TileShelf, TileWriter, tileNodes } from '../proof/tiles.ts';
import type { Sides } from './report.ts';

/** A tree head that somebody signed, or is said to have signed. */
export interface SignedHead extends TreeHead {
  readonly chain: ChainId;
  /** Why its signatures are not to be believed, or null. */
  readonly distrust: string | null;
}

/** Where the tree and a signed head part. */
export interface TreeDifference extends Sides {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly what: string;
}

/** Grows the tree over one chain and holds it against every signed head on the way. */
export class TreeCheck {
  readonly #chain: ChainId;
  readonly #sha256: Sha256;
  readonly #shelf: Pick<TileShelf, 'size' | 'tile'> | null;
  readonly #tree: TreeFrontier;
  readonly #tiles: TileWriter | null;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #leafOf: LeafHasher;
  readonly #signed: readonly SignedHead[];
  readonly distrusted: readonly SignedHead[];
  /** Index of the next signed head to be met. */
  #next = 0;
  #agreedSize = 0;
  #met = 0;
  #lost = false;

  /** @param shelf tiles of an earlier look; the tree's own are then kept too, to be compared: 32 bytes an event */
  constructor(
    chain: ChainId,
    signed: readonly SignedHead[],
    sha256: Sha256,
    shelf: Pick<TileShelf, 'size' | 'tile'> | null,
  ) {
    this.#chain = chain;
    this.#sha256 = sha256;
    this.#shelf = shelf;
    this.#leafOf = leafHasher(sha256);
    this.#signed = signed.filter(({ distrust }) => distrust === null).sort((a, b) => a.size - b.size);
    this.distrusted = signed.filter(({ distrust }) => distrust !== null);
    this.#tiles = shelf === null || this.#signed.length === 0 ? null : new TileWriter(sha256);
    this.#tree = this.#tiles?.tree ?? new TreeFrontier(sha256);
    while (this.#signed[this.#next]?.size === 0) this.#next++;
  }

  /** Signed heads met. */
  get met(): number {
    return this.#met;
  }

  /** Events that the greatest signed head covers. */
  get promised(): number {
    return this.#signed[this.#signed.length - 1]?.size ?? 0;
  }

  /** Events are missing or damaged: nobody knows the leaves from here on. */
  lose(): void {
    this.#lost = true;
  }

  head(): TreeHead | null {
    return this.#lost ? null : { size: this.#tree.size, root: this.#tree.root() };
  }

  /** @returns signed heads within this block that the tree does not meet, as they are to be traced */
  grow(block: Uint8Array, { from, to }: BlockScan): readonly SignedHead[] {
    if (this.#lost) return [];
    const unmet: SignedHead[] = [];
    const grown = this.#tiles ?? this.#tree;
    for (let i = 0; i < from.length; i++) {
      grown.push(this.#leafOf(block, from[i] as number, to[i] as number));
      while (this.#signed[this.#next]?.size === this.#tree.size) {
        const signed = this.#signed[this.#next++] as SignedHead;
        if (!sameBytes(signed.root, this.#tree.root())) unmet.push(signed);
        else {
          this.#met++;
          this.#agreedSize = signed.size;
        }
      }
    }
    for (const { level, index, hashes } of this.#tiles?.full() ?? []) this.#kept.set(`${level}/${index}`, hashes);
    return unmet;
  }

  /** Narrows a difference down: to the event, where the shelf has the signed tree; else to what no head confirms. */
  async trace(signed: SignedHead): Promise<TreeDifference> {
    const { size, root } = signed;
    const place = await this.#place(signed);
    const what =
      place === null
        ? `the tree over the first ${size} events is not the one that was signed: one of these was rewritten`
        : 'this event is not the one that was signed: it was rewritten';
    const fromSequence = place === null ? this.#agreedSize + 1 : place + 1;
    const toSequence = place === null ? size : place + 1;
    const sides = { recorded: place === null && size === this.#tree.size ? hexOfBytes(this.#tree.root()) : null };
    return { fromSequence, toSequence, what, ...sides, expected: hexOfBytes(root) };
  }

  /** At the end of a chain that is shorter than was signed: the event from which on it is another, if it is. */
  async traceEnd(): Promise<TreeDifference | null> {
    const signed = this.#signed[this.#signed.length - 1];
    if (this.#lost || signed === undefined || signed.size <= this.#tree.size) return null;
    const place = await this.#place(signed);
    if (place === null) return null;
    const what = 'this event is not the one that was signed: it was rewritten';
    return { fromSequence: place + 1, toSequence: place + 1, what, recorded: null, expected: null };
  }

  /** The first event in which the tree differs from a signed one, as far as both go. */
  async #place({ size, root }: SignedHead): Promise<number | null> {
    if (this.#shelf === null || this.#tiles === null || (await this.#shelf.size(this.#chain)) < size) return null;
    for (const { level, index, hashes } of this.#tiles.partial()) this.#kept.set(`${level}/${index}`, hashes);
    const before = tileNodes(this.#shelf, this.#chain, this.#sha256);
    const tiles = {
      tile: async (_: ChainId, level: number, index: number) => this.#kept.get(`${level}/${index}`) ?? null,
    };
    try {
      if (!sameBytes(await treeRoot(size, before, this.#sha256), root)) return null;
      const own = tileNodes(tiles, this.#chain, this.#sha256);
      return await firstDifference(before, own, Math.min(size, this.#tree.size));
    } catch {
      // A shelf with holes tells nothing; the failure stands without the exact place.
      return null;
    }
  }
}
