/** Columns of the site at one moment, one row an agent, in the order of the roster. Metres, radians, m/s, 0 to 1. */
export interface PoseColumns {
  readonly count: number;
  readonly xM: Float32Array;
  readonly yM: Float32Array;
  readonly headingRad: Float32Array;
  readonly speedMps: Float32Array;
  readonly battery: Float32Array;
  /** Age of each position when the columns arrived, in milliseconds. */
  readonly ageMs: Float32Array;
}

export function emptyPoses(count: number): PoseColumns {
  return {
    count,
    xM: new Float32Array(count).fill(Number.NaN),
    yM: new Float32Array(count).fill(Number.NaN),
    headingRad: new Float32Array(count),
    speedMps: new Float32Array(count),
    battery: new Float32Array(count).fill(Number.NaN),
    ageMs: new Float32Array(count).fill(Number.POSITIVE_INFINITY),
  };
}

export const copyOf = ({ count, xM, yM, headingRad, speedMps, battery, ageMs }: PoseColumns): PoseColumns => ({
  count,
  xM: xM.slice(),
  yM: yM.slice(),
  headingRad: headingRad.slice(),
  speedMps: speedMps.slice(),
  battery: battery.slice(),
  ageMs: ageMs.slice(),
});

/** Farther apart than this, two positions are not one movement: the robot was carried, or the fix jumped. */
const JUMP_M = 2;

/**
 * Fills `out` with positions between two moments: `share` 0 is `from`, 1 is `to`; beyond 1 it stays at `to`, since a
 * guess must not look like a measurement. Headings turn the shorter way. Speed, battery and age are those of `to`.
 */
export function interpolatePoses(from: PoseColumns, to: PoseColumns, share: number, out: PoseColumns): void {
  const t = Math.min(1, Math.max(0, share));
  for (let k = 0; k < to.count; k++) {
    const toX = to.xM[k] as number;
    const toY = to.yM[k] as number;
    const toHeading = to.headingRad[k] as number;
    const fromX = from.xM[k] as number;
    const fromY = from.yM[k] as number;
    const dx = toX - fromX;
    const dy = toY - fromY;
    const moves = Math.abs(dx) < JUMP_M && Math.abs(dy) < JUMP_M;
    out.xM[k] = moves ? fromX + dx * t : toX;
    out.yM[k] = moves ? fromY + dy * t : toY;
    out.headingRad[k] = moves ? turn(from.headingRad[k] as number, toHeading, t) : toHeading;
    out.speedMps[k] = to.speedMps[k] as number;
    out.battery[k] = to.battery[k] as number;
    out.ageMs[k] = to.ageMs[k] as number;
  }
}

/** The heading a share `t` of the shorter way from `a` to `b`, radians. */
export function turn(a: number, b: number, t: number): number {
  let difference = (b - a) % (2 * Math.PI);
  if (difference > Math.PI) difference -= 2 * Math.PI;
  else if (difference < -Math.PI) difference += 2 * Math.PI;
  return a + difference * t;
}
