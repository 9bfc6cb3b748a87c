import type { LinkedChain, SealedBlock } from '@sigma/recorder';
import { type FoundDecision, type ReadState, UNREAD } from './read-on.ts';
import type { ReadPlace } from './read-places.ts';

/** Of one agent; older ones would not be kept (DecisionArchive). */
const MOST_DECISIONS = 20_000;
/** Bytes of decisions of one chain that wait in memory; what is more is read from the store again. */
const HELD_BYTES = 128 * 1024;

/** A chain that came home: what of it was read, and what waits. Knows no store and no clock. */
export class ChainBehind {
  readonly chain: LinkedChain;
  #place: ReadPlace;
  #end = 0;
  #shown = 0;
  #grownUs = 0;
  /** Blocks as they came, from behind `marked` on without a hole; empty: they are read from the store. */
  #ahead: SealedBlock[] = [];
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

  /** The last event that is stored. */
  get end(): number {
    return this.#end;
  }

  get unread(): boolean {
    return this.#place.marked < this.#end;
  }

  /** Events that were shown or stored, and not read yet. */
  get missing(): number {
    return Math.max(0, Math.max(this.#shown, this.#end) - this.#place.marked);
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
  bring(blocks: readonly SealedBlock[], bytes: number): number {
    const [first] = blocks;
    const last = this.#ahead.at(-1);
    const next = last === undefined ? this.#place.marked + 1 : last.firstSequence + last.count;
    if (first === undefined || first.firstSequence !== next) return 0;
    this.#ahead.push(...blocks);
    return bytes;
  }

  /** Lets go of blocks in memory. @returns their bytes */
  forget(): number {
    const bytes = sizeOf(this.#ahead);
    this.#ahead = [];
    return bytes;
  }

  /** The first blocks in memory of about so many bytes, which stay until they are marked. */
  brought(mostBytes: number): readonly SealedBlock[] {
    let bytes = 0;
    let count = 0;
    for (const block of this.#ahead) {
      count++;
      bytes += block.bytes.length;
      if (bytes >= mostBytes) break;
    }
    return this.#ahead.slice(0, count);
  }

  /** Marks up to this event are kept; these decisions wait. @returns bytes of blocks that are let go */
  marked(sequence: number, state: ReadState, decisions: readonly FoundDecision[]): number {
    let { decided } = this.#place;
    for (const decision of decisions) {
      this.#waiting.push(decision.event);
      this.#hold(decision);
    }
    const tooMany = this.#waiting.splice(0, Math.max(0, this.#waiting.length - MOST_DECISIONS));
    if (this.#known) decided = (this.#waiting[0] ?? sequence + 1) - 1;
    else decided = Math.max(decided, tooMany.at(-1) ?? 0);
    this.#place = { ...this.chain, marked: sequence, decided, state };
    const kept = this.#ahead.findIndex(({ firstSequence, count }) => firstSequence + count - 1 > sequence);
    const gone = this.#ahead.splice(0, kept < 0 ? this.#ahead.length : kept);
    const rest = this.#ahead[0];
    // A block from the middle on helps nobody.
    if (rest !== undefined && rest.firstSequence !== sequence + 1) return sizeOf(gone) + this.forget();
    return sizeOf(gone);
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

const sizeOf = (blocks: readonly SealedBlock[]): number => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
