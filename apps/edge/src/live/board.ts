/** Upper bounds of lateness and latency buckets: 50 us each, the last one takes everything above. */
const BUCKET_US = 50;
const BUCKETS = 2_048;

const DOORBELL = 0;
const REFLEX_BEAT = 1;
const CLOSING = 2;
const PLANNER_BEAT = 3;
const STALLS = 4;
const BLOCK_MS = 5;
const CELLS = 16;

/** Percentiles of a histogram, microseconds; each the upper bound of its bucket. */
export interface Percentiles {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** Names of the histograms on the board. */
const HISTOGRAMS = ['lateness', 'frameToWrite', 'commit'] as const;
type HistogramName = (typeof HISTOGRAMS)[number];

/**
 * What all threads of an edge can see at any moment without asking each other: beats, the doorbell that wakes the
 * reflex loop, and how punctual it is. A thread that hangs cannot hide it here.
 */
export class Board {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #counts: Readonly<Record<HistogramName, Int32Array>>;
  readonly #greatest: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    const words = CELLS + HISTOGRAMS.length * (BUCKETS + 1);
    this.memory = memory ?? new SharedArrayBuffer(words * 4);
    this.#cells = new Int32Array(this.memory, 0, CELLS);
    const at = (index: number) => new Int32Array(this.memory, (CELLS + index * BUCKETS) * 4, BUCKETS);
    this.#counts = { lateness: at(0), frameToWrite: at(1), commit: at(2) };
    this.#greatest = new Int32Array(this.memory, (CELLS + HISTOGRAMS.length * BUCKETS) * 4, HISTOGRAMS.length);
  }

  /** Wakes the reflex loop. */
  ring(): void {
    Atomics.add(this.#cells, DOORBELL, 1);
    Atomics.notify(this.#cells, DOORBELL);
  }

  /** How often the bell has rung. */
  get rings(): number {
    return Atomics.load(this.#cells, DOORBELL);
  }

  /** Sleeps until the bell rings after `rings`, or `forUs` are over. For threads other than the main one. */
  sleep(rings: number, forUs: number): void {
    if (forUs > 0) Atomics.wait(this.#cells, DOORBELL, rings, forUs / 1000);
  }

  beat(): void {
    Atomics.add(this.#cells, REFLEX_BEAT, 1);
  }

  get beats(): number {
    return Atomics.load(this.#cells, REFLEX_BEAT);
  }

  plannerBeat(): void {
    Atomics.add(this.#cells, PLANNER_BEAT, 1);
  }

  get plannerBeats(): number {
    return Atomics.load(this.#cells, PLANNER_BEAT);
  }

  /** The reflex loop stood still for longer than its watchdog allows. */
  stalled(): void {
    Atomics.add(this.#cells, STALLS, 1);
  }

  get stalls(): number {
    return Atomics.load(this.#cells, STALLS);
  }

  close(): void {
    Atomics.store(this.#cells, CLOSING, 1);
    this.ring();
  }

  get closing(): boolean {
    return Atomics.load(this.#cells, CLOSING) === 1;
  }

  /** Asks the reflex thread to block itself for that long, as a test of what then holds the body (L5). */
  askToBlock(forMs: number): void {
    Atomics.store(this.#cells, BLOCK_MS, forMs);
  }

  takeBlock(): number {
    return Atomics.exchange(this.#cells, BLOCK_MS, 0);
  }

  count(name: HistogramName, us: number): void {
    const value = Math.max(0, Math.round(us));
    const bucket = Math.min(BUCKETS - 1, Math.floor(value / BUCKET_US));
    Atomics.add(this.#counts[name], bucket, 1);
    const index = HISTOGRAMS.indexOf(name);
    if (value > (this.#greatest[index] as number)) this.#greatest[index] = value;
  }

  /** Forgets what was counted, so that a measurement can begin after the warm-up. */
  forget(): void {
    for (const counts of Object.values(this.#counts)) counts.fill(0);
    this.#greatest.fill(0);
  }

  percentiles(name: HistogramName): Percentiles {
    const counts = this.#counts[name];
    let count = 0;
    for (const n of counts) count += n;
    const maxUs = this.#greatest[HISTOGRAMS.indexOf(name)] as number;
    const at = (share: number): number => {
      let left = Math.ceil(count * share);
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        left -= counts[bucket] as number;
        if (left <= 0) return bucket === BUCKETS - 1 ? maxUs : Math.min(maxUs, (bucket + 1) * BUCKET_US);
      }
      return maxUs;
    };
    return { count, p50Us: at(0.5), p99Us: at(0.99), p999Us: at(0.999), maxUs };
  }
}
