import type { Pace, SiteTime } from '../../site-clock.ts';
import { type HubRecord, stateChanged } from '../arbitration/hub-record.ts';

/** How many times as fast as the wall clock the time of a simulated site may run. */
export const SPEEDS: readonly number[] = [0.25, 0.5, 1, 2, 4];

export class UnknownSpeedError extends Error {
  constructor(speed: number) {
    super(`time cannot run ${speed} times as fast; choose one of ${SPEEDS.join(', ')}`);
    this.name = 'UnknownSpeedError';
  }
}

/** Sets how fast a simulated site lives: its hub and its bodies together. */
export class PaceDesk {
  readonly #time: SiteTime;
  readonly #record: HubRecord;
  readonly #passOn: (pace: Pace) => void;

  /** @param passOn tells the simulated bodies beside this hub */
  constructor(time: SiteTime, record: HubRecord, passOn: (pace: Pace) => void) {
    this.#time = time;
    this.#record = record;
    this.#passOn = passOn;
  }

  get speed(): number {
    return this.#time.clock.pace.rate;
  }

  /** How far the site's time is before the wall clock, microseconds. */
  get aheadUs(): number {
    return this.#time.clock.aheadUs;
  }

  /**
   * Resolves when it is in force, recorded first.
   *
   * @throws UnknownSpeedError
   */
  async set(speed: number, by: string): Promise<void> {
    if (!SPEEDS.includes(speed)) throw new UnknownSpeedError(speed);
    const before = this.speed;
    await this.#record.append(stateChanged('simulation/speed', { speed: before }, { speed }, by));
    this.#time.setRate(speed);
    this.#passOn(this.#time.clock.pace);
  }
}
