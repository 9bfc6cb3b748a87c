import {
  type BlockStore,
  ChainMoments,
  type HybridMarks,
  type LinkedChain,
  linkedKey,
  type NotableEvent,
  type SealedBlock,
  type StoredBlock,
} from '@sigma/recorder';
import type { Clock } from '../../clock.ts';
import { HUB } from '../alerts/causes.ts';
import type { DecisionArchive, RecordedDecision } from '../arbitration/decision-archive.ts';
import { ChainBehind, type Unread } from './chain-behind.ts';
import { hasClock, markIdOf, wallTimeOf } from './happened.ts';
import type { Mark } from './mark-store.ts';
import type { Marks } from './marks.ts';
import { type FoundDecision, type FoundMark, type ReadState, UNREAD } from './read-on.ts';
import type { ReadPlaceStore } from './read-places.ts';
import { type ReadFrom, type ReadStretch, readStretch, type Stretch } from './read-stretch.ts';
import type { Reports } from './reports.ts';

/** What was stored is looked at so often: after what came live was written, so that little of it is met again. */
const LOOK_EVERY_US = 1_000_000;
/** What a linked robot has recorded is here and read sooner than that, unless something holds it up. */
const LATE_US = 5_000_000;
/** Bytes of one chain that are read in one turn. */
const SLICE_BYTES = 128 * 1024;
/** After a turn of reading from the disk it rests so many times as long: what is live has the machine. */
const REST = 3;
/** What came is kept in memory until it counts, blocks and what was found in them; what is more is read from the store. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** Decisions of a chain that is still on its way wait for its end, of which the newest are kept; then at most so long. */
const QUIET_US = 5_000_000;
const BATCH = 500;

export interface RecordIndexOptions {
  readonly clock: Clock;
  /** Of the machine, whatever the time of the site. */
  readonly realClock: Clock;
  readonly tenant: string;
  readonly store: Pick<BlockStore, 'heads' | 'blocks'>;
  readonly marks: Pick<Marks, 'addRecorded'>;
  readonly decisions: Pick<DecisionArchive, 'addRecorded'>;
  /** Moments of the hub's hybrid clock, for what was recorded without a clock. */
  readonly moments: Pick<HybridMarks, 'of'>;
  readonly places: ReadPlaceStore;
  /** What edges tell ahead of their blocks, which is proved here. */
  readonly reports: Pick<Reports, 'take' | 'waiting' | 'settle'>;
}

/** How far the record of one life of a robot has come home. */
export interface Homecoming extends LinkedChain {
  /** Wall time of the last event that is here and was read; 0: of none. */
  readonly upToUs: number;
  /** Events that the edge has shown, and that are not here or not read yet. */
  readonly missing: number;
}

/** What a robot says of itself: which of its lives it lives, and its agent time. */
export interface Said {
  readonly epoch: number;
  readonly atUs: number;
}

/**
 * Reads what comes home as blocks into the marks of the time bar and the lists of decisions (recorder/SPEC.md R192). It
 * reads each chain from where it stopped, also after a power cut, and keeps nothing twice. It touches nothing live.
 */
export class RecordIndex {
  /** Of this life of the hub. */
  readonly counts = { events: 0, marks: 0, decisions: 0, malformed: 0 };
  /** Why it cannot go on, or null. */
  failure: string | null = null;
  readonly #options: RecordIndexOptions;
  readonly #chains = new Map<string, ChainBehind>();
  readonly #end: () => void;
  #aheadBytes = 0;
  #working: Promise<void> | null = null;
  #rest: (() => void) | null = null;
  /** Reading and reports take turns: what is told while its block is read is judged too. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: RecordIndexOptions) {
    this.#options = options;
    this.#end = options.realClock.every(LOOK_EVERY_US, () => void this.read());
  }

  /** Goes on from where an earlier life of the hub stopped. */
  static async open(options: RecordIndexOptions): Promise<RecordIndex> {
    const index = new RecordIndex(options);
    for (const place of await options.places.load()) index.#chain(place).goOn(place);
    for (const { tenant, source, epoch, sequence } of await options.store.heads()) {
      if (tenant !== options.tenant || !isRobot(source)) continue;
      const behind = index.#chain({ source, epoch });
      behind.stored(sequence, 0);
      behind.shown(sequence);
    }
    return index;
  }

