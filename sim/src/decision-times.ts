/** Percentiles of times in milliseconds; nearest rank. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** Nearest-rank percentiles, rounded to a tenth. All zero when nothing was measured. */
export function percentiles(values: readonly number[]): Percentiles {
  if (values.length === 0) return { p50: 0, p99: 0, count: 0 };
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number;
    return Math.round(value * 10) / 10;
  };
  return { p50: rank(0.5), p99: rank(0.99), count: values.length };
}

/** Frames of one robot that are remembered: at ten a second, so many seconds times ten. */
const REMEMBERED = 64;

/**
 * From the moment at which a report leaves a robot to the moment at which a plan that names it arrives there: the age
 * of what a decision was made from, network, hub and both disks included.
 */
export class DecisionTimes {
  readonly #left = new Map<string, Map<number, number>>();
  readonly #tookMs: number[] = [];

  /** A report with this input sequence leaves the robot. */
  reported(agentId: string, inputSequence: number, atUs: number): void {
    let frames = this.#left.get(agentId);
    if (frames === undefined) {
      frames = new Map();
      this.#left.set(agentId, frames);
    }
    frames.set(inputSequence, atUs);
    if (frames.size > REMEMBERED) frames.delete(frames.keys().next().value as number);
  }

  /** A plan made from that report arrives. */
  planned(agentId: string, inputSequence: number, atUs: number): void {
    const leftUs = this.#left.get(agentId)?.get(inputSequence);
    if (leftUs !== undefined) this.#tookMs.push((atUs - leftUs) / 1000);
  }

  get percentiles(): Percentiles {
    return percentiles(this.#tookMs);
  }
}
