/**
 * atan, atan2, asin and acos that give the same bits in every engine.
 *
 * Method: K. C. Ng's fdlibm (1993) as corrected in FreeBSD msun (s_atan.c,
 * e_atan2.c, e_asin.c, e_acos.c); our own code, fdlibm's coefficients:
 *
 *   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 *   Developed at SunPro, a Sun Microsystems, Inc. business.
 *   Permission to use, copy, modify, and distribute this software is freely
 *   granted, provided that this notice is preserved.
 *
 * Accuracy: below 1 ulp (atan2 with an argument outside 2^±400: below 1.5).
 * Special cases are those of ECMAScript's Math.
 */

import { topHalf } from './float-bits.ts';

const PI = Math.PI;
const PI_TAIL = 1.2246467991473532e-16;
const HALF_PI = 1.5707963267948966;
const HALF_PI_TAIL = 6.123233995736766e-17;
const QUARTER_PI = 0.7853981633974483;
const QUARTER_PI_TAIL = 3.061616997868383e-17;
const ATAN_HALF = 0.4636476090008061;
const ATAN_HALF_TAIL = 2.2698777452961687e-17;
const ATAN_3_HALVES = 0.982793723247329;
const ATAN_3_HALVES_TAIL = 1.3903311031230998e-17;
// the same angles seen from the negative x axis: pi - atan(1/2), pi - atan(1), pi - atan(3/2)
const PI_LESS_ATAN_HALF = 2.677945044588987;
const PI_LESS_ATAN_HALF_TAIL = 1.5527705369303147e-16;
const THREE_QUARTERS_PI = 2.356194490192345;
const THREE_QUARTERS_PI_TAIL = 9.184850993605148e-17;
const PI_LESS_ATAN_3_HALVES = 2.158798930342464;
const PI_LESS_ATAN_3_HALVES_TAIL = 2.1958367134601997e-16;

const A0 = 0.3333333333333293;
const A1 = -0.19999999999876483;
const A2 = 0.14285714272503466;
const A3 = -0.11111110405462356;
const A4 = 0.09090887133436507;
const A5 = -0.0769187620504483;
const A6 = 0.06661073137387531;
const A7 = -0.058335701337905735;
const A8 = 0.049768779946159324;
const A9 = -0.036531572744216916;
const A10 = 0.016285820115365782;

const P0 = 0.16666666666666666;
const P1 = -0.3255658186224009;
const P2 = 0.20121253213486293;
const P3 = -0.04005553450067941;
const P4 = 0.0007915349942898145;
const P5 = 0.00003479331075960212;
const Q1 = -2.403394911734414;
const Q2 = 2.0209457602335057;
const Q3 = -0.6882839716054533;
const Q4 = 0.07703815055590194;

/** Below 2^-27 an odd function equals its argument to the last bit. */
const TINY = 7.450580596923828e-9;
/** From 2^66 on atan is pi/2 to the last bit. */
const TWO_TO_66 = 4 * 4294967296 * 4294967296;
/** Between these sizes a product of two lengths and its rounding error are both normal numbers. */
const SMALL = 3.872591914849318e-121; // 2^-400
const LARGE = 2.582249878086909e120; // 2^400
const SPLITTER = 134217729; // 2^27 + 1

/** Arc tangent in [-pi/2, pi/2]. atan(-0) is -0, NaN gives NaN. */
export function atan(x: number): number {
  const ax = Math.abs(x);
  if (ax < 0.4375) {
    if (ax < TINY) return x;
    return x - x * atanSeries(x);
  }
  if (Number.isNaN(x)) return NaN;
  let value: number;
  if (ax >= TWO_TO_66) value = HALF_PI;
  else if (ax < 0.6875) value = atanAround(ATAN_HALF, ATAN_HALF_TAIL, (2 * ax - 1) / (2 + ax));
  else if (ax < 1.1875) value = atanAround(QUARTER_PI, QUARTER_PI_TAIL, (ax - 1) / (ax + 1));
  else if (ax < 2.4375) value = atanAround(ATAN_3_HALVES, ATAN_3_HALVES_TAIL, (ax - 1.5) / (1 + 1.5 * ax));
  else value = atanAround(HALF_PI, HALF_PI_TAIL, -1 / ax);
  return x < 0 ? -value : value;
}

/** atan(c) + atan(t), where atan(c) is given as head + tail. */
function atanAround(head: number, tail: number, t: number): number {
  return head - (t * atanSeries(t) - tail - t);
}

/** (x - atan(x)) / x for |x| < 7/16, as an odd and an even half that are summed side by side. */
function atanSeries(x: number): number {
  const z = x * x;
  const w = z * z;
  const odd = z * (A0 + w * (A2 + w * (A4 + w * (A6 + w * (A8 + w * A10)))));
  const even = w * (A1 + w * (A3 + w * (A5 + w * (A7 + w * A9))));
  return odd + even;
}

