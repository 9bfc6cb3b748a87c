/** What of a backlog may be under way at once, at first and at least; more than the hub allows is never sent. */
const FIRST_BYTES = 256 * 1024;
const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;
/**
 * So much later than on an idle link may come what is live: a tenth of the 100 ms in which the edge looks for it. The hub
 * takes as much again.
 */
const TARGET_US = 10_000;
/** What one look finds goes one after the other: of so long the least is what all of it waited for. */
const LOOK_US = 100_000;
/** Without a word about what is live for so long, nothing live is there to be delayed. */
const ALONE_US = 1_000_000;
/** The least delay is that of the last so many stretches. */
const STRETCH_US = 60_000_000;
const STRETCHES = 10;

/**
 * How much of a backlog may be under way (SPEC R125). A backlog takes what room there is and gives way as soon as what
 * is live is acknowledged later than it would be without: LEDBAT (RFC 6817, section 2.4), with the time from making live
 * batches to their acknowledgement as the delay, of the newest the least (its filter of current delays), less what the hub
 * took for it (as of an acknowledgement in QUIC, RFC 9000, section 13.2.5): that is paced there. It is halved once a round trip where that is beyond the target.
 * Knows no clock: time is given, and one that goes back changes nothing.
 */
export class BacklogWindow {
  #bytes = FIRST_BYTES;
  /** Least delays of stretches of time, the newest last. */
  #least: { readonly fromUs: number; us: number }[] = [];
  /** Newest delays, of this length of the window. */
  #newest: { readonly atUs: number; readonly us: number }[] = [];
  #heardUs = Number.NEGATIVE_INFINITY;
  #cutUs = Number.NEGATIVE_INFINITY;

  /** Bytes that may be under way; one batch always may. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param flyingBytes of backlogs, sent and not acknowledged @param batchBytes that would follow */
  admits(flyingBytes: number, batchBytes: number): boolean {
    return flyingBytes === 0 || flyingBytes + batchBytes <= this.#bytes;
  }

  /** A live batch was acknowledged. @param delayUs since it was made, without what it was with the hub */
  live(delayUs: number, batchBytes: number, nowUs: number): void {
    this.#heardUs = Math.max(this.#heardUs, nowUs);
    const excess = this.#currentWith(delayUs, nowUs) - this.#leastWith(delayUs, nowUs);
    if (excess <= TARGET_US) {
      this.#bytes = Math.min(MOST_BYTES, this.#bytes + batchBytes * (1 - excess / TARGET_US));
    } else if (nowUs - this.#cutUs > delayUs) {
      this.#bytes = Math.max(LEAST_BYTES, this.#bytes / 2);
      this.#cutUs = nowUs;
      this.#newest = [];
    }
  }

  /** A batch of a backlog was acknowledged: with nothing live beside it the window doubles with every round trip. */
  behind(bytes: number, nowUs: number): void {
    if (nowUs - this.#heardUs > ALONE_US) this.#bytes = Math.min(MOST_BYTES, this.#bytes + bytes);
  }

  #currentWith(delayUs: number, nowUs: number): number {
    const newest = this.#newest.filter(({ atUs }) => nowUs - atUs < LOOK_US);
    this.#newest = [...newest, { atUs: nowUs, us: delayUs }];
    return this.#newest.reduce((least, { us }) => Math.min(least, us), Number.POSITIVE_INFINITY);
  }

  #leastWith(delayUs: number, nowUs: number): number {
    const last = this.#least.at(-1);
    if (last === undefined || nowUs - last.fromUs >= STRETCH_US) {
      this.#least = [...this.#least.slice(1 - STRETCHES), { fromUs: nowUs, us: delayUs }];
    } else last.us = Math.min(last.us, delayUs);
    return this.#least.reduce((least, { us }) => Math.min(least, us), Number.POSITIVE_INFINITY);
  }
}
