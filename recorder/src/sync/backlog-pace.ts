/** Of each cycle the first part lets backlogs through, the rest none: so it is seen what is live without them. */
const CYCLE_US = 1_000_000;
const REST_US = 200_000;
/** What is live comes in bursts, of which each tells one thing: its longest delay. */
const BURST_US = 20_000;
const FIRST_BYTES_PER_S = 8 * 1024 * 1024;
const LEAST_BYTES_PER_S = 2 * 1024 * 1024;
const MOST_BYTES_PER_S = 1024 * 1024 * 1024;
const SLOWER = 0.75;
const FASTER = 1.15;
/** What may gather while nothing passes, in time. */
const GATHERED_S = 0.02;

interface Judgement {
  /** Delays that are kept of either kind, the newest, and those without which nothing is concluded. */
  readonly kept: number;
  readonly enough: number;
  /** What is compared: the highest quantile of which so few delays tell something. */
  readonly quantile: number;
  /** So much later may be what is live: beside a fifth of its delay, what is little beside all that it waits for. */
  readonly unfeltUs: number;
}

const LATER = 0.2;
/** A block has waited for the edge to look for it, up to 100 ms. */
const COMMITS: Judgement = { kept: 30, enough: 10, quantile: 0.8, unfeltUs: 2_000 };
/** Whatever the hub does waits for its turn. */
const TURNS: Judgement = { kept: 400, enough: 150, quantile: 0.97, unfeltUs: 500 };
/** Of frames of the moment so many are kept of those that came without backlogs, and so many tell something. */
const FRAMES_KEPT = 2_000;
const FRAMES_ENOUGH = 200;
/** What of them is slow anyway, and by how much more it may be: half of `LATER`, for the other half is lost in what chance makes. */
const SLOW = 0.01;
const SLOWER_FRAMES = LATER / 2;
/** Frames that are looked at together: each look sorts all that are kept. */
const FRAMES_TOGETHER = 20;

/** Delays of what is live, beside backlogs and without them. */
class Delays {
  readonly #by: Judgement;
  readonly #alone: number[] = [];
  #beside: number[] = [];

  constructor(by: Judgement) {
    this.#by = by;
  }

