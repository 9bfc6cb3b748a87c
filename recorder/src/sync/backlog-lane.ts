interface Waiting {
  readonly chain: string;
  readonly bytes: number;
  readonly run: () => void;
}

/**
 * Before the store, what is live passes what is of backlogs: of these only so many bytes are with the store at once, so
 * that a commit with something live in it is never a long one (SPEC R125). Order within a chain stands.
 */
export class BacklogLane {
  readonly #mostBytes: number;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** @param mostBytes of backlogs that may be with the store; a batch that is greater goes alone */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param behind of a backlog. @returns what `work` returns; work of one chain begins in the order in which it came */
  pass<T>(chain: string, behind: boolean, bytes: number, work: () => Promise<T>): Promise<T> {
    if (!behind && !this.#waiting.some((waiting) => waiting.chain === chain)) return work();
    return new Promise((resolve, reject) => {
      const run = (): void => {
        this.#bytes += bytes;
        void work()
          .then(resolve, reject)
          .finally(() => {
            this.#bytes -= bytes;
            this.#next();
          });
      };
      this.#waiting.push({ chain, bytes, run });
      this.#next();
    });
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#bytes > 0 && this.#bytes + first.bytes > this.#mostBytes) return;
      this.#waiting.shift();
      first.run();
    }
  }
}
