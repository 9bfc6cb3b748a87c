import type { FleetBelief } from './belief.ts';

/** The lidar's period, which every reaction time already contains, and what one lost scan makes of it. */
const PERIOD_US = 100_000;
/** Older than this, a picture bounds the speed by its age alone; nobody moves on one that is older than the second. */
const OLD_US = 200_000;
const TOO_OLD_US = 400_000;
/** How the bound falls between the two. */
const TIGHTENS_MPS2 = 6;
/** Frames later than this make a robot that is freed by the next one be bound again soon. */
const LATE_US = 100_000;
/** Frames later than this are no picture of the present: whatever came of a command cannot be judged by them. */
const UNJUDGED_US = 50_000;
/** Frames have come in time for so long: the bound is taken off. */
const CALM_US = 1_000_000;

/**
 * Age that the newest picture has or will have before the next one can be here, microseconds; Infinity before the first.
 * Reckoned to the end of the lidar's period, so that a bound does not rise and fall with every scan.
 */
const pictureAgeUs = ({ sight, motion }: FleetBelief, atUs: number): number =>
  sight.atUs < 0 ? Number.POSITIVE_INFINITY : atUs - motion.takenUs + Math.max(PERIOD_US, motion.takenUs - sight.atUs);

/** What a picture's age adds to the time between scan and brakes that the distances reckon with, s, >= 0. */
export const pictureLateS = (world: FleetBelief, atUs: number): number =>
  Math.max(0, pictureAgeUs(world, atUs) - PERIOD_US) * 1e-6;

/**
 * The greatest speed that the age of the picture alone allows, or null while it is young. Where frames come late again
 * and again the bound of a picture just too old stays between them: a robot that is freed and bound ten times a second
 * drives no faster and decides no better.
 */
export function speedOnPicture(world: FleetBelief, atUs: number): number | null {
  const ageUs = Math.max(pictureAgeUs(world, atUs), atUs - world.motion.lateUs < CALM_US ? OLD_US : 0);
  if (ageUs < OLD_US) return null;
  return Math.max(0, TOO_OLD_US - ageUs) * 1e-6 * TIGHTENS_MPS2;
}

/** How long the newest frame of the body has been due or on its way, microseconds. */
export const framesLateUs = ({ motion }: FleetBelief, atUs: number): number => atUs - motion.takenUs;

/** True when body or loop did something else than they were told since then, or the belief is behind the present. */
export const disturbedSince = ({ motion }: FleetBelief, sinceUs: number, atUs: number): boolean =>
  motion.disturbedUs >= sinceUs || behind(motion.takenUs, atUs);

/** A frame that took so long shows a time of which the robot knew nothing when it decided. */
export const behind = (takenUs: number, atUs: number): boolean => atUs - takenUs > UNJUDGED_US;

/** A frame that took so long shows a time in which the robot was bounded for want of it. */
export const arrivesLate = (takenUs: number, atUs: number): boolean => atUs - takenUs > LATE_US;
