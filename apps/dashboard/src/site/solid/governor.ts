/** Shares of the screen's own resolution that a picture in motion may fall to, the sharpest first. */
const SHARES = [1, 0.75, 0.5] as const;
/** Slower than this again and again, and motion no longer reads as motion. */
const SLOW_MS = 52;
/** What a picture may cost after one step up; below it the sharper picture is worth it. */
const ROOM_MS = 44;
const QUICK_MS = 9;
const WINDOW = 10;
const PATIENCE = 40;

/**
 * Decides how finely to draw from what pictures cost: the time from handing one over until the renderer says that it is
 * done. A GPU is done within a frame and always draws everything; software falls back in steps while things move. The
 * least of some costs counts, so that a page busy with something else is not taken for a slow renderer.
 */
export class Governor {
  #step = 0;
  #costs: number[] = [];
  #since = 0;
  #quick = false;

  /** Share of the screen's resolution for the next picture in motion. */
  get share(): number {
    return SHARES[this.#step] as number;
  }

  /** So quick that smooth edges on everything cost nothing that anybody could see. */
  get quick(): boolean {
    return this.#quick;
  }

  /** Least cost of the last pictures, in milliseconds; 0 before there were enough. */
  get costMs(): number {
    return this.#costs.length < WINDOW ? 0 : Math.min(...this.#costs);
  }

  note(costMs: number): void {
    this.#costs.push(costMs);
    if (this.#costs.length > WINDOW) this.#costs.shift();
    this.#since++;
    const least = Math.min(...this.#costs);
    // So slow that nobody should have to wait for a whole window of it.
    if (this.#costs.length >= WINDOW / 2 && least > 2 * SLOW_MS) this.#fall();
    if (this.#costs.length < WINDOW) return;
    const typical = [...this.#costs].sort((a, b) => a - b)[WINDOW >> 1] as number;
    this.#quick = this.#quick
      ? typical < 2 * QUICK_MS
      : this.#step === 0 && typical < QUICK_MS && this.#since > PATIENCE;
    if (least > SLOW_MS) this.#fall();
    else if (this.#step > 0 && this.#since > PATIENCE) {
      const finer = SHARES[this.#step - 1] as number;
      if (typical * (finer / this.share) ** 2 < ROOM_MS) this.#move(this.#step - 1);
    }
  }

  #fall(): void {
    if (this.#step < SHARES.length - 1) this.#move(this.#step + 1);
  }

  #move(step: number): void {
    this.#step = step;
    this.#costs = [];
    this.#since = 0;
  }
}
