import { drawInt, purpose } from '@sigma/kernel';

const SYNC = purpose('sim-disk-sync');

/** A write and its sync on a small solid-state disk, microseconds, inclusive. */
const LEAST_SYNC_US = 3_000;
const MOST_SYNC_US = 15_000;

/** A disk on the virtual clock: says when what is written now counts as durable. One queue, so syncs end in order. */
export class VirtualDisk {
  readonly #seed: number;
  readonly #disk: number;
  #freeUs = 0;

  /** @param disk key of whose disk it is */
  constructor(seed: number, disk: number) {
    this.#seed = seed;
    this.#disk = disk;
  }

  /**
   * How long a sync takes follows from when it begins and not from how many there were before: whoever runs a life on
   * from its middle has the disk that was lived with.
   *
   * @returns virtual time at which a write begun at `atUs` is durable
   */
  durableAt(atUs: number): number {
    const [high, low] = [Math.floor(atUs / TWO_TO_32), atUs % TWO_TO_32];
    const tookUs = LEAST_SYNC_US + drawInt(this.#seed, this.#disk, low, SYNC, high, MOST_SYNC_US - LEAST_SYNC_US + 1);
    this.#freeUs = Math.max(this.#freeUs, atUs) + tookUs;
    return this.#freeUs;
  }
}

const TWO_TO_32 = 2 ** 32;
