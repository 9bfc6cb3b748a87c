import type { Signal } from '@sigma/kernel';

export interface CommitGateOptions {
  /** Without a durable record for this long, the recorder counts as down. */
  readonly downAfterUs: number;
  /** Most outputs held back; the oldest give way (and are counted) when it is full. */
  readonly holdAtMost?: number;
}

/** How an output may leave. */
export interface Passage {
  /** True for safety: it leaves at once and is recorded after. */
  readonly urgent: boolean;
  /**
   * What the output replaces where it arrives, such as `command`: an urgent output discards what is still held in its
   * lane, so that an older command can never follow a safety command. Null: it replaces nothing (a message).
   */
  readonly lane: string | null;
  /**
   * True for a report of what the record holds: it is as true later, so it outlasts a recorder that is down. All else
   * was decided for its moment.
   */
  readonly report?: boolean;
}

interface Held<Output> {
  readonly output: Output;
  readonly lane: string | null;
  readonly report: boolean;
  /** Last sequence of the block with its decision and inputs; null until that block is sealed. */
  sequence: number | null;
}

/**
 * The output-commit rule (SPEC R50 to R54; Elnozahy et al., "A survey of rollback-recovery protocols", 2002, §3):
 * outputs leave only once what they follow from is durable, safety excepted. Decides and does nothing: each call
 * returns what leaves now, in order.
 *
 * A wake is `offer`ed with its outputs, a cut of the journal is `sealed` with its last sequence, the store's
 * acknowledgement is `durable`. While the recorder is down nothing but urgent outputs pass, and what was held, reports
 * excepted, is discarded: it was decided for a moment that is gone.
 */
export class CommitGate<Output> {
  readonly #downAfterUs: number;
  readonly #holdAtMost: number;
  #held: Held<Output>[] = [];
  /** Held outputs, at the end of the list, that no block covers yet. */
  #unsealed = 0;
  /** Times of the first wake in each block not yet durable, the block being written last. */
  #open: { readonly sinceUs: number; sequence: number | null }[] = [];
  #failed = false;
  #down = false;
  #discarded = 0;

  constructor({ downAfterUs, holdAtMost = 10_000 }: CommitGateOptions) {
    this.#downAfterUs = downAfterUs;
    this.#holdAtMost = holdAtMost;
  }

  /** True while the recorder counts as down. */
  get down(): boolean {
    return this.#down;
  }

  /** Outputs that wait. */
  get holding(): number {
    return this.#held.length;
  }

  /** True while an output waits that no block covers yet. */
  get unsealed(): boolean {
    return this.#unsealed > 0;
  }

  /** Outputs that never left: replaced by safety, decided while the recorder was down, or pushed out. */
  get discarded(): number {
    return this.#discarded;
  }

  /** The agent woke: from now on there is something to make durable, whether or not it said anything. */
  woke(atUs: number): void {
    const last = this.#open[this.#open.length - 1];
    if (last === undefined || last.sequence !== null) this.#open.push({ sinceUs: atUs, sequence: null });
    // A disk that never answers must not cost memory: only the oldest block and the newest tell anything then.
    if (this.#open.length > this.#holdAtMost) this.#open.splice(1, 1);
  }

  /** @returns the output itself when it leaves now, else nothing */
  offer(output: Output, { urgent, lane, report = false }: Passage, atUs: number): readonly Output[] {
    this.woke(atUs);
    if (urgent) {
      if (lane !== null) this.overtake(lane);
      return [output];
    }
    if (this.#down && !report) {
      this.#discarded++;
      return NOTHING;
    }
    this.#held.push({ output, lane, report, sequence: null });
    this.#unsealed++;
    if (this.#held.length > this.#holdAtMost) {
      this.#held.shift();
      this.#unsealed = Math.min(this.#unsealed, this.#held.length);
      this.#discarded++;
    }
    return NOTHING;
  }

  /** Discards what is held in a lane: something newer holds where it would have arrived. */
  overtake(lane: string): void {
    if (this.#held.length > 0) this.#discard((held) => held.lane === lane);
  }

  /** Everything offered so far stands in blocks up to `sequence`, which are on their way to the disk. */
  sealed(sequence: number): void {
    for (let i = this.#held.length - this.#unsealed; i < this.#held.length; i++) {
      (this.#held[i] as Held<Output>).sequence = sequence;
    }
    this.#unsealed = 0;
    const writing = this.#open[this.#open.length - 1];
    if (writing !== undefined) writing.sequence ??= sequence;
  }

  /** Everything up to `sequence`, inclusive, is on disk. @returns what leaves now, oldest first */
  durable(sequence: number): readonly Output[] {
    const onDisk = (at: number | null): boolean => at !== null && at <= sequence;
    this.#open = this.#open.filter((block) => !onDisk(block.sequence));
    if (this.#open.every((block) => block.sequence === null)) this.#failed = false;
    let count = 0;
    while (count < this.#held.length && onDisk((this.#held[count] as Held<Output>).sequence)) count++;
    return count === 0 ? NOTHING : this.#held.splice(0, count).map(({ output }) => output);
  }

  /** The recorder said that it cannot write: it is down, at the next `check`, until everything sealed is durable. */
  failed(): void {
    this.#failed = true;
  }

  /**
   * Judges the recorder; call it at every wake, before the inbox is folded.
   *
   * @returns a stimulus for the kernel when the judgement changed: `recorder_down` 1, or 0 when it is back
   */
  check(atUs: number): Signal | null {
    const oldest = this.#open[0];
    const down = this.#failed || (oldest !== undefined && atUs - oldest.sinceUs > this.#downAfterUs);
    if (down === this.#down) return null;
    this.#down = down;
    if (down) this.#discard(({ report }) => !report);
    return { kind: 'signal', name: 'recorder_down', value: down ? 1 : 0 };
  }

  #discard(which: (held: Held<Output>) => boolean): void {
    const kept = this.#held.filter((held) => !which(held));
    this.#discarded += this.#held.length - kept.length;
    this.#held = kept;
    this.#unsealed = kept.filter(({ sequence }) => sequence === null).length;
  }
}

const NOTHING: readonly never[] = [];
