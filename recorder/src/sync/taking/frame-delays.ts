/** The least delay is that of this stretch of time and the one before. */
const STRETCH_US = 10_000_000;

/**
 * How much later frames of one link come than its quickest ones. Their moment is told by another clock: what stays the
 * same of the difference is no delay, and a clock that was set is one for a few seconds only.
 */
export class FrameDelays {
  #fromUs = Number.NEGATIVE_INFINITY;
  #before = Number.POSITIVE_INFINITY;
  #least = Number.POSITIVE_INFINITY;

  /** @param differenceUs between when it came, by a clock that never goes back, and when it was made @returns 0 or more */
  late(differenceUs: number, nowUs: number): number {
    if (nowUs - this.#fromUs >= STRETCH_US) {
      this.#before = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#fromUs = nowUs;
    }
    this.#least = Math.min(this.#least, differenceUs);
    return differenceUs - Math.min(this.#least, this.#before);
  }
}
