import type { ConnectRequest } from '@sigma/proto';

/** How a frame is treated under overload: safety is never shed. Telemetry is shed first, oldest first. */
export const UPLINK_CLASSES = ['safety', 'decision', 'telemetry'] as const;
export type UplinkClass = (typeof UPLINK_CLASSES)[number];

/** A frame for the hub, such as `{ case: 'telemetry', value }`. */
export type UplinkFrame = Exclude<ConnectRequest['frame'], { case: undefined }>;

export interface Uplink {
  readonly class: UplinkClass;
  readonly frame: UplinkFrame;
}

/** Far more than a disk that answers ever leaves waiting: minutes of decisions of one agent. */
const MOST_HELD = 10_000;

/** Holds back whatever states a decision, until that decision is on disk. Order is kept among what is held. */
export class Outbox<Item> {
  #held: { readonly item: Item; mark: number | null }[] = [];
  #uncut = 0;

  get uncut(): boolean {
    return this.#uncut > 0;
  }

  /** Items given up because the disk did not answer for too long. */
  shed = 0;

  hold(item: Item): void {
    this.#held.push({ item, mark: null });
    this.#uncut++;
    if (this.#held.length <= MOST_HELD) return;
    this.#held.shift();
    this.#uncut = Math.min(this.#uncut, this.#held.length);
    this.shed++;
  }

  /** Everything held so far is covered by the block that ends with event `sequence`. */
  cut(sequence: number): void {
    for (let i = this.#held.length - this.#uncut; i < this.#held.length; i++) {
      (this.#held[i] as { mark: number | null }).mark = sequence;
    }
    this.#uncut = 0;
  }

  /** What may leave now that events up to `sequence` are on disk. */
  release(sequence: number): readonly Item[] {
    let count = 0;
    for (const { mark } of this.#held) {
      if (mark === null || mark > sequence) break;
      count++;
    }
    return count === 0 ? NOTHING : this.#held.splice(0, count).map(({ item }) => item);
  }
}

const NOTHING: readonly never[] = [];
