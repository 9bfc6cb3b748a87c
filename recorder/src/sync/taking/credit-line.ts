/**
 * What one link may send (R124), as QUIC bounds a connection (RFC 9000, section 4.1): bytes allowed in all since the
 * link began. They grow as batches are settled, so that never more than the window waits, or one batch alone.
 */
export class CreditLine {
  #allowed = 0;
  #taken = 0;
  #settled = 0;

  /** @param window bytes that may wait to be settled */
  constructor(window: number) {
    this.#allowed = window;
  }

  /** Never less than it was. */
  get allowedBytes(): number {
    return this.#allowed;
  }

  /** Bytes taken and not settled. */
  get waitingBytes(): number {
    return this.#taken - this.#settled;
  }

  /** @returns false when that is more than was allowed: it is not to be read. A batch greater than the window goes alone */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#allowed && this.#taken > this.#settled) return false;
    this.#taken += bytes;
    return true;
  }

  /** What was taken is committed or refused. @param window that holds from now on */
  settle(bytes: number, window: number): void {
    this.#settled += bytes;
    this.#allowed = Math.max(this.#allowed, this.#settled + window);
  }
}
