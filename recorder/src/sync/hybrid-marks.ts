import type { ChainId } from '../event.ts';
import { compareHybrid, type HybridTime } from './hybrid-clock.ts';
import type { LinkedChain } from './sync-words.ts';

/**
 * The moment of a batch that its blocks do not tell by themselves (R128): where it is another than the wall clock of the
 * last event, since that clock is behind something that was heard before.
 */
export interface HybridMark extends LinkedChain {
  /** First and last event of the batch. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly time: HybridTime;
}

/** Where a hub keeps marks, beside the blocks that they are of. */
export interface HybridMarks {
  /** Resolves when it is kept: before the blocks, so that none of these is ever without. Of two marks of the same events the first stands: others have followed it since. */
  add(mark: HybridMark): Promise<void>;
  /** Those of one chain, by their last event; a batch that was sent again may have been cut elsewhere. */
  of(chain: ChainId): Promise<readonly HybridMark[]>;
  /** The greatest moment of all that are kept, or null. */
  newest(): Promise<HybridTime | null>;
}

/** What is to be kept of a batch, or null. @param wallUs of its last event */
export function markOf(batch: Omit<HybridMark, 'time'>, time: HybridTime, wallUs: number): HybridMark | null {
  const { source, epoch, firstSequence, lastSequence } = batch;
  if (time.us === wallUs && time.count === 0) return null;
  return { source, epoch, firstSequence, lastSequence, time };
}

/** Gives the events of one chain their moments, asked in order: they never go back. */
export class ChainMoments {
  readonly #marks: readonly HybridMark[];
  #next = 0;
  #now: HybridTime = { us: 0, count: 0 };

  /** @param marks of the chain, by their last event */
  constructor(marks: readonly HybridMark[]) {
    this.#marks = marks;
  }

  at(sequence: number, wallUs: number): HybridTime {
    while ((this.#marks[this.#next]?.lastSequence ?? Number.POSITIVE_INFINITY) < sequence) this.#pass(this.#next++);
    const mark = this.#marks[this.#next];
    const marked = mark !== undefined && mark.firstSequence <= sequence;
    const time = marked ? mark.time : { us: wallUs, count: 0 };
    if (compareHybrid(time, this.#now) > 0) this.#now = time;
    return this.#now;
  }

  /** What stands behind a mark is after it, also when nothing was asked of it. */
  #pass(place: number): void {
    const { time } = this.#marks[place] as HybridMark;
    if (compareHybrid(time, this.#now) > 0) this.#now = time;
  }
}

/** Marks in memory, of a hub whose recording is not its own. */
export function memoryMarks(): HybridMarks {
  const kept = new Map<string, HybridMark>();
  return {
    add: async (mark) => {
      const { source, epoch, firstSequence, lastSequence } = mark;
      const key = `${source}\0${epoch}\0${firstSequence}\0${lastSequence}`;
      if (!kept.has(key)) kept.set(key, mark);
    },
    of: async ({ source, epoch }) =>
      [...kept.values()]
        .filter((mark) => mark.source === source && mark.epoch === epoch)
        .sort((a, b) => a.lastSequence - b.lastSequence || a.firstSequence - b.firstSequence),
    newest: async () =>
      [...kept.values()].reduce<HybridTime | null>(
        (newest, { time }) => (newest === null || compareHybrid(time, newest) > 0 ? time : newest),
        null,
      ),
  };
}
