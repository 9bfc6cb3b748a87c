import type { KernelFlag } from '@sigma/kernel';

/** Reflex and clamp reckon with what a robot that turns while it drives sweeps over [F100] to [F102]. */
export const SWEPT_WAY = 1001;

/** A body that stands is bounded by where its operator leads it, and turns when it may not drive [F103], [F104]. */
export const LED_AWAY = 1002;

/** Changes of this model's behaviour since its version 2, by number [K91]. Numbers are never used again. */
export const FLEET_FLAGS: readonly KernelFlag[] = [
  { number: SWEPT_WAY, meaning: 'speed and turn are bounded by what the body sweeps over until it stands' },
  { number: LED_AWAY, meaning: 'a body that stands is bounded by where its operator leads it, and turns in place' },
];

/** The flags of a robot that begins today: all of them. */
export const NEW_ROBOT_FLAGS: readonly number[] = FLEET_FLAGS.map(({ number }) => number);
