import type { SealedBlock } from '../../chain-writer.ts';
import { type ChainHead, type Sha256, sameBytes } from '../../event.ts';
import type { BlockStore } from '../../store.ts';
import { HybridClock, type HybridTime } from '../hybrid-clock.ts';
import type { HybridMark } from '../hybrid-marks.ts';
import type { Packing } from '../packed-blocks.ts';
import {
  type BatchAnswer,
  type BlockBatch,
  batchBytes,
  type ChainEnd,
  type HeldChain,
  type LinkedChain,
  linkedKey,
  type ShownChain,
  type SyncRefusal,
} from '../sync-words.ts';
import { BacklogLane, type LaneTime } from './backlog-lane.ts';
import { BatchIntake, type BatchOutcome, type BatchTaker } from './batch-intake.ts';
import { CreditLine } from './credit-line.ts';
import { FrameDelays } from './frame-delays.ts';
import type { BatchDoor } from './take-batch.ts';

/** What the hub says on a link. */
export type SinkWord =
  | {
      readonly type: 'held';
      readonly chains: readonly HeldChain[];
      readonly allowedBytes: number;
      readonly time: HybridTime;
      /** It takes packed blocks. */
      readonly unpacks: boolean;
    }
  | { readonly type: 'answered'; readonly answer: BatchAnswer };

/** What an edge says on a link. */
export type SourceWord =
  | { readonly type: 'shown'; readonly chains: readonly ShownChain[]; readonly time: HybridTime }
  | { readonly type: 'sent'; readonly batch: BlockBatch };

export interface SinkEdge {
  readonly edgeId: string;
  /** Writers that it said hello for. */
  readonly sources: ReadonlySet<string>;
  readonly say: (word: SinkWord) => void;
}

export interface RefusedBlocks extends LinkedChain {
  readonly refusal: SyncRefusal;
  /** The event that was refused. */
  readonly sequence: number;
  readonly message: string;
  /** Of a fork, both; else empty. */
  readonly standingHash: Uint8Array;
  readonly refusedHash: Uint8Array;
}

/** What happened, for the record and for people. */
export type SinkFinding = { readonly edgeId: string } & Found;

type Found =
  | ({ readonly type: 'refused' } & RefusedBlocks)
  /** A chain is on disk up to this event. */
  | ({
      readonly type: 'stored';
      readonly sequence: number;
      readonly blocks: number;
      readonly bytes: number;
      /** What is on disk now of this batch, in order, made when somebody asks. */
      readonly stored: () => readonly SealedBlock[];
    } & LinkedChain)
  /** This hub holds less of these chains than it has acknowledged (R122). */
  | {
      readonly type: 'forgot';
      readonly chains: readonly (LinkedChain & { readonly acknowledged: number; readonly held: number })[];
    }
  /** It has all of that again. */
  | { readonly type: 'mended' }
  | { readonly type: 'clock_ahead'; readonly aheadUs: number }
  /** The store could not be asked or could not take something. */
  | { readonly type: 'failed'; readonly error: Error };

export interface SyncSinkOptions {
  readonly tenant: string;
  readonly store: Pick<BlockStore, 'append' | 'heads' | 'blocks'>;
  readonly sha256: Sha256;
  /** How packed blocks are unpacked; absent: none are taken. */
  readonly packing?: Packing;
  /** Wall clock, microseconds since 1970. */
  readonly wallUs: () => number;
  /** Time by which backlogs are paced: real time, whatever that of the site. */
  readonly paceTime: LaneTime;
  readonly found: (finding: SinkFinding) => void;
  /** Takes in what is of backlogs, apart from whoever hears frames of the moment; absent: nobody else does. */
  readonly backlogs?: BatchTaker;
  /** The clock of the hub, which its own events pass too; one of this sink alone unless told. */
  readonly clock?: HybridClock;
  /** Keeps what the blocks of a batch do not tell, before they are stored. */
  readonly keep?: (mark: HybridMark) => Promise<void>;
  /** Bytes that may wait: of one link at most, and of all together about. */
  readonly windowBytes?: number;
  readonly allBytes?: number;
}

/** The sink's end of one link. */
export interface SinkLink {
  hear(word: SourceWord): void;
  /** A frame of the moment came that was made then, by the edge's clock: backlogs give way where they delay such. */
  frame(timeUs: number): void;
  close(): void;
}