  /** Sync has stored these blocks, the last of which ends with this event. */
  stored(chain: LinkedChain & { readonly sequence: number; readonly stored: readonly SealedBlock[] }): void {
    if (!isRobot(chain.source)) return;
    const behind = this.#chain(chain);
    behind.stored(chain.sequence, this.#options.realClock.nowUs());
    this.#keepAhead(behind, behind.bring(chain.stored));
  }

  /** Where whoever has the next blocks of a chain may read it from; null: nobody looks into such. */
  readFrom(chain: LinkedChain): ReadFrom | null {
    if (!isRobot(chain.source)) return null;
    const waiting = [...(this.#options.reports.waiting(chain)?.keys() ?? [])];
    const behind = this.#chains.get(linkedKey(chain));
    const { next, state } = behind?.readUpTo ?? { next: 1, state: UNREAD };
    return { next, state, waiting, holds: behind?.holds ?? true };
  }

  /**
   * Blocks are stored that were read already.
   *
   * @param read what was found in them, from a state that was `readFrom`, or behind other blocks that were read so
   * @param asked reported events that were looked for
   */
  found(chain: LinkedChain, read: ReadStretch, asked: readonly number[]): void {
    if (!isRobot(chain.source)) return;
    const behind = this.#chain(chain);
    behind.stored(read.lastSequence, this.#options.realClock.nowUs());
    this.#keepAhead(behind, behind.find(read, asked));
  }

  #keepAhead(behind: ChainBehind, bytes: number): void {
    this.#aheadBytes += bytes;
    if (this.#aheadBytes > AHEAD_BYTES) this.#aheadBytes -= behind.forget();
    // In a drain it reads along, so that little is read from the disk again.
    if (this.#aheadBytes > AHEAD_BYTES / 2) void this.read();
  }

  /** An edge has shown where its chains end. */
  shown(chains: readonly (LinkedChain & { readonly sequence: number })[]): void {
    for (const chain of chains) {
      if (isRobot(chain.source) && chain.sequence > 0) this.#chain(chain).shown(chain.sequence);
    }
  }

  /**
   * An edge tells events ahead of their blocks; of what was read already it tells nothing new.
   *
   * @returns why they were not taken, or null
   * @throws what the store throws; then the edge tells them again
   */
  reported(chain: Parameters<Reports['take']>[0], events: readonly NotableEvent[]): Promise<string | null> {
    if (!isRobot(chain.source)) return Promise.resolve(null);
    return this.#inTurn(async () => {
      const { marked } = this.#chain(chain).place;
      const news = events.filter(({ sequence }) => sequence > marked);
      return news.length === 0 ? null : this.#options.reports.take(chain, news);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /**
   * How far those lives have come home of which something is missing, and the last life of each robot that is away. Of one
   * that is linked something is missing when what was read of it is older than what it says, by its own time: its link
   * is too narrow, or its blocks are refused.
   *
   * @param away epoch of each of these, by name
   * @param linked what each of the others said last
   */
  homecomings(away: ReadonlyMap<string, number>, linked: ReadonlyMap<string, Said> = new Map()): readonly Homecoming[] {
    const nowUs = this.#options.clock.nowUs();
    const last = new Map([...away].map(([source, epoch]) => [linkedKey({ source, epoch }), { source, epoch }]));
    const found = [...this.#chains].flatMap(([key, { chain, place, missing }]) => {
      const { openedUs, atUs } = place.state;
      const said = linked.get(chain.source);
      const isLate = said !== undefined && said.epoch === chain.epoch && said.atUs - atUs > LATE_US;
      if (!last.delete(key) && missing === 0 && !isLate) return [];
      return [{ ...chain, upToUs: place.marked === 0 ? 0 : wallTimeOf(openedUs, atUs, nowUs), missing }];
    });
    return [...found, ...[...last.values()].map((chain) => ({ ...chain, upToUs: 0, missing: 0 }))];
  }

  /** Reads everything that is stored. Resolves when it is kept, or cannot be. */
  read(): Promise<void> {
    this.#working ??= this.#work()
      .then(() => {
        this.failure = null;
      })
      .catch((error: Error) => {
        this.failure = String((error.cause as Error | undefined)?.message ?? error.message);
      })
      .finally(() => {
        this.#working = null;
      });
    return this.#working;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#end();
    this.#rest?.();
    await this.#working;
  }

  #chain({ source, epoch }: LinkedChain): ChainBehind {
    const key = linkedKey({ source, epoch });
    let behind = this.#chains.get(key);
    if (behind === undefined) {
      behind = new ChainBehind({ source, epoch });
      this.#chains.set(key, behind);
    }
    return behind;
  }

  async #work(): Promise<void> {
    const { realClock, places } = this.#options;
    const read = new Set<ChainBehind>();
    let keptUs = realClock.nowUs();
    const keepPlaces = async (): Promise<void> => {
      if (read.size > 0) await places.put([...read].map(({ place }) => place));
      read.clear();
      keptUs = realClock.nowUs();
    };
    for (;;) {
      const turn = [...this.#chains.values()].filter((chain) => chain.unread);
      if (turn.length === 0) break;
      for (const chain of turn) {
        if (this.#closed) return;
        await this.#slice(chain);
        read.add(chain);
      }
      // What a power cut takes of them is read again: in a drain now and then is enough.
      if (realClock.nowUs() - keptUs >= LOOK_EVERY_US) await keepPlaces();
    }
    const nowUs = realClock.nowUs();
    for (const chain of this.#chains.values()) {
      if (!chain.ripe(nowUs, QUIET_US)) continue;
      await this.#decide(chain);
      read.add(chain);
    }
    await keepPlaces();
  }

  /** Reads a little of a chain. Nothing of it counts before its marks are kept. */
  async #slice(chain: ChainBehind): Promise<void> {
    const beganUs = this.#options.realClock.nowUs();
    const from = await this.#inTurn(() => this.#readSlice(chain));
    if (from === 'stored') await this.#pause(beganUs);
    else await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
  }

  /** @returns where it was */
  async #readSlice(chain: ChainBehind): Promise<Unread['type']> {
    const { marked, state } = chain.place;
    const waiting = this.#options.reports.waiting(chain.chain);
    const unread = this.#unread(chain, waiting);
    const due = waiting?.keys() ?? [];
    const read =
      unread.type === 'found'
        ? unread.read
        : unread.type === 'brought'
          ? readStretch(unread.blocks, unread, state, due, chain.holds)
          : await this.#readStored(chain, unread, due);
    const marks = await this.#mark(chain, read.marks, read.state);
    const to = read.lastSequence;
    if (waiting !== undefined) await this.#options.reports.settle(chain.chain, to, read.seen, marks);
    this.counts.events += Math.max(0, to - marked);
    this.counts.marks += read.marks.length;
    this.counts.malformed += read.malformed;
    this.#aheadBytes -= chain.marked(read);
    return unread.type;
  }

  /** What was read before something was told that stands in it is read again. */
  #unread(chain: ChainBehind, waiting: ReadonlyMap<number, unknown> | undefined): Unread {
    const unread = chain.next(SLICE_BYTES);
    if (unread.type !== 'found' || waiting === undefined) return unread;
    const { firstSequence, lastSequence } = unread.read;
    const asked = new Set(unread.asked);
    const isNews = (sequence: number): boolean =>
      sequence >= firstSequence && sequence <= lastSequence && !asked.has(sequence);
    if (![...waiting.keys()].some(isNews)) return unread;
    this.#aheadBytes -= chain.forgetFirst();
    return chain.next(SLICE_BYTES);
  }

  async #readStored(
    { chain, place, holds }: ChainBehind,
    { firstSequence, lastSequence }: Stretch,
    due: Iterable<number>,
  ): Promise<ReadStretch> {
    const { store, tenant } = this.#options;
    const blocks: StoredBlock[] = [];
    let bytes = 0;
    for await (const block of store.blocks({ tenant, ...chain }, firstSequence, lastSequence)) {
      const before = { firstSequence, lastSequence: block.firstSequence - 1 };
      if (bytes >= SLICE_BYTES) return readStretch(blocks, before, place.state, due, holds);
      blocks.push(block);
      bytes += block.bytes.length;
    }
    // All that was stored when it began, whatever of it could be read.
    return readStretch(blocks, { firstSequence, lastSequence }, place.state, due, holds);
  }

  /** @returns ids of the marks */
  async #mark(
    { chain }: ChainBehind,
    found: readonly FoundMark[],
    { openedUs }: ReadState,
  ): Promise<ReadonlySet<string>> {
    if (found.length === 0) return new Set();
    const timeOf = await this.#timesOf(chain, openedUs);
    const { source: agentId, epoch } = chain;
    const marks = found.map(({ atUs, happened, decision }): Mark => {
      const answer = { decisionSequence: decision, decisionEpoch: decision === 0 ? 0 : epoch };
      return { id: markIdOf(agentId, epoch, atUs, happened), agentId, timeUs: timeOf(atUs), ...happened, ...answer };
    });
    await this.#options.marks.addRecorded(marks);
    return new Set(marks.map(({ id }) => id));
  }

