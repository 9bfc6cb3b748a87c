/**
 * Median and median absolute deviation of the last `capacity` values: the robust counterparts of mean and standard
 * deviation (Rousseeuw & Croux, "Alternatives to the median absolute deviation", JASA 1993). One sorted copy of the
 * window is kept, so a value costs one binary search and one move of the part between the old and the new place.
 */
export class RollingMedian {
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #next = 0;
  #count = 0;

  /** @param capacity values to keep, >= 3 */
  constructor(capacity: number) {
    if (!(Number.isInteger(capacity) && capacity >= 3))
      throw new RangeError(`a window of ${capacity} values has no median to speak of`);
    this.#ring = new Float64Array(capacity);
    this.#sorted = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** @param value finite */
  add(value: number): void {
    const full = this.#count === this.#ring.length;
    let end = this.#count;
    if (full) {
      const old = this.#find(this.#ring[this.#next] as number, this.#count);
      this.#sorted.copyWithin(old, old + 1, this.#count);
      end--;
    }
    const place = this.#find(value, end);
    this.#sorted.copyWithin(place + 1, place, end);
    this.#sorted[place] = value;
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % this.#ring.length;
    this.#count = end + 1;
  }

  /** The smallest index whose value is not below `value`. */
  #find(value: number, end: number): number {
    let low = 0;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** NaN without values; the upper one of two middles. */
  median(): number {
    return this.#count === 0 ? Number.NaN : (this.#sorted[this.#count >>> 1] as number);
  }

  /** Median distance from the median. Found by two pointers walking outwards from the middle, so nothing is sorted. */
  deviation(): number {
    const middle = this.#count >>> 1;
    const centre = this.median();
    let below = middle - 1;
    let above = middle;
    let distance = 0;
    for (let taken = 0; taken <= middle && taken < this.#count; taken++) {
      const down = below >= 0 ? centre - (this.#sorted[below] as number) : Number.POSITIVE_INFINITY;
      const up = above < this.#count ? (this.#sorted[above] as number) - centre : Number.POSITIVE_INFINITY;
      if (up <= down) {
        distance = up;
        above++;
      } else {
        distance = down;
        below--;
      }
    }
    return distance;
  }
}