/** Who has batches of a chain now, and how many: until these are settled the ones behind them follow. */
interface Way {
  readonly taker: BatchTaker;
  batches: number;
  /** The last one of these. */
  last: Promise<unknown>;
}

interface Open {
  readonly edge: SinkEdge;
  readonly door: BatchDoor;
  credit: CreditLine;
  closed: boolean;
}

const WINDOW_BYTES = 16 * 1024 * 1024;
const ALL_BYTES = 128 * 1024 * 1024;
/** What is older than that is no more than a backlog, and of backlogs so much is with the store at once. */
const BEHIND_US = 10_000_000;
const BEHIND_BYTES = 512 * 1024;
const LEAST_WINDOW_BYTES = 64 * 1024;
/** Far more chains than an edge has. */
const MOST_CHAINS = 100_000;
const NO_HASH: Uint8Array = new Uint8Array();
const NOWHERE: ChainEnd = { sequence: 0, hash: NO_HASH };
/** Only who takes in backlogs has what comes on a data connection. */
const notHere = (): BatchOutcome => ({
  type: 'refused',
  refusal: 'later',
  message: 'what is live of this chain is still on its way to the disk',
});
const NOTHING: Promise<void> = Promise.resolve();

/**
 * The hub's half of sync, without wire, clock or people: takes whole batches into a store, byte for byte, and
 * acknowledges them after the commit. What it does not take it refuses by name, with both hashes of a fork.
 */
export class SyncSink {
  readonly #options: SyncSinkOptions;
  readonly #hybrid: HybridClock;
  readonly #open = new Set<Open>();
  readonly #ahead = new Set<string>();
  /** By edge, the chains that were forgotten and how far each had been acknowledged. */
  readonly #forgotten = new Map<string, Map<string, number>>();
  readonly #lane: BacklogLane;
  readonly #settling = new Set<Promise<void>>();
  readonly #intake: BatchIntake;
  /** By chain. */
  readonly #ways = new Map<string, Way>();

  constructor(options: SyncSinkOptions) {
    this.#options = options;
    this.#intake = new BatchIntake(options);
    this.#lane = new BacklogLane(BEHIND_BYTES, options.paceTime);
    this.#hybrid = options.clock ?? new HybridClock();
  }

