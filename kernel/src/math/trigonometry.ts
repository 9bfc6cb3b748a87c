/**
 * sin, cos and tan that give the same bits in every engine.
 *
 * Method: K. C. Ng's fdlibm (1993) as corrected in FreeBSD msun (k_sin.c,
 * k_cos.c, k_tan.c, e_rem_pio2.c). An argument is brought into [-pi/4, pi/4] as
 * an unevaluated sum hi + lo, then minimax polynomials on that interval finish
 * the work. The code is our own; the polynomial coefficients and the splitting
 * of pi/2 are those of fdlibm:
 *
 *   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 *   Developed at SunPro, a Sun Microsystems, Inc. business.
 *   Permission to use, copy, modify, and distribute this software is freely
 *   granted, provided that this notice is preserved.
 *
 * Accuracy: below 1 ulp on the whole line. Up to REDUCTION_FAST_LIMIT (about
 * 1.6 million radians) the reduction subtracts a three-part pi/2 (Cody and
 * Waite); beyond, an exact integer product with 2/pi takes over (Payne and
 * Hanek's idea), some hundred times slower and just as accurate. Both are
 * total: NaN and the infinities give NaN.
 */

import { highWord, scaleByPowerOfTwo, topHalf } from './float-bits.ts';

const QUARTER_PI = 0.7853981633974483;

/** 2^20 * pi/2: up to here a quadrant number times a 33-bit part of pi/2 is exact. */
export const REDUCTION_FAST_LIMIT = 1647099.3291652855;

const TWO_OVER_PI = 0.6366197723675814;
// pi/2 in 33-bit pieces, each with the tail that is left after it
const HALF_PI_1 = 1.5707963267341256;
const HALF_PI_1_TAIL = 6.077100506506192e-11;
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_2_TAIL = 2.0222662487959506e-21;
const HALF_PI_3 = 2.0222662487111665e-21;
const HALF_PI_3_TAIL = 8.4784276603689e-32;
/** Added and taken away again, it rounds a double below 2^51 to the nearest integer, ties to even. */
const ROUND_TO_INTEGER = 6755399441055744;

/** Where a reduction leaves its remainder: [hi, lo]. One slot is enough, nothing here is re-entrant. */
const remainder = new Float64Array(2);

const S1 = -0.16666666666666632;
const S2 = 0.00833333333332249;
const S3 = -0.0001984126982985795;
const S4 = 0.0000027557313707070068;
const S5 = -2.5050760253406863e-8;
const S6 = 1.58969099521155e-10;

const C1 = 0.0416666666666666;
const C2 = -0.001388888888887411;
const C3 = 0.00002480158728947673;
const C4 = -2.7557314351390663e-7;
const C5 = 2.087572321298175e-9;
const C6 = -1.1359647557788195e-11;

const T1 = 0.3333333333333341;
const T2 = 0.13333333333320124;
const T3 = 0.05396825397622605;
const T4 = 0.021869488294859542;
const T5 = 0.0088632398235993;
const T6 = 0.0035920791075913124;
const T7 = 0.0014562094543252903;
const T8 = 0.0005880412408202641;
const T9 = 0.0002464631348184699;
const T10 = 0.00007817944429395571;
const T11 = 0.00007140724913826082;
const T12 = -0.000018558637485527546;
const T13 = 0.00002590730518636337;
const QUARTER_PI_TAIL = 3.061616997868383e-17;
/** From here on tan uses tan(pi/4 - y) = (1 - tan y) / (1 + tan y). */
const TAN_FOLD = 0.6743354797363281;

/** Sine of x radians, below 1 ulp. sin(-0) is -0; NaN and the infinities give NaN. */
export function sin(x: number): number {
  const ax = Math.abs(x);
  if (ax <= QUARTER_PI) return ax < TINY ? x : sinKernel(x, 0);
  if (!(ax < Infinity)) return NaN;
  const quadrant = reduce(x);
  const hi = remainder[0] as number;
  const lo = remainder[1] as number;
  const value = (quadrant & 1) === 0 ? sinKernel(hi, lo) : cosKernel(hi, lo);
  return (quadrant & 2) === 0 ? value : -value;
}

/** Cosine of x radians, below 1 ulp. NaN and the infinities give NaN. */
export function cos(x: number): number {
  const ax = Math.abs(x);
  if (ax <= QUARTER_PI) return cosKernel(x, 0);
  if (!(ax < Infinity)) return NaN;
  const quadrant = reduce(x);
  const hi = remainder[0] as number;
  const lo = remainder[1] as number;
  const value = (quadrant & 1) === 0 ? cosKernel(hi, lo) : sinKernel(hi, lo);
  return ((quadrant + 1) & 2) === 0 ? value : -value;
}

/** Tangent of x radians, below 1 ulp. tan(-0) is -0; NaN and the infinities give NaN. It never overflows. */
export function tan(x: number): number {
  const ax = Math.abs(x);
  if (ax <= QUARTER_PI) return ax < TINY ? x : tanKernel(x, 0, false);
  if (!(ax < Infinity)) return NaN;
  const quadrant = reduce(x);
  return tanKernel(remainder[0] as number, remainder[1] as number, (quadrant & 1) === 1);
}

