/** A stored block with the sequences that it holds. */
export interface CachedBlock {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly bytes: Uint8Array;
  /** Envelopes in it, views into `bytes`. */
  readonly events: readonly Uint8Array[];
}

/**
 * Blocks that were read, by chain and first sequence, least recently used first out beyond `mostBytes`. What is read
 * twice (a scan on demand, a stretch that was let go) comes from here.
 */
export class BlockCache {
  readonly #mostBytes: number;
  readonly #blocks = new Map<string, CachedBlock>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(chain: string, block: CachedBlock): void {
    const key = `${chain} ${block.firstSequence}`;
    const before = this.#blocks.get(key);
    if (before !== undefined) this.#bytes -= before.bytes.length;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    this.#bytes += block.bytes.length;
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#bytes <= this.#mostBytes || oldest === key) return;
      this.#blocks.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  /** The block that begins there, or undefined. */
  at(chain: string, firstSequence: number): CachedBlock | undefined {
    const key = `${chain} ${firstSequence}`;
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    return block;
  }
}
