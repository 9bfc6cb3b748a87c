const KEPT = 4_096;

/** The latest 4,096 values, for percentiles by nearest rank. */
export class Percentiles {
  readonly #values = new Float64Array(KEPT);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % KEPT] = value;
  }

  /** `share` 0 to 1; 0 when nothing was measured. */
  at(share: number): number {
    const sorted = this.#values.slice(0, Math.min(this.#count, KEPT)).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }
}
