import { WireReader } from '../wire/wire-reader.ts';

/** Field 1 of sigma.v1.Decision: the kernel's count. */
export function decisionNumber(data: Uint8Array): number {
  const reader = new WireReader(data);
  return !reader.done && reader.varint() === 0x08 ? reader.varint() : 0;
}

/** Under which event of its chain each decision stands. Decisions are counted upwards, and so they come. */
export class DecisionEvents {
  readonly #numbers: number[] = [];
  readonly #events: number[] = [];

  add(number: number, event: number): void {
    if (number <= (this.#numbers.at(-1) ?? 0)) return;
    this.#numbers.push(number);
    this.#events.push(event);
  }

  /** @returns the event, or 0 when that decision has not come by */
  of(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#numbers[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    return this.#numbers[low] === number ? (this.#events[low] as number) : 0;
  }
}