  /** The opening's wall clock, run on; of who had no clock, when this hub's hybrid clock says that it was heard. */
  async #timesOf(chain: LinkedChain, openedUs: number): Promise<(atUs: number) => number> {
    const { clock, moments, tenant } = this.#options;
    const nowUs = clock.nowUs();
    if (hasClock(openedUs)) return (atUs) => wallTimeOf(openedUs, atUs, nowUs);
    const marks = await moments.of({ tenant, ...chain });
    const heardUs = new ChainMoments(marks).at(Number.MAX_SAFE_INTEGER, 0).us;
    return () => (heardUs > 0 && heardUs < nowUs ? heardUs : nowUs);
  }

  /** Keeps the decisions of a chain that has come to its end for now: of very many the newest. */
  async #decide(chain: ChainBehind): Promise<void> {
    const held = chain.heldDecisions();
    if (held !== null) await this.#keepDecisions(chain, held);
    else await this.#decideFromStore(chain);
    chain.decided();
  }

  async #decideFromStore(chain: ChainBehind): Promise<void> {
    const { decided, marked, state } = chain.place;
    const of = { tenant: this.#options.tenant, ...chain.chain };
    let beganUs = this.#options.realClock.nowUs();
    let bytes = 0;
    let found: FoundDecision[] = [];
    for await (const block of this.#options.store.blocks(of, decided + 1, marked)) {
      if (this.#closed) throw new Error('the hub ends');
      const { decisions } = readStretch([block], { firstSequence: decided + 1, lastSequence: marked }, state, [], true);
      found.push(...decisions.filter(({ event }) => event > decided && event <= marked));
      bytes += block.bytes.length;
      if (found.length < BATCH && bytes < SLICE_BYTES) continue;
      await this.#keepDecisions(chain, found);
      await this.#pause(beganUs);
      [found, bytes, beganUs] = [[], 0, this.#options.realClock.nowUs()];
    }
    await this.#keepDecisions(chain, found);
  }

  async #keepDecisions({ chain, place }: ChainBehind, found: readonly FoundDecision[]): Promise<void> {
    if (found.length === 0) return;
    const { source: agentId, epoch } = chain;
    const timeOf = await this.#timesOf(chain, place.state.openedUs);
    const decisions = found.map(({ sequence, atUs, data }): RecordedDecision => {
      return { agentId, epoch, sequence, atUs, timeUs: timeOf(atUs), data };
    });
    this.counts.malformed += await this.#options.decisions.addRecorded(decisions);
    this.counts.decisions += decisions.length;
  }

  /** Reading from the disk gives way to everything else. */
  async #pause(beganUs: number): Promise<void> {
    if (this.#closed) return;
    const { realClock } = this.#options;
    const us = REST * Math.max(0, realClock.nowUs() - beganUs);
    await new Promise<void>((resolve) => {
      const cancel = realClock.after(us, resolve);
      this.#rest = () => {
        cancel();
        resolve();
      };
    });
    this.#rest = null;
  }
}

/** The hub marks its own doings as they happen; a world has no decisions and breaks no promise. */
const isRobot = (source: string): boolean => source !== HUB && !source.startsWith('world-');
