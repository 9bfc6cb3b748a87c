/** Bounds bytes a second (R126). Time is given, never read; one that goes back adds nothing. */
export class TokenBucket {
  readonly #bytesPerS: number;
  readonly #most: number;
  #tokens: number;
  #atUs: number | null = null;

  /** @param bytesPerS Infinity: no bound. @param most bytes that gather while nothing is sent */
  constructor(bytesPerS: number, most: number) {
    if (!(bytesPerS > 0) || !(most > 0)) throw new RangeError('a bucket fills, and holds something');
    this.#bytesPerS = bytesPerS;
    this.#most = most;
    this.#tokens = most;
  }

  /** Microseconds until `debt` bytes below nothing are reached from below; 0: now. @param debt that is borne, not negative */
  waitUs(nowUs: number, debt = 0): number {
    if (this.#bytesPerS === Number.POSITIVE_INFINITY) return 0;
    this.#fill(nowUs);
    const lack = -debt - this.#tokens;
    return lack <= 0 ? 0 : Math.ceil((lack / this.#bytesPerS) * 1e6);
  }

  /** Takes bytes, into debt where they are more than there is. */
  take(bytes: number, nowUs: number): void {
    if (this.#bytesPerS === Number.POSITIVE_INFINITY) return;
    this.#fill(nowUs);
    this.#tokens -= bytes;
  }

  /** Puts back what was taken for more than was sent. */
  giveBack(bytes: number): void {
    this.#tokens = Math.min(this.#most, this.#tokens + bytes);
  }

  get most(): number {
    return this.#most;
  }

  #fill(nowUs: number): void {
    const sinceUs = this.#atUs === null ? 0 : Math.max(0, nowUs - this.#atUs);
    this.#atUs = nowUs;
    this.#tokens = Math.min(this.#most, this.#tokens + (sinceUs * this.#bytesPerS) / 1e6);
  }
}
