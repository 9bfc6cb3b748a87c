import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainId } from '../../src/event.ts';
import { chainKey, type PlacedBlock } from '../commit-plan.ts';
import type { BlockTable } from './block-table.ts';

/** Packs that are made in one transaction, for each that came: each takes some milliseconds, and somebody waits for the commit. */
const MOST_FOR_EACH = 2;
const MOST_AT_THINNING = 16;
/** Pages that the log grows by for one. */
const LOG_PAGES = 32;

interface PackedChain {
  readonly chain: ChainId;
  /** First event that is not packed, of the end of the chain and of what was thinned. */
  tail: number;
  thin: number;
  /** Bytes that came since. */
  bytes: number;
}

/** Decides when blocks of a recording are packed (SPEC R196): what grew by one pack, and what was thinned. */
export class Packer {
  readonly #table: BlockTable;
  readonly #packBytes: number;
  readonly #chains = new Map<string, PackedChain>();

  constructor(table: BlockTable, packBytes: number) {
    this.#table = table;
    this.#packBytes = packBytes;
  }

  /** These came into the table. @returns pages that went to the log, about */
  grown(blocks: readonly PlacedBlock[]): number {
    let bytes = 0;
    for (const { block } of blocks) {
      this.#of(block).bytes += block.bytes.length;
      bytes += block.bytes.length;
    }
    const most = MOST_FOR_EACH * Math.ceil(bytes / this.#packBytes);
    let made = 0;
    for (const chain of this.#chains.values()) {
      // The last block is not packed: somewhat more than one pack has to be there.
      const due = Math.min(most - made, Math.floor(chain.bytes / this.#packBytes - 0.25));
      if (due < 1) continue;
      chain.tail = this.#pack(chain, chain.tail, Number.MAX_SAFE_INTEGER, due);
      chain.bytes -= due * this.#packBytes;
      made += due;
    }
    return LOG_PAGES * made;
  }

  /** These took the place of blocks in the table. @returns pages that went to the log, about */
  thinned(stubs: readonly SealedBlock[]): number {
    const changed = new Map<PackedChain, { first: number; last: number }>();
    for (const stub of stubs) {
      const { firstSequence } = stub;
      const range = changed.get(this.#of(stub)) ?? { first: firstSequence, last: firstSequence };
      range.first = Math.min(range.first, firstSequence);
      range.last = Math.max(range.last, firstSequence);
      changed.set(this.#of(stub), range);
    }
    for (const [chain, { first, last }] of changed) {
      if (first < chain.thin) chain.thin = first;
      // What stands behind is thinned next, and would be unpacked for that.
      const next = this.#pack(chain, chain.thin, last, MOST_AT_THINNING);
      // Behind a pack that stood in the way it goes on where something was thinned.
      chain.thin = next === chain.thin ? this.#pack(chain, first, last, MOST_AT_THINNING) : next;
    }
    return LOG_PAGES * changed.size;
  }

  #pack({ chain }: PackedChain, from: number, to: number, most: number): number {
    return this.#table.packFrom(chain, from, to, most, this.#packBytes);
  }

  #of(chain: ChainId): PackedChain {
    const key = chainKey(chain);
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const { tenant, source, epoch } = chain;
    const fresh = {
      chain: { tenant, source, epoch },
      tail: this.#table.packedTo(chain),
      thin: Number.POSITIVE_INFINITY,
      bytes: 0,
    };
    this.#chains.set(key, fresh);
    return fresh;
  }
}
