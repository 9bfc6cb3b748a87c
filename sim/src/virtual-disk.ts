import { drawInt, purpose } from '@sigma/kernel';

const SYNC = purpose('sim-disk-sync');

/** A write and its sync on a small solid-state disk, microseconds, inclusive. */
const LEAST_SYNC_US = 3_000;
const MOST_SYNC_US = 15_000;

/** A disk on the virtual clock: says when what is written now counts as durable. One queue, so syncs end in order. */
export class VirtualDisk {
  readonly #seed: number;
  readonly #disk: number;
  #syncs: number;
  #freeUs = 0;

  /**
   * @param disk key of whose disk it is
   * @param syncs how many it has done, all of them over
   */
  constructor(seed: number, disk: number, syncs = 0) {
    this.#seed = seed;
    this.#disk = disk;
    this.#syncs = syncs;
  }

  /** @returns virtual time at which a write begun at `atUs` is durable */
  durableAt(atUs: number): number {
    const tookUs =
      LEAST_SYNC_US + drawInt(this.#seed, this.#disk, this.#syncs++, SYNC, 0, MOST_SYNC_US - LEAST_SYNC_US + 1);
    this.#freeUs = Math.max(this.#freeUs, atUs) + tookUs;
    return this.#freeUs;
  }
}
