import type { HeldLease, LeaseOutcome, Leases } from '../port.ts';

/** Leases of one process. A lease ends at the instant it names: at `expiresAtUs` it is free. */
export class MemoryLeases implements Leases {
  readonly #nowUs: () => number;
  readonly #held = new Map<string, HeldLease>();
  #token = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  async acquire(name: string, holder: string, ttlUs: number): Promise<LeaseOutcome> {
    if (!(ttlUs > 0)) throw new RangeError(`a lease lasts longer than ${ttlUs} us`);
    const held = this.#standing(name);
    if (held !== null && held.holder !== holder) return { taken: false, lease: held };
    const lease = { holder, token: held?.token ?? ++this.#token, expiresAtUs: this.#nowUs() + ttlUs };
    this.#held.set(name, lease);
    return { taken: true, lease };
  }

  async release(name: string, token: number): Promise<boolean> {
    if (this.#standing(name)?.token !== token) return false;
    return this.#held.delete(name);
  }

  async holder(name: string): Promise<HeldLease | null> {
    return this.#standing(name);
  }

  #standing(name: string): HeldLease | null {
    const held = this.#held.get(name);
    return held !== undefined && held.expiresAtUs > this.#nowUs() ? held : null;
  }
}