  add(us: number, beside: boolean): void {
    const of = beside ? this.#beside : this.#alone;
    of.push(us);
    if (of.length > this.#by.kept) of.shift();
  }

  /** Whether backlogs delay what is live; null when too little is known. */
  get late(): boolean | null {
    const { enough, unfeltUs } = this.#by;
    if (Math.min(this.#alone.length, this.#beside.length) < enough) return null;
    return this.#of(this.#beside) > this.#of(this.#alone) * (1 + LATER) + unfeltUs;
  }

  /** The pace was changed: what stands beside a backlog from now on is another thing. */
  begin(): void {
    this.#beside = [];
  }

  #of(delays: readonly number[]): number {
    // Asked for with every turn of the program: of plain numbers it takes a sixth of the time.
    const sorted = new Float64Array(delays).sort();
    return sorted[Math.floor(this.#by.quantile * (sorted.length - 1))] as number;
  }
}

/**
 * How late frames of the moment are, beside backlogs and without them. A frame waits for every queue between its edge and
 * its reader, and of few of them one is slow: what is held against each other is how many.
 */
class FrameTail {
  #alone: number[] = [];
  #beside: number[] = [];

  add(us: number, beside: boolean): void {
    const of = beside ? this.#beside : this.#alone;
    of.push(us);
    if (of.length > FRAMES_KEPT) of.shift();
  }

  /**
   * Whether beside backlogs more frames are slow, by a tenth more than the slowest hundredth is without, than chance alone
   * makes (two standard deviations of a binomial distribution); null when too little is known.
   */
  get late(): boolean | null {
    const { length } = this.#beside;
    if (Math.min(this.#alone.length, length) < FRAMES_ENOUGH) return null;
    const sorted = new Float64Array(this.#alone).sort();
    const slowUs = (sorted[Math.floor((1 - SLOW) * (sorted.length - 1))] as number) * (1 + SLOWER_FRAMES);
    const slow = this.#beside.reduce((count, us) => count + (us > slowUs ? 1 : 0), 0);
    return slow > length * SLOW + 2 * Math.sqrt(length * SLOW);
  }

  begin(): void {
    this.#beside = [];
  }
}

/**
 * How fast backlogs may go to the store (SPEC R125): so fast that what is live is not delayed by them by more than a
 * fifth. That is found out by trying, since a machine has many queues (its processors, its disk, its database) and what
 * they do together is seen only behind all of them: in a part of each second no backlog passes, the delays of that part
 * are held against those of the other, and the pace goes up or down. Knows no clock: time is given.
 */
export class BacklogPace {
  readonly #commits = new Delays(COMMITS);
  readonly #turns = new Delays(TURNS);
  readonly #frames = new FrameTail();
  #framesUs = Number.NEGATIVE_INFINITY;
  #framesHeard = 0;
  #bytesPerS = FIRST_BYTES_PER_S;
  #tokens = FIRST_BYTES_PER_S * GATHERED_S;
  #filledUs = Number.NEGATIVE_INFINITY;
  #beganUs = Number.NEGATIVE_INFINITY;
  #liveUs = Number.NEGATIVE_INFINITY;
  #burst = { fromUs: Number.NEGATIVE_INFINITY, us: 0, beside: false };

  get bytesPerS(): number {
    return this.#bytesPerS;
  }

  /** Whether some of a backlog may pass now. */
  admits(nowUs: number): boolean {
    if (this.#unheard(nowUs)) return true;
    this.#fill(nowUs);
    return !this.rests(nowUs) && this.#tokens > 0;
  }

  /** Some of a backlog passes, into debt where that is more than was gathered. */
  take(bytes: number, nowUs: number): void {
    if (this.#unheard(nowUs)) return;
    this.#fill(nowUs);
    this.#tokens -= bytes;
  }

  /** Whether this is the part of a cycle in which no backlog passes. */
  rests(nowUs: number): boolean {
    if (nowUs - this.#beganUs >= CYCLE_US) this.#beganUs = nowUs;
    return nowUs - this.#beganUs >= CYCLE_US - REST_US;
  }

  /** Something live was committed. @param tookUs from when it was heard @param beside a backlog in the store */
  live(tookUs: number, beside: boolean, nowUs: number): void {
    this.#liveUs = nowUs;
    const burst = this.#burst;
    if (nowUs - burst.fromUs <= BURST_US) {
      this.#burst = { fromUs: burst.fromUs, us: Math.max(burst.us, tookUs), beside: burst.beside || beside };
      return;
    }
    this.#burst = { fromUs: nowUs, us: tookUs, beside };
    if (burst.fromUs === Number.NEGATIVE_INFINITY) return;
    this.#commits.add(burst.us, burst.beside);
    this.#judge(nowUs);
  }

  /** The program had its turn so late after it was due. @param beside a backlog that passes */
  turn(lateUs: number, beside: boolean, nowUs: number): void {
    this.#turns.add(lateUs, beside);
    this.#judge(nowUs);
  }

  /** A frame of the moment came so much later than the quickest ones come. @param beside a backlog that passes */
  frame(lateUs: number, beside: boolean, nowUs: number): void {
    this.#framesUs = nowUs;
    this.#frames.add(lateUs, beside);
    this.#framesHeard++;
    if (this.#framesHeard % FRAMES_TOGETHER === 0) this.#judge(nowUs);
  }

  /** With nothing live nobody is delayed. */
  #unheard(nowUs: number): boolean {
    return nowUs - this.#liveUs > CYCLE_US;
  }

  #judge(nowUs: number): void {
    const framed = nowUs - this.#framesUs <= CYCLE_US;
    const found = [this.#commits.late, this.#turns.late, framed && this.#frames.late];
    const late = found.includes(true);
    // Slower by what one of them tells; faster only when nothing speaks against it.
    if (!late && found.includes(null)) return;
    const bytesPerS = this.#bytesPerS * (late ? SLOWER : FASTER);
    this.#bytesPerS = Math.max(LEAST_BYTES_PER_S, Math.min(MOST_BYTES_PER_S, bytesPerS));
    this.#commits.begin();
    this.#turns.begin();
    this.#frames.begin();
  }

  #fill(nowUs: number): void {
    const sinceUs = this.#filledUs === Number.NEGATIVE_INFINITY ? 0 : nowUs - this.#filledUs;
    this.#filledUs = nowUs;
    this.#tokens = Math.min(this.#bytesPerS * GATHERED_S, this.#tokens + (sinceUs * this.#bytesPerS) / 1e6);
  }
}
