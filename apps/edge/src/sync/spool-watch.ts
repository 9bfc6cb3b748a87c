import {
  accountsFor,
  type ChainId,
  chooseDrops,
  coarse,
  type Drop,
  type DropClass,
  type DropStretch,
  decodeStub,
  dropClass,
  dropOf,
  type Gap,
  isStub,
  type LinkedChain,
  linkedKey,
  outgoingBlock,
  type Recording,
  type SealedBlock,
  type SpooledBlock,
  type StoredBlock,
  type Stub,
  sealStub,
} from '@sigma/recorder';

export interface SpoolWatchOptions {
  readonly tenant: string;
  /** Chains that this life of the edge writes: these say what they lack, and what earlier epochs of their sources lack. */
  readonly growing: readonly LinkedChain[];
  readonly recording: Recording;
  /** Bytes that the recording may take, and those it takes now. */
  readonly mostBytes: number;
  readonly usedBytes: () => number;
  /** The last event of a chain that the hub has acknowledged; 0: none. */
  readonly acknowledged: (chain: LinkedChain) => number;
  /** The last event of a chain that a hub may have, or may be sent as it stands here now; Infinity: nobody knows. */
  readonly furthest: (chain: LinkedChain) => number;
  /** Puts a gap at the end of the chain that a source writes. */
  readonly tell: (source: string, gap: Gap) => void;
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
/** Drops that wait to be seen on the disk, at most. */
const MOST_UNSEEN = 16 * MOST_STRETCHES;
/** What is chosen is held in memory, a hundred bytes for a block of a thousand. */
const MOST_CHOSEN_BYTES = 512e6;
/** Of these, some seconds' worth, one chain goes after the other: what lies packed together is unpacked for many of them. */
const MOST_OUT_OF_TURN = 16 * MOST_STRETCHES;
/** A greater class only where nothing of the lesser ones is left. */
const IN_TURN: readonly DropClass[] = ['held', 'stimulus', 'snapshot', 'decision'];

function chainByChain(stretches: readonly DropStretch[]): readonly DropStretch[] {
  const ordered: DropStretch[] = [];
  for (let from = 0; from < stretches.length; from += MOST_OUT_OF_TURN) {
    const some = Map.groupBy(stretches.slice(from, from + MOST_OUT_OF_TURN), linkedKey);
    for (const ofChain of some.values()) ordered.push(...ofChain);
  }
  return ordered;
}

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
  /** What was let go of and never left this edge, with the hash of each of its blocks. */
  #unseen: readonly Stub[] = [];
  #looking = false;
  /** Of each chain and class, the event before which nothing is left of it: what became of that class since stands behind. */
  readonly #floors = new Map<string, number>();

  constructor(options: SpoolWatchOptions) {
    this.#options = options;
  }