/** Below 2^-27 the first term of the series is already correctly rounded. */
const TINY = 7.450580596923828e-9;

/** sin(x + y) for |x| <= pi/4, y the tail of x. */
function sinKernel(x: number, y: number): number {
  const z = x * x;
  const w = z * z;
  const r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6);
  const v = z * x;
  return x - (z * (0.5 * y - v * r) - y - v * S1);
}

/** cos(x + y) for |x| <= pi/4, y the tail of x: 1 - x²/2 is kept as a two-part sum. */
function cosKernel(x: number, y: number): number {
  const z = x * x;
  const w = z * z;
  const r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
  const half = 0.5 * z;
  const head = 1 - half;
  return head + (1 - head - half + (z * r - x * y));
}

/** tan(x + y), or -1 / tan(x + y) when `reciprocal`, for |x| <= pi/4, y the tail of x. */
function tanKernel(x: number, y: number, reciprocal: boolean): number {
  const folded = Math.abs(x) >= TAN_FOLD;
  const negative = x < 0;
  if (folded) {
    x = QUARTER_PI - Math.abs(x) + (QUARTER_PI_TAIL - (negative ? -y : y));
    y = 0;
  }
  const z = x * x;
  const w = z * z;
  const even = T2 + w * (T4 + w * (T6 + w * (T8 + w * (T10 + w * T12))));
  const odd = z * (T3 + w * (T5 + w * (T7 + w * (T9 + w * (T11 + w * T13)))));
  const s = z * x;
  const r = y + z * (s * (even + odd) + y) + T1 * s;
  const t = x + r;
  if (folded) {
    const one = reciprocal ? -1 : 1;
    const value = one - 2 * (x - ((t * t) / (t + one) - r));
    return negative ? -value : value;
  }
  if (!reciprocal) return t;
  // -1 / t with the rounding error of t and of the quotient put back
  const head = topHalf(t);
  const tail = r - (head - x);
  const quotient = -1 / t;
  const quotientHead = topHalf(quotient);
  return quotientHead + quotient * (1 + quotientHead * head + quotientHead * tail);
}

/** Leaves x - n * pi/2 in `remainder` and returns n modulo 2^32. |x| > pi/4, finite. */
function reduce(x: number): number {
  const ax = Math.abs(x);
  if (ax >= REDUCTION_FAST_LIMIT) return reduceLarge(x);
  const n = x * TWO_OVER_PI + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
  let r = x - n * HALF_PI_1;
  let w = n * HALF_PI_1_TAIL;
  let hi = r - w;
  // the closer x is to a multiple of pi/2, the more leading bits cancel and the more of pi/2 is needed
  if (Math.abs(hi) < ax * 0.0000152587890625) {
    let before = r;
    w = n * HALF_PI_2;
    r = before - w;
    w = n * HALF_PI_2_TAIL - (before - r - w);
    hi = r - w;
    if (Math.abs(hi) < ax * 1.7763568394002505e-15) {
      before = r;
      w = n * HALF_PI_3;
      r = before - w;
      w = n * HALF_PI_3_TAIL - (before - r - w);
      hi = r - w;
    }
  }
  remainder[0] = hi;
  remainder[1] = r - hi - w;
  return n | 0;
}

/** floor(2/pi * 2^1216): bits enough for the largest double and 192 more. */
const TWO_OVER_PI_BITS =
  0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babn;
const TWO_OVER_PI_SCALE = 1216n;
/** round(pi/2 * 2^192). */
const HALF_PI_BITS = 0x1921fb54442d18469898cc51701b839a252049c1114cf98e8n;
const TWO_TO_MINUS_192 = 1.5930919111324523e-58;

/**
 * The same for |x| >= REDUCTION_FAST_LIMIT, in exact integers: |x| = m * 2^e, so
 * |x| * 2/pi = m * TWO_OVER_PI_BITS * 2^(e - 1216), whose integer part is the
 * quadrant. No double lies closer than 2^-62 to a multiple of pi/2 (Muller,
 * Elementary Functions, 11.3), so 192 bits of fraction leave over 120 good ones.
 */
function reduceLarge(x: number): number {
  const ax = Math.abs(x);
  const exponent = (highWord(ax) >>> 20) - 1023 - 52;
  // dividing by a power of two is exact, in two steps so that the power itself stays finite
  const half = exponent >> 1;
  const mantissa = BigInt(ax / powerOfTwo(half) / powerOfTwo(exponent - half));
  const shift = TWO_OVER_PI_SCALE - 192n - BigInt(exponent);
  const turns = (mantissa * TWO_OVER_PI_BITS) >> shift;
  const half192 = 1n << 191n;
  const n = (turns + half192) >> 192n;
  const scaled = ((turns - (n << 192n)) * HALF_PI_BITS) >> 192n;
  const hi = Number(scaled);
  const lo = Number(scaled - BigInt(hi));
  const sign = x < 0 ? -1 : 1;
  remainder[0] = sign * hi * TWO_TO_MINUS_192;
  remainder[1] = sign * lo * TWO_TO_MINUS_192;
  return sign * Number(n & 3n);
}

function powerOfTwo(n: number): number {
  return scaleByPowerOfTwo(1, n);
}
