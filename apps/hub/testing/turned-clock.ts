import type { Clock } from '../src/index.ts';

/** A clock that a test turns by hand: time passes only in `turn`, and everything due runs in order. */
export class TurnedClock implements Clock {
  #nowUs: number;
  #due: { readonly atUs: number; readonly order: number; readonly run: () => void }[] = [];
  #soon: (() => void)[] = [];
  #order = 0;

  constructor(nowUs = 1_700_000_000_000_000) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  after(us: number, run: () => void): () => void {
    const entry = { atUs: this.#nowUs + us, order: this.#order++, run };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((one) => one !== entry);
    };
  }

  every(us: number, run: () => void): () => void {
    let cancel = (): void => undefined;
    const again = (): void => {
      cancel = this.after(us, () => {
        again();
        run();
      });
    };
    again();
    return () => cancel();
  }

  /** Lets everything that is ready happen, promises included, without time passing. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 4; quiet++) {
      for (let run = this.#soon.shift(); run !== undefined; run = this.#soon.shift()) {
        quiet = 0;
        run();
      }
      for (let k = 0; k < 20; k++) await Promise.resolve();
    }
  }

  async turn(us: number): Promise<void> {
    const untilUs = this.#nowUs + us;
    await this.settle();
    for (;;) {
      const next = this.#due
        .filter((one) => one.atUs <= untilUs)
        .sort((a, b) => a.atUs - b.atUs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((one) => one !== next);
      this.#nowUs = next.atUs;
      next.run();
      await this.settle();
    }
    this.#nowUs = untilUs;
  }
}
