/** One sample of every robot's charge each so often; half an hour of them. */
export const SAMPLE_MS = 15_000;
const SAMPLES = 120;
/** Less than this share in an hour is no trend but noise of the gauge. */
const LEAST_PER_HOUR = 0.01;
/** A trend needs this much time behind it. */
const LEAST_SAMPLES = 4;

export interface Charge {
  /** Share of the battery in an hour: negative while it empties; NaN while there is no trend yet. */
  readonly perHour: number;
  readonly word: 'charging' | 'emptying' | 'steady' | 'unknown';
}

/**
 * How the charge of every robot goes, in one block of memory: a row a robot, a ring of samples. The rate is the slope of
 * the samples by least squares, so that one odd reading does not turn it.
 */
export class BatteryTrends {
  readonly #rows = new Map<string, number>();
  #samples = new Float32Array(0);
  #next = 0;
  #taken = 0;

  /** Takes one sample of each; `charge` 0 to 1 or NaN, in the order of the ids. */
  sample(ids: readonly string[], charge: Float32Array): void {
    for (const id of ids) if (!this.#rows.has(id)) this.#rows.set(id, this.#rows.size);
    this.#grow(this.#rows.size);
    for (const row of this.#rows.values()) this.#samples[row * SAMPLES + this.#next] = Number.NaN;
    ids.forEach((id, k) => {
      this.#samples[(this.#rows.get(id) as number) * SAMPLES + this.#next] = charge[k] ?? Number.NaN;
    });
    this.#next = (this.#next + 1) % SAMPLES;
    this.#taken = Math.min(this.#taken + 1, SAMPLES);
  }

  of(id: string): Charge {
    const row = this.#rows.get(id);
    if (row === undefined) return UNKNOWN;
    let count = 0;
    let sumX = 0;
    let sumY = 0;
    let sumXX = 0;
    let sumXY = 0;
    for (let back = 1; back <= this.#taken; back++) {
      const value = this.#samples[row * SAMPLES + ((this.#next - back + SAMPLES) % SAMPLES)] as number;
      if (Number.isNaN(value)) continue;
      const x = -back;
      count++;
      sumX += x;
      sumY += value;
      sumXX += x * x;
      sumXY += x * value;
    }
    if (count < LEAST_SAMPLES) return UNKNOWN;
    const slope = (count * sumXY - sumX * sumY) / (count * sumXX - sumX * sumX);
    const perHour = slope * (3_600_000 / SAMPLE_MS);
    return {
      perHour,
      word: perHour > LEAST_PER_HOUR ? 'charging' : perHour < -LEAST_PER_HOUR ? 'emptying' : 'steady',
    };
  }

  #grow(rows: number): void {
    if (rows * SAMPLES <= this.#samples.length) return;
    const wider = new Float32Array(Math.max(64, rows * 2) * SAMPLES).fill(Number.NaN);
    wider.set(this.#samples);
    this.#samples = wider;
  }
}

const UNKNOWN: Charge = { perHour: Number.NaN, word: 'unknown' };
