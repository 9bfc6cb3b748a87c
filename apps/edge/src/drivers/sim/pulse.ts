const LAST_MS = 0;
const CLOSING = 1;
const CELLS = 2;

/** What driver and body thread see of each other without a word: when the loop above last asked, and the end. */
export class Pulse {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(CELLS * 4);
    this.#cells = new Int32Array(this.memory);
  }

  /** The loop asked for frames at that agent time. */
  beat(atUs: number): void {
    Atomics.store(this.#cells, LAST_MS, Math.floor(atUs / 1000));
  }

  /** Agent time at which the loop last asked. */
  get lastUs(): number {
    return Atomics.load(this.#cells, LAST_MS) * 1000;
  }

  close(): void {
    Atomics.store(this.#cells, CLOSING, 1);
    Atomics.notify(this.#cells, CLOSING);
  }

  get closing(): boolean {
    return Atomics.load(this.#cells, CLOSING) === 1;
  }

  /** Sleeps for so long, or until the end. For threads other than the main one. */
  sleep(forUs: number): void {
    if (forUs > 0) Atomics.wait(this.#cells, CLOSING, 0, forUs / 1000);
  }
}