/**
 * The angle of the point (x, y) in [-pi, pi], counted from the positive x axis.
 * Zeros keep their sign: atan2(-0, -1) is -pi, atan2(0, 0) is 0. The infinities
 * count as the diagonal or the axis they stand on. NaN gives NaN.
 */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const left = x < 0 || (x === 0 && 1 / x < 0);
  const below = y < 0 || (y === 0 && 1 / y < 0);
  if (y === 0) {
    if (!left) return y;
    return below ? -PI : PI;
  }
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  if (ax === Infinity) {
    const angle = ay === Infinity ? (left ? 3 * QUARTER_PI : QUARTER_PI) : left ? PI : 0;
    return below ? -angle : angle;
  }
  if (x === 0 || ay === Infinity) return below ? -HALF_PI : HALF_PI;

  const angle = angleOfQuotient(ay, ax, left);
  return below ? -angle : angle;
}

/**
 * atan(y / x), or pi - atan(y / x) when `left`, for positive finite x and y. The
 * fdlibm routine rounds the quotient, then the angle, then the distance from pi,
 * and errs by up to 1.4 ulp. Here the reduction of atan is applied to the
 * fraction itself, (y - c x) / (x + c y), and pi is part of its constants, so
 * that only the last addition rounds at full size.
 */
function angleOfQuotient(y: number, x: number, left: boolean): number {
  const q = y / x;
  const side = left ? -1 : 1;
  if (q >= 2.4375) return atanAround(HALF_PI, HALF_PI_TAIL, (-side * x) / y);
  const ordinary = x > SMALL && x < LARGE && y > SMALL && y < LARGE;
  if (!ordinary) return left ? PI - (atan(q) - PI_TAIL) : atan(q);
  if (q < 0.4375) {
    // what the division left over, in units of the quotient; times the slope of atan there
    const rest = ((y - q * x - productError(q, x)) / x) * (1 - q * q);
    const correction = q * atanSeries(q) - rest;
    return left ? PI - (q - correction - PI_TAIL) : q - correction;
  }
  if (q < 0.6875) {
    const t = (side * (2 * y - x)) / (2 * x + y);
    return left ? atanAround(PI_LESS_ATAN_HALF, PI_LESS_ATAN_HALF_TAIL, t) : atanAround(ATAN_HALF, ATAN_HALF_TAIL, t);
  }
  if (q < 1.1875) {
    const t = (side * (y - x)) / (y + x);
    return left ? atanAround(THREE_QUARTERS_PI, THREE_QUARTERS_PI_TAIL, t) : atanAround(QUARTER_PI, QUARTER_PI_TAIL, t);
  }
  const t = (side * (y - 1.5 * x)) / (x + 1.5 * y);
  return left
    ? atanAround(PI_LESS_ATAN_3_HALVES, PI_LESS_ATAN_3_HALVES_TAIL, t)
    : atanAround(ATAN_3_HALVES, ATAN_3_HALVES_TAIL, t);
}

/** a * b less its rounded value, exactly (Dekker 1971). */
function productError(a: number, b: number): number {
  const aShifted = SPLITTER * a;
  const aHigh = aShifted - (aShifted - a);
  const aLow = a - aHigh;
  const bShifted = SPLITTER * b;
  const bHigh = bShifted - (bShifted - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - a * b + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** (asin(x) - x) / x^3 * x^2 as a rational function of t = x^2, for t <= 1/4. */
function asinRatio(t: number): number {
  const p = t * (P0 + t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))));
  const q = 1 + t * (Q1 + t * (Q2 + t * (Q3 + t * Q4)));
  return p / q;
}

/** Arc sine in [-pi/2, pi/2]. asin(-0) is -0; NaN and |x| > 1 give NaN. */
export function asin(x: number): number {
  const ax = Math.abs(x);
  if (ax < 0.5) return ax < TINY ? x : x + x * asinRatio(x * x);
  if (!(ax <= 1)) return NaN;
  if (ax === 1) return x < 0 ? -HALF_PI : HALF_PI;
  // asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2))
  const t = (1 - ax) * 0.5;
  const ratio = asinRatio(t);
  const s = Math.sqrt(t);
  let value: number;
  if (ax >= 0.9749999046325684) {
    value = HALF_PI - (2 * (s + s * ratio) - HALF_PI_TAIL);
  } else {
    const head = topHalf(s);
    const tail = (t - head * head) / (s + head);
    const p = 2 * s * ratio - (HALF_PI_TAIL - 2 * tail);
    value = QUARTER_PI - (p - (QUARTER_PI - 2 * head));
  }
  return x < 0 ? -value : value;
}

/** Arc cosine in [0, pi]. NaN and |x| > 1 give NaN. */
export function acos(x: number): number {
  const ax = Math.abs(x);
  if (!(ax <= 1)) return NaN;
  if (ax < 0.5) return HALF_PI - (x - (HALF_PI_TAIL - x * asinRatio(x * x)));
  if (x === 1) return 0;
  if (x === -1) return PI;
  const t = (1 - ax) * 0.5;
  const ratio = asinRatio(t);
  const s = Math.sqrt(t);
  if (x < 0) return PI - 2 * (s + (ratio * s - HALF_PI_TAIL));
  const head = topHalf(s);
  const tail = (t - head * head) / (s + head);
  return 2 * (head + (ratio * s + tail));
}
