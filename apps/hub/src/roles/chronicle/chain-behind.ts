import type { LinkedChain, SealedBlock } from '@sigma/recorder';
import { type FoundDecision, UNREAD } from './read-on.ts';
import type { ReadPlace } from './read-places.ts';
import type { ReadFrom, ReadStretch, Stretch } from './read-stretch.ts';

/** Of one agent; older ones would not be kept (DecisionArchive). */
const MOST_DECISIONS = 20_000;
/** Bytes of decisions of one chain that wait in memory; what is more is read from the store again. */
const HELD_BYTES = 128 * 1024;
/** About what else of a stretch is held: itself, each of its marks, decisions and seen events, and each place. */
const AROUND_BYTES = 512;
const EACH_BYTES = 256;
const PLACE_BYTES = 8;

/** A stretch that was read by whoever stored it. */
interface FoundStretch extends Stretch {
  readonly read: ReadStretch;
  /** Reported events that were looked for. */
  readonly asked: readonly number[];
  /** About what it holds. */
  readonly bytes: number;
}

/** What is read next of a chain. */
export type Unread =
  | ({ readonly type: 'found' } & Pick<FoundStretch, 'read' | 'asked'>)
  | ({ readonly type: 'brought'; readonly blocks: readonly SealedBlock[] } & Stretch)
  /** Nobody holds it. */
  | ({ readonly type: 'stored' } & Stretch);

/** A chain that came home: what of it was read, and what waits. Knows no store and no clock. */
export class ChainBehind {
  readonly chain: LinkedChain;
  #place: ReadPlace;
  #end = 0;
  #shown = 0;
  #grownUs = 0;
  /** In order, all behind `marked`: blocks as they came, and stretches that were read. What is not there is in the store. */
  #ahead: (SealedBlock | FoundStretch)[] = [];
  /** Places of decisions behind `decided`, the oldest first. */
  #waiting: number[] = [];
  /** Whether these are all; those that waited in an earlier life of the hub are not among them. */
  #known = true;
  #held: FoundDecision[] | null = [];
  #heldBytes = 0;

  constructor(chain: LinkedChain) {
    this.chain = chain;
    this.#place = { ...chain, marked: 0, decided: 0, state: UNREAD };
  }

  get place(): ReadPlace {
    return this.#place;
  }

  get unread(): boolean {
    return this.#place.marked < this.#end;
  }

