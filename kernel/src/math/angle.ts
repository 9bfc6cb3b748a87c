/** Angles in radians, counter-clockwise positive. A heading is always kept in (-pi, pi]. */

/** The double nearest to pi. TAU is exactly twice it, which is what makes wrapping exact. */
export const PI = Math.PI;
export const TAU = 2 * PI;
export const HALF_PI = PI / 2;

/** Radians in one degree and degrees in one radian, each the nearest double. */
export const RAD_PER_DEG = 0.017453292519943295;
export const DEG_PER_RAD = 57.29577951308232;

/**
 * The angle in (-PI, PI] that differs from `angleRad` by a multiple of TAU, without
 * rounding error with respect to that constant (which is 2.4e-16 short of a
 * full turn). Idempotent. NaN and the infinities give NaN.
 */
export function wrapAngle(angleRad: number): number {
  if (angleRad <= PI && angleRad > -PI) return angleRad;
  const rest = angleRad % TAU;
  if (rest > PI) return rest - TAU;
  return rest <= -PI ? rest + TAU : rest;
}

/** The shortest turn, in (-PI, PI], that leads from heading `fromRad` to heading `toRad`. NaN unless both are finite. */
export function angleDifference(toRad: number, fromRad: number): number {
  return wrapAngle(wrapAngle(toRad) - wrapAngle(fromRad));
}

/** Degrees as radians, one rounding. */
export function radians(degrees: number): number {
  return degrees * RAD_PER_DEG;
}

/** Radians as degrees, one rounding. */
export function degrees(radians: number): number {
  return radians * DEG_PER_RAD;
}
