export interface TailJudgement {
  /** Delays without backlogs that are kept, the newest; as many of them, and as many beside one, as conclude something. */
  readonly kept: number;
  readonly alone: number;
  readonly beside: number;
  /** The share that is slow anyway. */
  readonly slow: number;
  /** So much later may be what is live: beside a fifth of its delay, what is little beside all that it waits for. */
  readonly unfeltUs: number;
}

const LATER = 0.2;
/** What comes together tells one thing: its longest delay. */
const BURST_US = 5_000;

/**
 * How late something is beside backlogs and without them. What is held against each other is how many are slow: later by
 * a fifth than the slowest of those without, of which the share is known. More of them than chance makes (two standard
 * deviations of a binomial distribution) is late, and is said as soon as there are so many.
 */
export class DelayTail {
  readonly #by: TailJudgement;
  /** Delays beside a backlog that conclude something, and how many of these are slow by chance at most. */
  #enough = 0;
  #most = 0;
  #alone: number[] = [];
  #slowUs: number | null = null;
  #count = 0;
  #slow = 0;
  #burst = { fromUs: Number.NEGATIVE_INFINITY, us: 0, beside: false };

  constructor(by: TailJudgement) {
    this.#by = by;
    this.#concludeBy(1);
  }

  /** @returns whether it may say something else now */
  add(us: number, beside: boolean, nowUs: number): boolean {
    const burst = this.#burst;
    if (nowUs - burst.fromUs < BURST_US) {
      this.#burst = { fromUs: burst.fromUs, us: Math.max(burst.us, us), beside: burst.beside || beside };
      return false;
    }
    this.#burst = { fromUs: nowUs, us, beside };
    if (burst.fromUs === Number.NEGATIVE_INFINITY) return false;
    return burst.beside ? this.#beside(burst.us) : this.#without(burst.us);
  }

  /** Whether it is later beside backlogs; null when too little is known. */
  get late(): boolean | null {
    if (this.#slow > this.#most) return true;
    return this.#slowUs === null || this.#count < this.#enough ? null : false;
  }

  /**
   * The pace was changed: what stands beside a backlog from now on is another thing.
   *
   * @param share of what concludes something as a rule, above 0 and at most 1: less is sooner, and less certain
   */
  begin(share = 1): void {
    const { alone, slow, unfeltUs } = this.#by;
    this.#concludeBy(share);
    this.#count = 0;
    this.#slow = 0;
    if (this.#alone.length < alone) return;
    const sorted = new Float64Array(this.#alone).sort();
    this.#slowUs = (sorted[Math.floor((1 - slow) * (sorted.length - 1))] as number) * (1 + LATER) + unfeltUs;
  }

  #without(us: number): boolean {
    this.#alone.push(us);
    if (this.#alone.length > this.#by.kept) this.#alone.shift();
    if (this.#slowUs !== null || this.#alone.length < this.#by.alone) return false;
    this.begin(this.#enough / this.#by.beside);
    return false;
  }

  #concludeBy(share: number): void {
    const { beside, slow } = this.#by;
    this.#enough = Math.ceil(beside * share);
    this.#most = this.#enough * slow + 2 * Math.sqrt(this.#enough * slow * (1 - slow));
  }

  #beside(us: number): boolean {
    if (this.#slowUs === null || this.late !== null) return false;
    this.#count++;
    if (us > this.#slowUs) this.#slow++;
    return this.late !== null;
  }
}
