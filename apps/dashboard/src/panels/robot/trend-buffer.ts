/**
 * The last readings of one sensor in a ring of fixed size. Every value is written twice, a ring's length apart, so that
 * the window in order of time is one stretch of memory: a plot reads it without a copy.
 */
export class TrendBuffer {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #size: number;
  #next = 0;
  #count = 0;

  /** `size`: readings kept. */
  constructor(size: number) {
    this.#size = size;
    this.#times = new Float64Array(size * 2);
    this.#values = new Float64Array(size * 2);
  }

  /** Takes a reading; one that is not newer than the last is no new reading. `atS`: seconds, `value`: NaN for none. */
  push(atS: number, value: number): boolean {
    if (this.#count > 0 && atS <= (this.#times[(this.#next + this.#size - 1) % this.#size] as number)) return false;
    this.#times[this.#next] = atS;
    this.#times[this.#next + this.#size] = atS;
    this.#values[this.#next] = value;
    this.#values[this.#next + this.#size] = value;
    this.#next = (this.#next + 1) % this.#size;
    this.#count = Math.min(this.#count + 1, this.#size);
    return true;
  }

  get count(): number {
    return this.#count;
  }

  /** Times and values, oldest first. Views: valid until the next `push`. */
  window(): readonly [times: Float64Array, values: Float64Array] {
    const from = this.#count < this.#size ? 0 : this.#next;
    return [this.#times.subarray(from, from + this.#count), this.#values.subarray(from, from + this.#count)];
  }
}
