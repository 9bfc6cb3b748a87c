import type { ConnectResponse } from '@sigma/proto';

/** What waits to go out to one edge. Safety is never shed and goes first; the rest is bounded. */
export class Outbox {
  readonly #capacity: number;
  readonly #safety: ConnectResponse[] = [];
  #others: ConnectResponse[] = [];
  #beat: ConnectResponse | null = null;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get waiting(): number {
    return this.#safety.length + this.#others.length;
  }

  /** @returns false when there is no room: the edge reads too slowly and the link must be given up. */
  put(frame: ConnectResponse, serviceClass: 'safety' | 'command'): boolean {
    if (serviceClass === 'safety') this.#safety.push(frame);
    else if (this.#others.length >= this.#capacity) return false;
    else this.#others.push(frame);
    this.#wake?.();
    return true;
  }

  /** The newest heartbeat takes the place of one that has not left. */
  beat(frame: ConnectResponse): void {
    this.#beat = frame;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Frames as they come, until `close`; what waits at the close still leaves. */
  async *drain(): AsyncGenerator<ConnectResponse> {
    let next = 0;
    while (true) {
      const safety = this.#safety.shift();
      if (safety !== undefined) {
        yield safety;
        continue;
      }
      if (next < this.#others.length) {
        const frame = this.#others[next++] as ConnectResponse;
        if (next === this.#others.length || next > 256) {
          this.#others = this.#others.slice(next);
          next = 0;
        }
        yield frame;
        continue;
      }
      if (this.#beat !== null) {
        const beat = this.#beat;
        this.#beat = null;
        yield beat;
        continue;
      }
      if (this.#closed) return;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
      this.#wake = null;
    }
  }
}
