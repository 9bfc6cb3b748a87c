/** Monotonic, microseconds, the same in all threads of this process: `performance.now` begins anew in every worker. */
export const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);

/** Wall clock, microseconds since 1970, as steady as the monotonic one. */
export const wallUs = (): number => (performance.timeOrigin + performance.now()) * 1000;

/**
 * How site time passes: at `wallUs` of the wall clock it is `siteUs`, and from there on it runs `rate` times as fast.
 * Where nothing is simulated, site time is the wall clock's.
 */
export interface Pace {
  readonly wallUs: number;
  readonly siteUs: number;
  /** Above 0. */
  readonly rate: number;
}

const VERSION = 0;
const ANCHOR_MONOTONIC_US = 0;
const ANCHOR_AGENT_US = 1;
const RATE = 2;
const NUMBERS_AT = 8;

/**
 * Agent time for all threads of an edge: microseconds since its epoch began. A simulated fleet may live faster or slower
 * than the wall clock; real bodies always have rate 1. One thread sets it, any may read it.
 */
export class AgentClock {
  readonly memory: SharedArrayBuffer;
  /** Odd while the numbers change. */
  readonly #version: Int32Array;
  readonly #numbers: Float64Array;
  #last = 0;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(NUMBERS_AT + 3 * 8);
    this.#version = new Int32Array(this.memory, 0, 1);
    this.#numbers = new Float64Array(this.memory, NUMBERS_AT, 3);
    if (memory === undefined) this.set(monotonicUs(), 0, 1);
  }

  /** From `anchorMonotonicUs` on, when agent time is `anchorAgentUs`, it runs at `rate`. For one thread alone. */
  set(anchorMonotonicUs: number, anchorAgentUs: number, rate: number): void {
    if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`time cannot run at a rate of ${rate}`);
    Atomics.add(this.#version, VERSION, 1);
    this.#numbers[ANCHOR_MONOTONIC_US] = anchorMonotonicUs;
    this.#numbers[ANCHOR_AGENT_US] = anchorAgentUs;
    this.#numbers[RATE] = rate;
    Atomics.add(this.#version, VERSION, 1);
  }

  /** Never goes back for whoever asks. */
  nowUs(): number {
    for (;;) {
      const version = Atomics.load(this.#version, VERSION);
      const from = this.#numbers[ANCHOR_MONOTONIC_US] as number;
      const agentUs = this.#numbers[ANCHOR_AGENT_US] as number;
      const rate = this.#numbers[RATE] as number;
      if (version % 2 !== 0 || Atomics.load(this.#version, VERSION) !== version) continue;
      this.#last = Math.max(this.#last, Math.floor(agentUs + (monotonicUs() - from) * rate));
      return this.#last;
    }
  }

  get rate(): number {
    return this.#numbers[RATE] as number;
  }

  /** How long a span of agent time lasts on the wall clock. */
  lasts(agentUs: number): number {
    return agentUs / this.rate;
  }
}
