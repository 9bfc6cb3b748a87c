import { UPLINK_CLASSES, type Uplink, type UplinkClass } from '../runtime/uplink.ts';

/** Frames kept for each class while the hub cannot be reached. Safety has no limit: it is never shed (L8). */
export interface QueueLimits {
  readonly decision: number;
  readonly telemetry: number;
}

const QUEUE_LIMITS: QueueLimits = { decision: 20_000, telemetry: 4_000 };

export type ShedCounts = Readonly<Record<UplinkClass, number>>;

/**
 * What waits for the hub. Within a class frames keep their order; safety goes first, telemetry last. When a class is
 * full its oldest frame is shed and counted.
 */
export class UplinkQueue {
  readonly #limits: Readonly<Record<UplinkClass, number>>;
  readonly #lanes: Readonly<Record<UplinkClass, Uplink[]>> = { safety: [], decision: [], telemetry: [] };
  readonly #shed: Record<UplinkClass, number> = { safety: 0, decision: 0, telemetry: 0 };

  constructor(limits: QueueLimits = QUEUE_LIMITS) {
    this.#limits = { ...limits, safety: Number.POSITIVE_INFINITY };
  }

  get size(): number {
    return UPLINK_CLASSES.reduce((sum, name) => sum + this.#lanes[name].length, 0);
  }

  get shed(): ShedCounts {
    return this.#shed;
  }

  push(uplink: Uplink): void {
    const lane = this.#lanes[uplink.class];
    lane.push(uplink);
    if (lane.length <= this.#limits[uplink.class]) return;
    lane.shift();
    this.#shed[uplink.class]++;
  }

  /** Puts frames back in front of their lanes, in order: they were handed out and did not arrive. */
  putBack(uplinks: readonly Uplink[]): void {
    for (let i = uplinks.length - 1; i >= 0; i--) {
      const uplink = uplinks[i] as Uplink;
      this.#lanes[uplink.class].unshift(uplink);
    }
  }

  shift(): Uplink | undefined {
    for (const name of UPLINK_CLASSES) {
      const next = this.#lanes[name].shift();
      if (next !== undefined) return next;
    }
    return undefined;
  }

  drain(): Uplink[] {
    const all: Uplink[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) all.push(next);
    return all;
  }
}