  /** Looks whether there is room, and makes some. @throws StoreError when the recording cannot be read */
  async look(): Promise<void> {
    if (this.#looking || this.#pending.length > 0) return;
    this.#looking = true;
    try {
      await this.#forgetHashes();
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
    for (const wantedClass of IN_TURN) {
      this.#chosen = chainByChain(chooseDrops(await this.#oldest(wantedClass, wanted), wanted));
      if (this.#chosen.length > 0) return;
      if (wantedClass === 'held' && (await this.#coarsen())) return;
    }
    full(used);
  }

  /**
   * What was dropped and the hub has, nobody needs to know block by block, unless that hub forgets it. Over the years the
   * hashes alone would fill any bound.
   *
   * @returns whether there was any
   */
  async #coarsen(): Promise<boolean> {
    const stubs: SealedBlock[] = [];
    for (const chains of await this.#epochs()) {
      for (const chain of chains) {
        for await (const { bytes } of this.#fineStubs(chain)) {
          stubs.push(sealStub(coarse(decodeStub(bytes))));
          if (stubs.length >= MOST_STRETCHES) break;
        }
      }
    }
    if (stubs.length > 0) this.#options.drop(stubs);
    return stubs.length > 0;
  }

  /**
   * Of a stretch that has never left, no hub will ask for a part: when it is gone, the hashes of its blocks go too, which
   * were a third of what stays of a week. Not before: as long as its blocks stand there, they may be sent.
   */
  async #forgetHashes(): Promise<void> {
    const gone: Stub[] = [];
    const unseen: Stub[] = [];
    for (const stub of this.#unseen) ((await this.#stands(stub)) ? gone : unseen).push(stub);
    this.#unseen = unseen.slice(-MOST_UNSEEN);
    const stubs = gone.filter((stub) => this.#neverLeft(stub)).map((stub) => sealStub(coarse(stub)));
    if (stubs.length > 0) this.#options.drop(stubs);
  }

  #neverLeft(stub: Stub): boolean {
    return this.#options.furthest(stub) < stub.firstSequence;
  }

  async #stands(stub: Stub): Promise<boolean> {
    const { firstSequence } = stub;
    for await (const { bytes } of this.#options.recording.blocks(stub, firstSequence, firstSequence))
      return isStub(bytes);
    return false;
  }

  async *#fineStubs({ source, epoch }: LinkedChain): AsyncIterable<StoredBlock> {
    const { tenant, recording, acknowledged } = this.#options;
    const chain: ChainId = { tenant, source, epoch };
    const key = `stub ${linkedKey(chain)}`;
    const held = acknowledged(chain);
    for await (const block of recording.blocks(chain, this.#floors.get(key) ?? 1, held)) {
      const next = block.firstSequence + outgoingBlock(block).count;
      if (next > held + 1) return;
      this.#floors.set(key, next);
      if (isStub(block.bytes) && decodeStub(block.bytes).dropped.length > 1) yield block;
    }
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
    for (const { stub, gap } of this.#pending) tell(stub.source, gap);
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
  gapFound(source: string, gap: Gap): void {
    const told = this.#pending.filter(({ stub }) => stub.source === source && accountsFor(gap, stub));
    if (told.length === 0) return;
    this.#pending = this.#pending.filter((drop) => !told.includes(drop));
    this.#options.drop(told.map(({ stub }) => sealStub(stub)));
    const hashed = told.map(({ stub }) => stub).filter((stub) => stub.dropped.length > 1 && this.#neverLeft(stub));
    this.#unseen = [...this.#unseen, ...hashed];
  }

  /**
   * Blocks of a class, the oldest first, until they are enough; of snapshots all, for which of them stay depends on those
   * before. Only such as stand before the last snapshot of their chain: from that on, the state can be had without them.
   */
  async #oldest(wanted: DropClass, wantedBytes: number): Promise<readonly SpooledBlock[]> {
    const found: SpooledBlock[] = [];
    let bytes = 0;
    for await (const block of this.#inTime(wanted)) {
      found.push(block);
      bytes += block.bytes;
      if (bytes >= wantedBytes && block.class !== 'snapshot') break;
    }
    return found;
  }

  /** Of all chains, by the wall clock of their writers. */
  async *#inTime(wanted: DropClass): AsyncIterable<SpooledBlock> {
    const epochs = await this.#epochs();
    const sources = epochs.map((chains) => this.#ofSource(chains, wanted)[Symbol.asyncIterator]());
    const next: (SpooledBlock | null)[] = [];
    try {
      for (const source of sources) next.push((await source.next()).value ?? null);
      for (;;) {
        let oldest = -1;
        let atUs = Number.POSITIVE_INFINITY;
        for (const [i, block] of next.entries()) {
          if (block !== null && block.lastTimeUs < atUs) [oldest, atUs] = [i, block.lastTimeUs];
        }
        const block = next[oldest] ?? null;
        if (block === null) return;
        yield block;
        next[oldest] = (await sources[oldest]?.next())?.value ?? null;
      }
    } finally {
      for (const source of sources) await source.return?.();
    }
  }

  /** Of each source that is written now, its epochs in order. */
  async #epochs(): Promise<readonly (readonly LinkedChain[])[]> {
    const { tenant, growing, recording } = this.#options;
    const heads = (await recording.heads()).filter((head) => head.tenant === tenant);
    return growing.map(({ source, epoch }) =>
      heads.filter((head) => head.source === source && head.epoch <= epoch).sort((a, b) => a.epoch - b.epoch),
    );
  }

  async *#ofSource(epochs: readonly LinkedChain[], wanted: DropClass): AsyncIterable<SpooledBlock> {
    for (const chain of epochs) yield* this.#spooled(chain, wanted);
  }

  async *#spooled({ source, epoch }: LinkedChain, wanted: DropClass): AsyncIterable<SpooledBlock> {
    const { tenant, recording, acknowledged } = this.#options;
    const chain: ChainId = { tenant, source, epoch };
    const snapshot = await recording.snapshotBefore(chain, Number.MAX_SAFE_INTEGER);
    if (snapshot === null) return;
    const held = acknowledged(chain);
    const key = `${wanted} ${linkedKey(chain)}`;
    const from = this.#floors.get(key) ?? 1;
    const to = Math.min(snapshot.blockSequence - 1, wanted === 'held' ? held : Number.POSITIVE_INFINITY);
    let found = false;
    for await (const stored of recording.blocks(chain, from, to)) {
      const { firstSequence, count, lastAtUs, lastTimeUs } = outgoingBlock(stored);
      const of = dropClass(stored.bytes);
      const known = of !== 'kept' && firstSequence + count - 1 <= held ? 'held' : of;
      if (known !== wanted) continue;
      if (!found) this.#floors.set(key, firstSequence);
      found = true;
      const bytes = stored.bytes.length;
      yield { tenant, source, epoch, firstSequence, count, bytes, lastAtUs, lastTimeUs, class: known };
    }
    if (!found) this.#floors.set(key, Math.max(from, to + 1));
  }
}
