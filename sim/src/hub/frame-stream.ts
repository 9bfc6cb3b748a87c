/** Frames that arrive one by one, as the hub's end of a stream reads them. */
export class FrameStream<Frame> implements AsyncIterable<Frame> {
  #waiting: Frame[] = [];
  #wanted: ((result: IteratorResult<Frame>) => void) | null = null;
  #ended = false;

  push(frame: Frame): void {
    if (this.#ended) return;
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted === null) this.#waiting.push(frame);
    else wanted({ value: frame, done: false });
  }

  /** The stream broke: whoever reads is told, and what was not read is gone. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#wanted?.({ value: undefined, done: true });
    this.#wanted = null;
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame> {
    return {
      next: () => {
        const frame = this.#waiting.shift();
        if (frame !== undefined) return Promise.resolve({ value: frame, done: false });
        if (this.#ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => {
          this.#wanted = resolve;
        });
      },
    };
  }
}
