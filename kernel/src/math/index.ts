/** Arithmetic that gives the same bits in every JavaScript engine. */
export { angleDifference, DEG_PER_RAD, degrees, HALF_PI, PI, RAD_PER_DEG, radians, TAU, wrapAngle } from './angle.ts';
export { mathDigest } from './digest.ts';
export { agentKey, draw, drawInt, drawNormal, drawUnit, fnv1a32, philox4x32, purpose, unit } from './draw.ts';
export { exp, log, pow } from './exponential.ts';
export { quantize, roundHalfAway, stepsOf } from './fixed.ts';
export { doubleOfHex, hexOfDouble } from './float-bits.ts';
export { hypot } from './hypot.ts';
export { acos, asin, atan, atan2 } from './inverse-trigonometry.ts';
export { normalQuantile } from './normal.ts';
export { cos, REDUCTION_FAST_LIMIT, sin, tan } from './trigonometry.ts';