  /** Events that were shown, and not read yet. What comes live is read a moment later, and no more on its way than that. */
  get missing(): number {
    return Math.max(0, this.#shown - this.#place.marked);
  }

  /** Whether what its decisions say is held. */
  get holds(): boolean {
    return this.#held !== null;
  }

  /** Behind the last stretch that was read, whether it counts yet or not: its state follows from the chain alone. */
  get readUpTo(): Pick<ReadFrom, 'next' | 'state'> {
    const last = this.#ahead.findLast(isFound);
    if (last === undefined) return { next: this.#place.marked + 1, state: this.#place.state };
    return { next: last.lastSequence + 1, state: last.read.state };
  }

  /** The last event that was read or is in memory. */
  get #reach(): number {
    const last = this.#ahead.at(-1);
    return last === undefined ? this.#place.marked : lastOf(last);
  }

  goOn(place: ReadPlace): void {
    this.#place = place;
    this.#end = place.marked;
    if (place.decided === place.marked) return;
    this.#known = false;
    this.#held = null;
  }

  stored(sequence: number, nowUs: number): void {
    if (sequence <= this.#end) return;
    this.#end = sequence;
    this.#grownUs = nowUs;
  }

  shown(sequence: number): void {
    this.#shown = sequence;
  }

  /** Takes blocks that go on from what there is. @returns bytes that are held more than before */
  bring(blocks: readonly SealedBlock[]): number {
    if (blocks[0]?.firstSequence !== this.#reach + 1) return 0;
    this.#ahead.push(...blocks);
    return sizeOf(blocks);
  }

  /** Takes what was read behind all that there is. @returns bytes that are held more than before */
  find(read: ReadStretch, asked: readonly number[]): number {
    const { firstSequence, lastSequence, marks, decided, decisions, seen } = read;
    if (firstSequence <= this.#reach) return 0;
    const each = PLACE_BYTES * decided.length + EACH_BYTES * (marks.length + decisions.length + seen.length);
    const bytes = decisions.reduce((sum, { data }) => sum + data.length, AROUND_BYTES + each);
    this.#ahead.push({ firstSequence, lastSequence, read, asked, bytes });
    return bytes;
  }

  /** Lets go of all that is in memory. @returns its bytes */
  forget(): number {
    return sizeOf(this.#ahead.splice(0));
  }

  /** Lets go of what is in memory first. @returns its bytes */
  forgetFirst(): number {
    return sizeOf(this.#ahead.splice(0, 1));
  }

  /** What is read next, which stays until it is marked: of blocks in memory the first ones of about so many bytes. */
  next(mostBytes: number): Unread {
    const firstSequence = this.#place.marked + 1;
    const [first] = this.#ahead;
    if (first === undefined) return { type: 'stored', firstSequence, lastSequence: this.#end };
    if (first.firstSequence > firstSequence) {
      return { type: 'stored', firstSequence, lastSequence: first.firstSequence - 1 };
    }
    if (isFound(first)) return { type: 'found', ...first };
    const blocks: SealedBlock[] = [];
    let bytes = 0;
    let lastSequence = 0;
    for (const block of this.#ahead) {
      if (isFound(block)) break;
      blocks.push(block);
      lastSequence = lastOf(block);
      bytes += block.bytes.length;
      if (bytes >= mostBytes) break;
    }
    return { type: 'brought', blocks, firstSequence, lastSequence };
  }

  /** Marks up to the end of this are kept; its decisions wait. @returns bytes that are let go */
  marked({ lastSequence: sequence, state, decided: places, decisions }: ReadStretch): number {
    let { decided } = this.#place;
    for (const place of places) this.#waiting.push(place);
    if (decisions.length < places.length) this.#held = null;
    for (const decision of decisions) this.#hold(decision);
    const tooMany = this.#waiting.splice(0, Math.max(0, this.#waiting.length - MOST_DECISIONS));
    if (this.#known) decided = (this.#waiting[0] ?? sequence + 1) - 1;
    else decided = Math.max(decided, tooMany.at(-1) ?? 0);
    this.#place = { ...this.chain, marked: sequence, decided, state };
    // What begins before helps nobody any more, also where it goes on behind.
    const kept = this.#ahead.findIndex(({ firstSequence }) => firstSequence > sequence);
    return sizeOf(this.#ahead.splice(0, kept < 0 ? this.#ahead.length : kept));
  }

  /** Whether decisions wait that shall wait no longer: all that was shown is here, or nothing has come for a while. */
  ripe(nowUs: number, quietUs: number): boolean {
    if (this.unread || this.#place.decided >= this.#place.marked) return false;
    return this.#end >= this.#shown || nowUs - this.#grownUs >= quietUs;
  }

  /** Decisions that wait, or null when they are to be read from the store. */
  heldDecisions(): readonly FoundDecision[] | null {
    return this.#held;
  }

  /** The decisions that waited are kept. */
  decided(): void {
    this.#place = { ...this.#place, decided: this.#place.marked };
    this.#waiting = [];
    this.#known = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #hold(decision: FoundDecision): void {
    this.#heldBytes += decision.data.length;
    if (this.#heldBytes > HELD_BYTES) this.#held = null;
    // A copy: a view would keep its whole block.
    this.#held?.push({ ...decision, data: decision.data.slice() });
  }
}

const isFound = (ahead: SealedBlock | FoundStretch): ahead is FoundStretch => 'read' in ahead;
const lastOf = (ahead: SealedBlock | FoundStretch): number =>
  isFound(ahead) ? ahead.lastSequence : ahead.firstSequence + ahead.count - 1;
const sizeOf = (ahead: readonly (SealedBlock | FoundStretch)[]): number =>
  ahead.reduce((sum, one) => sum + (isFound(one) ? one.bytes : one.bytes.length), 0);
