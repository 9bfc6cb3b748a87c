import {
  accountsFor,
  type ChainId,
  chooseDrops,
  type Drop,
  dropClass,
  type Gap,
  type LinkedChain,
  linkedKey,
  outgoingBlock,
  type Recording,
  type SealedBlock,
  type SpooledBlock,
  sealStub,
} from '@sigma/recorder';

export interface SpoolWatchOptions {
  readonly tenant: string;
  /** Chains that this life of the edge writes: only these can say of themselves what they lack. */
  readonly growing: readonly LinkedChain[];
  readonly recording: Recording;
  /** Bytes that the recording may take, and those it takes now. */
  readonly mostBytes: number;
  readonly usedBytes: () => number;
  /** The last event of a chain that the hub has acknowledged; 0: none. */
  readonly acknowledged: (chain: LinkedChain) => number;
  /** Puts a gap at the end of a chain. */
  readonly tell: (chain: LinkedChain, gap: Gap) => void;
  /** Takes the blocks out. */
  readonly drop: (stubs: readonly SealedBlock[]) => void;
  /** Nothing is left that may go. */
  readonly full: (usedBytes: number) => void;
}

/** So much is free after a drop, of what the recording may take: the whole of it is then read again only after a while. */
const FREE = 0.2;

/**
 * Keeps a recording within its bound (SPEC R127): chooses what goes, has the chains say so, and lets it go when that is
 * on disk.
 */
export class SpoolWatch {
  readonly #options: SpoolWatchOptions;
  /** Drops whose gaps are not on disk yet. */
  #pending: Drop[] = [];
  #looking = false;

  constructor(options: SpoolWatchOptions) {
    this.#options = options;
  }

  /** Looks whether there is room, and makes some. @throws StoreError when the recording cannot be read */
  async look(): Promise<void> {
    const { mostBytes, usedBytes, tell, full } = this.#options;
    const used = usedBytes();
    if (this.#looking || this.#pending.length > 0 || used <= mostBytes) return;
    this.#looking = true;
    try {
      const wanted = used - mostBytes * (1 - FREE);
      const drops = chooseDrops(await this.#spooled(), wanted, `the recording may take ${mostBytes} bytes`);
      if (drops.length === 0) full(used);
      this.#pending = [...drops];
      for (const { stub, gap } of drops) tell(stub, gap);
    } finally {
      this.#looking = false;
    }
  }

  /** A gap is on disk: what it accounts for goes. */
  gapFound(chain: LinkedChain, gap: Gap): void {
    const told = this.#pending.filter(({ stub }) => linkedKey(stub) === linkedKey(chain) && accountsFor(gap, stub));
    if (told.length === 0) return;
    this.#pending = this.#pending.filter((drop) => !told.includes(drop));
    this.#options.drop(told.map(({ stub }) => sealStub(stub)));
  }

  /** Every block before the last snapshot of its chain: from that on, the state can be had without them. */
  async #spooled(): Promise<readonly SpooledBlock[]> {
    const { tenant, growing, recording, acknowledged } = this.#options;
    const spooled: SpooledBlock[] = [];
    for (const { source, epoch } of growing) {
      const chain: ChainId = { tenant, source, epoch };
      const snapshot = await recording.snapshotBefore(chain, Number.MAX_SAFE_INTEGER);
      if (snapshot === null) continue;
      const held = acknowledged(chain);
      for await (const stored of recording.blocks(chain, 1, snapshot.blockSequence)) {
        const { firstSequence, count, hash, previousHash, lastAtUs, lastTimeUs } = outgoingBlock(stored);
        const of = dropClass(stored.bytes);
        const known = of !== 'kept' && firstSequence + count - 1 <= held ? 'held' : of;
        const place = {
          ...chain,
          firstSequence,
          count,
          hash,
          previousHash: previousHash.slice(),
          lastAtUs,
          lastTimeUs,
        };
        spooled.push({ ...place, bytes: stored.bytes.length, class: known });
      }
    }
    return spooled;
  }
}