  /** Bytes that were taken from links and are not yet on disk. */
  get waitingBytes(): number {
    return [...this.#open].reduce((sum, { credit }) => sum + credit.waitingBytes, 0);
  }

  linked(edge: SinkEdge): SinkLink {
    const door = { tenant: this.#options.tenant, sources: edge.sources };
    const open: Open = { edge, door, credit: new CreditLine(0), closed: false };
    this.#open.add(open);
    open.credit = new CreditLine(this.#window());
    const delays = new FrameDelays();
    return {
      frame: (timeUs) => {
        const nowUs = this.#options.paceTime.nowUs();
        this.#lane.frame(delays.late(nowUs - timeUs, nowUs));
      },
      hear: (word) => this.#settle(word.type === 'shown' ? this.#shown(open, word) : this.#sent(open, word.batch)),
      close: () => {
        open.closed = true;
        this.#open.delete(open);
      },
    };
  }

  /** Resolves when everything that was taken is committed or refused. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  #settle(work: Promise<void>): void {
    const settled = work.finally(() => this.#settling.delete(settled));
    this.#settling.add(settled);
  }

  /** What one link may have waiting, by the number of links. */
  #window(): number {
    const { windowBytes = WINDOW_BYTES, allBytes = ALL_BYTES } = this.#options;
    const share = Math.min(windowBytes, Math.floor(allBytes / Math.max(1, this.#open.size)));
    return Math.max(Math.min(LEAST_WINDOW_BYTES, windowBytes), share);
  }

  async #shown(open: Open, { chains, time }: Extract<SourceWord, { type: 'shown' }>): Promise<void> {
    this.#hear(open, time);
    const { tenant, store } = this.#options;
    try {
      const own = (await store.heads()).filter((head) => head.tenant === tenant);
      const heads = new Map(own.map((head) => [linkedKey(head), head]));
      const held: HeldChain[] = [];
      for (const chain of chains.slice(0, MOST_CHAINS)) {
        held.push(await this.#heldOf(open, chain, heads.get(linkedKey(chain))));
      }
      this.#remindOf(open, chains, held);
      const { allowedBytes } = open.credit;
      const unpacks = this.#options.packing !== undefined;
      this.#say(open, { type: 'held', chains: held, allowedBytes, time: this.#now(), unpacks });
    } catch (error) {
      // Without an answer the edge sends nothing; it asks again with its next link.
      this.#found(open, { type: 'failed', error: error as Error });
    }
  }

  async #heldOf(open: Open, shown: ShownChain, head: ChainHead | undefined): Promise<HeldChain> {
    const { source, epoch, sequence } = shown;
    const held = { source, epoch, sequence: head?.sequence ?? 0, hash: head?.hash ?? NO_HASH };
    if (!open.door.sources.has(source)) {
      const message = `'${source.slice(0, 63)}' is no source that this edge said hello for`;
      return { ...held, ...NOWHERE, refusal: 'stranger', message };
    }
    const sound = { ...held, refusal: null, message: '' };
    if (head === undefined || sequence === 0 || sequence > head.sequence) return sound;
    const standingHash = sequence === head.sequence ? head.hash : await this.#standing(shown, sequence);
    if (sameBytes(standingHash, shown.hash)) return sound;
    const message = `at event ${sequence} the recording holds other content: two histories of one source`;
    const refused = {
      source,
      epoch,
      refusal: 'fork',
      sequence,
      message,
      standingHash,
      refusedHash: shown.hash,
    } as const;
    this.#found(open, { type: 'refused', ...refused });
    return { ...held, hash: standingHash, refusal: 'fork', message };
  }

  /** Hash of the stored block that holds an event; none where there is none. */
  async #standing({ source, epoch }: LinkedChain, sequence: number): Promise<Uint8Array> {
    const { tenant, store } = this.#options;
    for await (const { hash } of store.blocks({ tenant, source, epoch }, sequence, sequence)) return hash;
    return NO_HASH;
  }

  #remindOf(open: Open, shown: readonly ShownChain[], held: readonly HeldChain[]): void {
    const chains = held.flatMap(({ source, epoch, sequence, refusal }, i) => {
      const acknowledged = shown[i]?.acknowledged ?? 0;
      return refusal === null && sequence < acknowledged ? [{ source, epoch, acknowledged, held: sequence }] : [];
    });
    if (chains.length === 0) return;
    const lacking = new Map(chains.map((chain) => [linkedKey(chain), chain.acknowledged]));
    this.#forgotten.set(open.edge.edgeId, lacking);
    this.#found(open, { type: 'forgot', chains });
  }

  async #sent(open: Open, sent: BlockBatch): Promise<void> {
    const { nowUs } = this.#options.paceTime;
    const heardUs = nowUs();
    // Whoever takes it may take the message along that it came in.
    const batch = { ...sent, previousHash: sent.previousHash.slice(), hash: sent.hash.slice() };
    this.#hear(open, batch.time);
    const bytes = batchBytes(batch);
    if (!open.credit.take(bytes)) {
      await this.#refuse(open, batch, 'credit', `more than the ${open.credit.allowedBytes} bytes that were allowed`);
      return;
    }
    const outcome = await this.#take(open, batch).catch((error: Error) => error);
    open.credit.settle(bytes, this.#window());
    if (outcome instanceof Error) {
      this.#found(open, { type: 'failed', error: outcome });
      await this.#refuse(open, batch, 'later', outcome.message);
    } else if (outcome.type === 'refused')
      await this.#refuse(open, batch, outcome.refusal, outcome.message, outcome.missedPack);
    else if (outcome.type === 'foreign') await this.#foreign(open, batch, outcome);
    else {
      const { source, epoch, hash } = batch;
      const { sequence, blocks, sealed: stored } = outcome;
      this.#found(open, { type: 'stored', source, epoch, sequence, blocks, bytes, stored });
      this.#mended(open, batch, sequence);
      const tookUs = Math.round(nowUs() - heardUs);
      this.#answer(open, batch, { refusal: null, message: '', held: { sequence, hash }, tookUs });
    }
  }

  /** What was recorded long ago goes to the store a little at a time, so that what is live never waits behind much of it. */
  #take({ door }: Open, batch: BlockBatch): Promise<BatchOutcome> {
    const key = linkedKey(batch);
    const { packed, outOfBand, time } = batch;
    const behind = outOfBand !== undefined || this.#options.wallUs() - time.us > BEHIND_US;
    const bytes = packed?.bytes.length ?? outOfBand?.bytes ?? batchBytes(batch);
    const { backlogs = this.#intake } = this.#options;
    const way = this.#ways.get(key) ?? { taker: behind ? backlogs : this.#intake, batches: 0, last: NOTHING };
    // Where the chain ends is told with a refusal: what is under way of it comes first.
    if (outOfBand !== undefined && way.taker === this.#intake) return way.last.then(notHere, notHere);
    way.batches++;
    this.#ways.set(key, way);
    const taken = this.#lane.pass(key, behind, bytes, () => way.taker.take(batch, door));
    way.last = taken;
    return taken.finally(() => {
      way.batches--;
      if (way.batches === 0) this.#ways.delete(key);
    });
  }

  /** A chain that was forgotten reaches again to where it was acknowledged. */
  #mended(open: Open, chain: LinkedChain, sequence: number): void {
    const { edgeId } = open.edge;
    const lacking = this.#forgotten.get(edgeId);
    const acknowledged = lacking?.get(linkedKey(chain));
    if (lacking === undefined || acknowledged === undefined || sequence < acknowledged) return;
    lacking.delete(linkedKey(chain));
    if (lacking.size > 0) return;
    this.#forgotten.delete(edgeId);
    this.#found(open, { type: 'mended' });
  }

  /** The store says that a block continues no chain: there is a hole before it, or there are two histories. */
  async #foreign(
    open: Open,
    batch: BlockBatch,
    { sequence: at, what, block }: Extract<BatchOutcome, { type: 'foreign' }>,
  ): Promise<void> {
    const held = await this.#end(batch);
    if (at > held.sequence + 1) {
      this.#answer(open, batch, { refusal: 'missing', message: what, held });
      return;
    }
    const standing = await this.#standing(batch, Math.min(at, held.sequence)).catch(() => NO_HASH);
    const standingHash = standing.length === 0 ? held.hash : standing;
    // Behind the end of the chain it is the block that it goes on from that is another.
    const refusedHash = (at > held.sequence ? block?.previousHash : block?.hash) ?? batch.hash;
    this.#answer(open, batch, { refusal: 'fork', message: what, held, standingHash, refusedHash });
    const { source, epoch } = batch;
    const refused = { source, epoch, refusal: 'fork', sequence: at, message: what, standingHash, refusedHash } as const;
    this.#found(open, { type: 'refused', ...refused });
  }

  async #refuse(open: Open, batch: BlockBatch, refusal: SyncRefusal, message: string, missedPack = 0): Promise<void> {
    const { source, epoch, firstSequence: sequence } = batch;
    this.#answer(open, batch, { refusal, message, held: await this.#end(batch), missedPack });
    const refused = { source, epoch, refusal, sequence, message, standingHash: NO_HASH, refusedHash: NO_HASH };
    this.#found(open, { type: 'refused', ...refused });
  }

