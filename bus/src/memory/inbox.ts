import type { BusMessage } from '../port.ts';

/** First in, first out, without moving what waits. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** What waits for one subscription, one lane for each class. Safety leaves first, then commands, then telemetry. */
export class Inbox {
  readonly #capacity: number;
  readonly #safety = new Fifo<BusMessage>();
  readonly #command = new Fifo<BusMessage>();
  readonly #telemetry = new Fifo<BusMessage>();
  readonly #publishers = new Fifo<{ readonly message: BusMessage; readonly taken: () => void }>();

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity is an integer > 0, not ${capacity}`);
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#safety.size + this.#command.size + this.#telemetry.size + this.#publishers.size;
  }

  /** @returns the message shed to make room, a promise when the publisher must wait, or undefined. */
  put(message: BusMessage): BusMessage | Promise<void> | undefined {
    switch (message.serviceClass) {
      case 'safety':
        this.#safety.push(message);
        return undefined;
      case 'command': {
        if (this.#command.size < this.#capacity) {
          this.#command.push(message);
          return undefined;
        }
        const room = Promise.withResolvers<void>();
        this.#publishers.push({ message, taken: room.resolve });
        return room.promise;
      }
      case 'telemetry': {
        const shed = this.#telemetry.size >= this.#capacity ? this.#telemetry.shift() : undefined;
        this.#telemetry.push(message);
        return shed;
      }
    }
  }

  take(): BusMessage | undefined {
    const safety = this.#safety.shift();
    if (safety !== undefined) return safety;
    const command = this.#command.shift();
    if (command !== undefined) {
      const next = this.#publishers.shift();
      if (next !== undefined) {
        this.#command.push(next.message);
        next.taken();
      }
      return command;
    }
    return this.#telemetry.shift();
  }

  /** Lets go of publishers that still wait. */
  close(): void {
    for (let next = this.#publishers.shift(); next !== undefined; next = this.#publishers.shift()) next.taken();
  }
}
