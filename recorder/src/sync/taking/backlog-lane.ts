import { BacklogPace } from './backlog-pace.ts';

interface Waiting {
  readonly chain: string;
  readonly bytes: number;
  readonly run: () => void;
}

/** What tells the lane of time. */
export interface LaneTime {
  /** Microseconds; never goes back. */
  readonly nowUs: () => number;
  /** Calls back once. */
  readonly after: (us: number, run: () => void) => void;
}

/** So often it is looked at what may pass, and how late the program is with that. */
const LOOK_US = 5_000;

/**
 * Before the store, what is live passes what is of backlogs: of these only so many bytes are with the store at once, so
 * that a commit with something live in it is never a long one, and they go at a pace that what is live does not feel
 * (SPEC R125). Order within a chain stands.
 */
export class BacklogLane {
  readonly #mostBytes: number;
  readonly #time: LaneTime;
  readonly #pace = new BacklogPace();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #looks = false;

  /** @param mostBytes of backlogs that may be with the store; a batch that is greater goes alone */
  constructor(mostBytes: number, time: LaneTime) {
    this.#mostBytes = mostBytes;
    this.#time = time;
  }

  /** @param behind of a backlog. @returns what `work` returns; work of one chain begins in the order in which it came */
  pass<T>(chain: string, behind: boolean, bytes: number, work: () => Promise<T>): Promise<T> {
    if (!behind && !this.#waiting.some((waiting) => waiting.chain === chain)) return this.#live(work);
    return new Promise((resolve, reject) => {
      const run = (): void => {
        this.#bytes += bytes;
        this.#pace.take(bytes, this.#time.nowUs());
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

  /** A frame of the moment came so much later than the quickest ones come. */
  frame(lateUs: number): void {
    const nowUs = this.#time.nowUs();
    const beside = this.#bytes > 0 || (this.#waiting.length > 0 && !this.#pace.rests(nowUs));
    this.#pace.frame(lateUs, beside, nowUs);
  }

  async #live<T>(work: () => Promise<T>): Promise<T> {
    const fromUs = this.#time.nowUs();
    const beside = this.#bytes > 0;
    const result = await work();
    const nowUs = this.#time.nowUs();
    this.#pace.live(nowUs - fromUs, beside || this.#bytes > 0, nowUs);
    return result;
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const full = this.#bytes > 0 && this.#bytes + first.bytes > this.#mostBytes;
      if (full || !this.#pace.admits(this.#time.nowUs())) break;
      this.#waiting.shift();
      first.run();
    }
    if (this.#waiting.length > 0 || this.#bytes > 0) this.#look();
  }

  /** Looks again in a moment, for as long as there is a backlog. */
  #look(): void {
    if (this.#looks) return;
    this.#looks = true;
    const dueUs = this.#time.nowUs() + LOOK_US;
    const beside = this.#bytes > 0;
    this.#time.after(LOOK_US, () => {
      this.#looks = false;
      const nowUs = this.#time.nowUs();
      const rests = this.#pace.rests(nowUs) && this.#bytes === 0 && !beside;
      this.#pace.turn(Math.max(0, nowUs - dueUs), !rests, nowUs);
      this.#next();
    });
  }
}
