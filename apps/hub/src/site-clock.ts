import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';

/**
 * How the time of a simulated site passes: at `wallUs` of the wall clock it is `siteUs`, and from there on it runs `rate`
 * times as fast.
 */
export interface Pace {
  readonly wallUs: number;
  readonly siteUs: number;
  readonly rate: number;
}

interface Waiting {
  dueUs: number;
  readonly everyUs: number | null;
  readonly run: () => void;
  timer: NodeJS.Timeout | null;
}

/** The longest that a timer of Node waits, milliseconds. */
const MOST_MS = 2 ** 31 - 1;
/** What is due within this is due: timers are a little early at times. */
const DUE_US = 1_000;

/** Time that is run ahead is kept before it is used: a hub that is killed begins behind it again. */
const KEPT_AHEAD_US = 60_000_000;
const KEEP_EVERY_US = 20_000_000;
/** Less than this ahead is no difference. */
const SAME_US = 200_000;

/** The clock of a simulated site, which may run faster or slower than the wall clock, and never goes back. */
export class SiteClock implements Clock {
  readonly #wallUs: () => number;
  readonly #waiting = new Set<Waiting>();
  #pace: Pace;
  #last = 0;

  /** @param atLeastUs it begins there when the wall clock is behind it */
  constructor(atLeastUs = 0, wallUs: () => number = () => (performance.timeOrigin + performance.now()) * 1000) {
    this.#wallUs = wallUs;
    const nowUs = wallUs();
    this.#pace = { wallUs: nowUs, siteUs: Math.max(nowUs, atLeastUs), rate: 1 };
  }

  get pace(): Pace {
    return this.#pace;
  }

  /** How far it is before the wall clock, microseconds; negative when it is behind. */
  get aheadUs(): number {
    return this.nowUs() - this.#wallUs();
  }

  /** From now on it runs so many times as fast as the wall clock. */
  setRate(rate: number): void {
    if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`time cannot run at a rate of ${rate}`);
    const wallUs = this.#wallUs();
    this.#pace = { wallUs, siteUs: this.#siteUs(wallUs), rate };
    for (const waiting of this.#waiting) this.#arm(waiting);
  }

  nowUs(): number {
    this.#last = Math.max(this.#last, Math.floor(this.#siteUs(this.#wallUs())));
    return this.#last;
  }

  after(us: number, run: () => void): () => void {
    return this.#wait({ dueUs: this.nowUs() + us, everyUs: null, run, timer: null });
  }

  every(us: number, run: () => void): () => void {
    return this.#wait({ dueUs: this.nowUs() + us, everyUs: us, run, timer: null });
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  #siteUs(wallUs: number): number {
    return this.#pace.siteUs + (wallUs - this.#pace.wallUs) * this.#pace.rate;
  }

  #wait(waiting: Waiting): () => void {
    this.#waiting.add(waiting);
    this.#arm(waiting);
    return () => {
      if (waiting.timer !== null) clearTimeout(waiting.timer);
      this.#waiting.delete(waiting);
    };
  }

  #arm(waiting: Waiting): void {
    if (waiting.timer !== null) clearTimeout(waiting.timer);
    const inMs = (waiting.dueUs - this.nowUs()) / this.#pace.rate / 1000;
    waiting.timer = setTimeout(() => this.#fire(waiting), Math.min(MOST_MS, Math.max(0, inMs)));
    if (waiting.everyUs !== null) waiting.timer.unref();
  }

  #fire(waiting: Waiting): void {
    const nowUs = this.nowUs();
    if (waiting.dueUs - nowUs > DUE_US) {
      this.#arm(waiting);
      return;
    }
    if (waiting.everyUs === null) this.#waiting.delete(waiting);
    else {
      // Turns that were missed stay missed.
      const missed = Math.max(0, Math.floor((nowUs - waiting.dueUs) / waiting.everyUs));
      waiting.dueUs += (missed + 1) * waiting.everyUs;
      this.#arm(waiting);
    }
    waiting.run();
  }
}

/** The time of a simulated site, kept across starts. */
export interface SiteTime {
  readonly clock: SiteClock;
  /** From now on it runs so many times as fast as the wall clock. */
  readonly setRate: (rate: number) => void;
  /** Keeps where it stands. */
  readonly close: () => void;
}

/**
 * The clock of the simulated site in a data folder. What it has run ahead of the wall clock is kept there, so that a hub
 * which starts again, killed or not, is never before what it has recorded.
 */
export function openSiteTime(dataDir: string): SiteTime {
  const path = join(dataDir, 'site-time');
  const clock = new SiteClock(existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0);
  const keep = (aheadUs: number): void => {
    if (!existsSync(path) && clock.aheadUs < SAME_US && clock.pace.rate <= 1) return;
    writeFileSync(`${path}.new`, String(clock.nowUs() + aheadUs), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  keep(KEPT_AHEAD_US);
  const end = clock.every(KEEP_EVERY_US, () => keep(KEPT_AHEAD_US));
  return {
    clock,
    setRate: (rate) => {
      clock.setRate(rate);
      keep(KEPT_AHEAD_US);
    },
    close: () => {
      end();
      keep(0);
    },
  };
}
