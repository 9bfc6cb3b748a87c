import { DelayTail, type TailJudgement } from './delay-tail.ts';

/** Of each cycle the first part lets backlogs through, the rest none: so it is seen what is live without them. */
const CYCLE_US = 2_000_000;
const REST_US = 200_000;
/** Without a word about what is live for so long, nothing live is there to be delayed. */
const ALONE_US = 1_000_000;
const FIRST_BYTES_PER_S = 8 * 1024 * 1024;
const LEAST_BYTES_PER_S = 2 * 1024 * 1024;
const MOST_BYTES_PER_S = 1024 * 1024 * 1024;
const SLOWER = 0.85;
const FASTER = 1.15;
/** Until a pace was found that what is live does feel, by this share of what concludes something later. */
const AT_FIRST = 2;
const SHARE_AT_FIRST = 1 / 4;
/** What may gather while nothing passes, in time. */
const GATHERED_S = 0.02;

/**
 * A block has waited for the edge to look for it, up to 100 ms: a tenth of that is half of the fifth by which it may be
 * later.
 */
const COMMITS: TailJudgement = { kept: 100, alone: 10, beside: 30, slow: 0.2, unfeltUs: 10_000 };
/** Whatever the hub does waits for its turn. */
const TURNS: TailJudgement = { kept: 1_000, alone: 150, beside: 400, slow: 0.03, unfeltUs: 500 };
/** Frames of the moment wait for every queue between their edge and their reader, and of few of them one is slow. */
const FRAMES: TailJudgement = { kept: 1_000, alone: 100, beside: 600, slow: 0.01, unfeltUs: 0 };

/**
 * How fast backlogs may go to the store (SPEC R125): so fast that what is live is not delayed by them by more than a
 * fifth. That is found out by trying, since a machine has many queues (its processors, its disk, its database) and what
 * they do together is seen only behind all of them: in a part of each cycle no backlog passes, the delays of that part
 * are held against those of the other, and the pace goes up or down. Knows no clock: time is given.
 */
export class BacklogPace {
  readonly #commits = new DelayTail(COMMITS);
  readonly #turns = new DelayTail(TURNS);
  readonly #frames = new DelayTail(FRAMES);
  #framesUs = Number.NEGATIVE_INFINITY;
  #bytesPerS = FIRST_BYTES_PER_S;
  #faster = AT_FIRST;
  #tokens = FIRST_BYTES_PER_S * GATHERED_S;
  #filledUs = Number.NEGATIVE_INFINITY;
  #beganUs = Number.NEGATIVE_INFINITY;
  #liveUs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.#begin();
  }

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
    if (this.#commits.add(tookUs, beside, nowUs)) this.#judge(nowUs);
  }

  /** The program had its turn so late after it was due. @param beside a backlog that passes */
  turn(lateUs: number, beside: boolean, nowUs: number): void {
    if (this.#turns.add(lateUs, beside, nowUs)) this.#judge(nowUs);
  }

  /** A frame of the moment came so much later than the quickest ones come. @param beside a backlog that passes */
  frame(lateUs: number, beside: boolean, nowUs: number): void {
    this.#framesUs = nowUs;
    if (this.#frames.add(lateUs, beside, nowUs)) this.#judge(nowUs);
  }

  /** With nothing live nobody is delayed. */
  #unheard(nowUs: number): boolean {
    return nowUs - this.#liveUs > ALONE_US;
  }

  #judge(nowUs: number): void {
    const framed = nowUs - this.#framesUs <= ALONE_US;
    const found = [this.#commits.late, this.#turns.late, framed && this.#frames.late];
    const late = found.includes(true);
    // Slower by what one of them tells; faster only when nothing speaks against it.
    if (!late && found.includes(null)) return;
    if (late) this.#faster = FASTER;
    const bytesPerS = this.#bytesPerS * (late ? SLOWER : this.#faster);
    this.#bytesPerS = Math.max(LEAST_BYTES_PER_S, Math.min(MOST_BYTES_PER_S, bytesPerS));
    this.#begin();
  }

  #begin(): void {
    const share = this.#faster === AT_FIRST ? SHARE_AT_FIRST : 1;
    for (const tail of [this.#commits, this.#turns, this.#frames]) tail.begin(share);
  }

  #fill(nowUs: number): void {
    const sinceUs = this.#filledUs === Number.NEGATIVE_INFINITY ? 0 : nowUs - this.#filledUs;
    this.#filledUs = nowUs;
    this.#tokens = Math.min(this.#bytesPerS * GATHERED_S, this.#tokens + (sinceUs * this.#bytesPerS) / 1e6);
  }
}
