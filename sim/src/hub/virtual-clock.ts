import type { Clock } from '@sigma/hub/roles';

interface Timer {
  readonly dueUs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * The hub's clock on virtual time, and the queue of everything that its roles put off: deliveries of the bus, what runs
 * "soon". Nothing runs by itself: `advance` moves time, `drain` runs what is queued.
 */
export class VirtualClock implements Clock {
  readonly #epochTimeUs: number;
  #atUs = 0;
  #order = 0;
  #timers: Timer[] = [];
  #queue: (() => void)[] = [];

  constructor(epochTimeUs: number) {
    this.#epochTimeUs = epochTimeUs;
  }

  /** True when something waits to be run now. */
  get busy(): boolean {
    return this.#queue.length > 0;
  }

  nowUs(): number {
    return this.#epochTimeUs + this.#atUs;
  }

  after(us: number, run: () => void): () => void {
    return this.#add(this.#atUs + us, run);
  }

  /** Beats on a grid: what one beat took does not delay the next. */
  every(us: number, run: () => void): () => void {
    let end: () => void;
    const beatAt = (dueUs: number): void => {
      end = this.#add(dueUs, () => {
        beatAt(dueUs + us);
        run();
      });
    };
    beatAt(this.#atUs + us);
    return () => end();
  }

  readonly soon = (run: () => void): void => {
    this.#queue.push(run);
  };

  /** Moves time on and queues every timer that has come due, in the order of their moments. */
  advance(atUs: number): void {
    this.#atUs = atUs;
    const due = this.#timers.filter(({ dueUs }) => dueUs <= atUs);
    if (due.length === 0) return;
    this.#timers = this.#timers.filter(({ dueUs }) => dueUs > atUs);
    for (const { run } of due.sort((a, b) => a.dueUs - b.dueUs || a.order - b.order)) this.#queue.push(run);
  }

  /** Runs what is queued, and what that queues, until nothing is left. */
  drain(): void {
    while (this.#queue.length > 0) {
      const queue = this.#queue;
      this.#queue = [];
      for (const run of queue) run();
    }
  }

  #add(dueUs: number, run: () => void): () => void {
    const timer = { dueUs, order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
}
