/** The stretch of time on the bar, as it stands before a picture is drawn. */
export interface BarWindow {
  /** Where it ended in the picture before; 0 before the first. Microseconds, as all times here. */
  readonly endUs: number;
  readonly spanUs: number;
  /** The moment shown. */
  readonly atUs: number;
  readonly past: boolean;
  /** A pointer moves over the bar: somebody aims. */
  readonly aimed: boolean;
}

/** So long after a pointer last moved over the bar somebody is taken to aim. */
export const AIM_MS = 2_000;
/** Of the stretch, what lies behind the present. */
const AHEAD = 0.02;
/** Of the stretch, how far the present may run out of it while somebody aims. */
const OUT = 0.1;

/**
 * Where the stretch on the bar ends. Live, the present stands near the right end, and what has happened moves away from
 * under a pointer by a second at a time, of a minute twenty pixels: while somebody aims, it stands still. Past, it stays
 * where it is until the moment leaves it.
 */
export function windowEnd({ endUs, spanUs, atUs, past, aimed }: BarWindow): number {
  if (!past) return aimed && Math.abs(atUs - endUs) < OUT * spanUs ? endUs : atUs + AHEAD * spanUs;
  if (endUs === 0) return atUs + spanUs / 2;
  return atUs > endUs || atUs < endUs - spanUs ? atUs + spanUs / 2 : endUs;
}
