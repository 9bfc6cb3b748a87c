import {
  accountsFor,
  type ChainId,
  chooseDrops,
  type Drop,
  type DropClass,
  type DropStretch,
  dropClass,
  dropOf,
  type Gap,
  type LinkedChain,
  linkedKey,
  outgoingBlock,
  type Recording,
  type SealedBlock,
  type SpooledBlock,
  type StoredBlock,
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
/** Stretches, and blocks of them, that go at once: each stretch is an event of its chain, and what is live is recorded meanwhile. */
const MOST_STRETCHES = 256;
const MOST_BLOCKS = 8_192;
/** What is chosen is held in memory, a hundred bytes for a block of a thousand. */
const MOST_CHOSEN_BYTES = 512e6;
/** What is looked for at once: a greater class only where nothing of these is left. */
const AT_ONCE: readonly ReadonlySet<DropClass>[] = [
  new Set(['held', 'stimulus']),
  new Set(['snapshot']),
  new Set(['decision']),
];

/**
 * Keeps a recording within its bound (SPEC R127): chooses what goes, has the chains say so, and lets it go when that is
 * on disk.
 */
export class SpoolWatch {
  readonly #options: SpoolWatchOptions;
  /** What was chosen and has not been told of yet, the first of it first. */
  #chosen: readonly DropStretch[] = [];
  /** Drops whose gaps are not on disk yet. */
  #pending: Drop[] = [];
  #looking = false;

  constructor(options: SpoolWatchOptions) {
    this.#options = options;
  }

  /** Looks whether there is room, and makes some. @throws StoreError when the recording cannot be read */
  async look(): Promise<void> {
    if (this.#looking || this.#pending.length > 0) return;
    this.#looking = true;
    try {
      if (this.#chosen.length === 0) await this.#choose();
      await this.#tellSome();
    } finally {
      this.#looking = false;
    }
  }

  async #choose(): Promise<void> {
    const { mostBytes, usedBytes, full } = this.#options;
    const used = usedBytes();
    if (used <= mostBytes) return;
    const wanted = Math.min(used - mostBytes * (1 - FREE), MOST_CHOSEN_BYTES);
    for (const classes of AT_ONCE) {
      this.#chosen = chooseDrops(await this.#oldest(classes, wanted), wanted);
      if (this.#chosen.length > 0) return;
    }
    full(used);
  }

  /** Has the chains say what goes next. */
  async #tellSome(): Promise<void> {
    const { mostBytes, tell } = this.#options;
    const reason = `the recording may take ${mostBytes} bytes`;
    let [stretches, blocks] = [0, 0];
    while (stretches < MOST_STRETCHES && blocks < MOST_BLOCKS) {
      const stretch = this.#chosen[stretches];
      if (stretch === undefined) break;
      const drop = dropOf(stretch, await this.#blocksOf(stretch), reason);
      if (drop !== null) this.#pending.push(drop);
      stretches++;
      blocks += stretch.blocks;
    }
    this.#chosen = this.#chosen.slice(stretches);
    for (const { stub, gap } of this.#pending) tell(stub, gap);
  }

  async #blocksOf({
    tenant,
    source,
    epoch,
    firstSequence,
    lastSequence,
  }: DropStretch): Promise<readonly StoredBlock[]> {
    const blocks: StoredBlock[] = [];
    const chain = { tenant, source, epoch };
    for await (const block of this.#options.recording.blocks(chain, firstSequence, lastSequence)) blocks.push(block);
    return blocks;
  }

  /** A gap is on disk: what it accounts for goes. */
  gapFound(chain: LinkedChain, gap: Gap): void {
    const told = this.#pending.filter(({ stub }) => linkedKey(stub) === linkedKey(chain) && accountsFor(gap, stub));
    if (told.length === 0) return;
    this.#pending = this.#pending.filter((drop) => !told.includes(drop));
    this.#options.drop(told.map(({ stub }) => sealStub(stub)));
  }

  /**
   * Blocks of these classes, the oldest first, until they are enough; of snapshots all, for which of them stay depends on
   * those before. Only such as stand before the last snapshot of their chain: from that on, the state can be had without them.
   */
  async #oldest(classes: ReadonlySet<DropClass>, wantedBytes: number): Promise<readonly SpooledBlock[]> {
    const found: SpooledBlock[] = [];
    let bytes = 0;
    for await (const block of this.#inTime(classes)) {
      found.push(block);
      bytes += block.bytes;
      if (bytes >= wantedBytes && block.class !== 'snapshot') break;
    }
    return found;
  }

  /** Of all chains, by the wall clock of their writers. */
  async *#inTime(classes: ReadonlySet<DropClass>): AsyncIterable<SpooledBlock> {
    const chains = this.#options.growing.map((chain) => this.#spooled(chain, classes)[Symbol.asyncIterator]());
    const next: (SpooledBlock | null)[] = [];
    try {
      for (const chain of chains) next.push((await chain.next()).value ?? null);
      for (;;) {
        let oldest = -1;
        let atUs = Number.POSITIVE_INFINITY;
        for (const [i, block] of next.entries()) {
          if (block !== null && block.lastTimeUs < atUs) [oldest, atUs] = [i, block.lastTimeUs];
        }
        const block = next[oldest] ?? null;
        if (block === null) return;
        yield block;
        next[oldest] = (await chains[oldest]?.next())?.value ?? null;
      }
    } finally {
      for (const chain of chains) await chain.return?.();
    }
  }

  async *#spooled({ source, epoch }: LinkedChain, classes: ReadonlySet<DropClass>): AsyncIterable<SpooledBlock> {
    const { tenant, recording, acknowledged } = this.#options;
    const chain: ChainId = { tenant, source, epoch };
    const snapshot = await recording.snapshotBefore(chain, Number.MAX_SAFE_INTEGER);
    if (snapshot === null) return;
    const held = acknowledged(chain);
    for await (const stored of recording.blocks(chain, 1, snapshot.blockSequence - 1)) {
      const { firstSequence, count, lastAtUs, lastTimeUs } = outgoingBlock(stored);
      const of = dropClass(stored.bytes);
      const known = of !== 'kept' && firstSequence + count - 1 <= held ? 'held' : of;
      if (!classes.has(known)) continue;
      const bytes = stored.bytes.length;
      yield { tenant, source, epoch, firstSequence, count, bytes, lastAtUs, lastTimeUs, class: known };
    }
  }
}
