/** A moment of a hybrid logical clock: microseconds since 1970 and a count that tells moments of one microsecond apart. */
export interface HybridTime {
  readonly us: number;
  readonly count: number;
}

const BEFORE_ALL: HybridTime = { us: 0, count: 0 };

/** Negative when `a` is before `b`, 0 when they are one moment. */
export const compareHybrid = (a: HybridTime, b: HybridTime): number => a.us - b.us || a.count - b.count;

/** A clock this far ahead of the own one is wrong rather than early: somebody must know. */
export const ALARMING_AHEAD_US = 60_000_000;
/**
 * A wrong clock is followed all the same, since what was heard has happened: what is lost is that moments are near the
 * wall clock, never that causes come first. What is further ahead than this is no clock, and would spoil all others'.
 */
export const MOST_AHEAD_US = 31 * 86_400_000_000;

/**
 * A hybrid logical clock: S. Kulkarni, M. Demirbas, D. Madappa, B. Avva, M. Leone, "Logical Physical Clocks" (2014),
 * figure 5. Greater than everything heard before, and as near to the wall clock as that allows.
 */
export class HybridClock {
  #now: HybridTime;

  /** @param last where an earlier life of this clock stood */
  constructor(last: HybridTime = BEFORE_ALL) {
    this.#now = last;
  }

  /** The newest moment given or heard. */
  get now(): HybridTime {
    return this.#now;
  }

  /** A moment after all before. @param wallUs may stand still or go back */
  tick(wallUs: number): HybridTime {
    const { us, count } = this.#now;
    this.#now = wallUs > us ? { us: wallUs, count: 0 } : { us, count: count + 1 };
    return this.#now;
  }

  /**
   * A moment was heard: what happens here from now on is after it.
   *
   * @returns false when it is more than a minute ahead of this wall clock; by more than a month it is not followed
   */
  hear(heard: HybridTime, wallUs: number): boolean {
    if (heard.us - wallUs > MOST_AHEAD_US) return false;
    if (compareHybrid(heard, this.#now) > 0) this.#now = heard;
    return heard.us - wallUs <= ALARMING_AHEAD_US;
  }
}