  /** Where the chain of a batch ends in the recording. */
  async #end({ tenant, source, epoch, firstSequence, previousHash }: BlockBatch): Promise<ChainEnd> {
    if (tenant !== this.#options.tenant) return NOWHERE;
    try {
      const heads = await this.#options.store.heads();
      return heads.find((head) => head.tenant === tenant && head.source === source && head.epoch === epoch) ?? NOWHERE;
    } catch {
      return { sequence: Math.max(0, firstSequence - 1), hash: previousHash };
    }
  }

  #answer(
    open: Open,
    { source, epoch, firstSequence }: BlockBatch,
    said: Pick<BatchAnswer, 'refusal' | 'message' | 'held'> & Partial<BatchAnswer>,
  ): void {
    const { sequence, hash } = said.held;
    this.#say(open, {
      type: 'answered',
      answer: {
        source,
        epoch,
        firstSequence,
        standingHash: NO_HASH,
        refusedHash: NO_HASH,
        allowedBytes: open.credit.allowedBytes,
        time: this.#now(),
        tookUs: 0,
        missedPack: 0,
        ...said,
        held: { sequence, hash },
      },
    });
  }

  #say(open: Open, word: SinkWord): void {
    if (!open.closed) open.edge.say(word);
  }

  #found({ edge: { edgeId } }: Open, finding: Found): void {
    this.#options.found({ edgeId, ...finding });
  }

  #hear(open: Open, time: HybridTime): void {
    const wallUs = this.#options.wallUs();
    const { edgeId } = open.edge;
    if (this.#hybrid.hear(time, wallUs) || this.#ahead.has(edgeId)) return;
    this.#ahead.add(edgeId);
    this.#found(open, { type: 'clock_ahead', aheadUs: time.us - wallUs });
  }

  #now(): HybridTime {
    return this.#hybrid.tick(this.#options.wallUs());
  }
}
