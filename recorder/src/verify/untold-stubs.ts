import { accountsFor, type Gap, type Stub, stubCount } from '../sync/gap.ts';

/** Stubs of one source of which no gap has told yet (R127), over its epochs in order. */
export class UntoldStubs {
  /** By the event that each ends with: a week without a hub leaves a million of them. */
  readonly #stubs = new Map<string, Stub>();

  get size(): number {
    return this.#stubs.size;
  }

  add(stub: Stub): void {
    this.#stubs.set(keyOf(stub.epoch, stub.firstSequence + stubCount(stub) - 1), stub);
  }

  hear(gap: Gap): void {
    const key = keyOf(gap.epoch, gap.lastSequence);
    const stub = this.#stubs.get(key);
    if (stub !== undefined && accountsFor(gap, stub)) this.#stubs.delete(key);
  }

  of(epoch: number): readonly Stub[] {
    return [...this.#stubs.values()].filter((stub) => stub.epoch === epoch);
  }
}

const keyOf = (epoch: number, lastSequence: number): string => `${epoch}/${lastSequence}`;
