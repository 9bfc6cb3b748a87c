/** Rounding to a grid, the same in every engine and symmetric about zero. */

/** The nearest integer, halves away from zero (2.5 -> 3, -2.5 -> -3). -0, NaN and the infinities stay what they are. */
export function roundHalfAway(x: number): number {
  const ax = Math.abs(x);
  const whole = Math.floor(ax);
  // the fraction is exact, whereas ax + 0.5 would round 0.49999999999999994 up
  const rounded = ax - whole >= 0.5 ? whole + 1 : whole;
  return x < 0 || (x === 0 && 1 / x < 0) ? -rounded : rounded;
}

/**
 * How many steps x is, to the nearest one, halves away from zero: the integer to
 * store or compare. step is finite and above 0, otherwise RangeError.
 */
export function stepsOf(x: number, step: number): number {
  if (!(step > 0 && step < Infinity)) throw new RangeError(`a step must be finite and above 0, got ${step}`);
  return roundHalfAway(x / step);
}

/**
 * x moved to the nearest multiple of step, halves away from zero. The result is
 * the double `stepsOf(x, step) * step`; with a step that is no power of two it
 * is one rounding away from the decimal it stands for, but always the same one.
 */
export function quantize(x: number, step: number): number {
  const steps = stepsOf(x, step);
  return Math.abs(steps) === Infinity ? x : steps * step;
}
