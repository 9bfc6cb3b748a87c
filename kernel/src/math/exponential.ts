/**
 * exp, log and pow that give the same bits in every engine.
 *
 * Method: K. C. Ng's fdlibm (1993) as corrected in FreeBSD msun (e_exp.c,
 * e_log.c, e_pow.c); our own code, fdlibm's coefficients:
 *
 *   Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All rights reserved.
 *   Developed at SunPro, a Sun Microsystems, Inc. business.
 *   Permission to use, copy, modify, and distribute this software is freely
 *   granted, provided that this notice is preserved.
 *
 * Accuracy: exp and log below 1 ulp, pow below 1 ulp for normal results.
 * Special cases are those of ECMAScript's Math, which differ from C in
 * pow(1, NaN) and pow(±1, ±Infinity): both are NaN here.
 */

import { fromWords, highWord, lowWord, scaleByPowerOfTwo, topHalf, withHighWord } from './float-bits.ts';

const EXP_OVERFLOW = 709.782712893384;
const EXP_UNDERFLOW = -745.1332191019411;
const HALF_LN2 = 0.34657359027997264;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = Math.LOG2E;
const TWO_TO_MINUS_28 = 3.725290298461914e-9;

// r * (exp(r) + 1) / (exp(r) - 1) = 2 + E1 r^2 + E2 r^4 + ...
const E1 = 0.16666666666666602;
const E2 = -0.0027777777777015593;
const E3 = 0.00006613756321437934;
const E4 = -0.0000016533902205465252;
const E5 = 4.1381367970572385e-8;

const G1 = 0.6666666666666735;
const G2 = 0.3999999999940942;
const G3 = 0.2857142874366239;
const G4 = 0.22222198432149784;
const G5 = 0.1818357216161805;
const G6 = 0.15313837699209373;
const G7 = 0.14798198605116586;

const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_TO_53 = 9007199254740992;
const TWO_TO_54 = 18014398509481984;

/** e^x. Overflows to Infinity above 709.78, reaches 0 below -745.13; exp(-Infinity) is 0, NaN gives NaN. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > EXP_OVERFLOW) return Infinity;
  if (x < EXP_UNDERFLOW) return 0;
  // the general path lands one ulp above the double nearest to e; so prominent an argument gets the nearest
  if (x === 1) return Math.E;
  const ax = Math.abs(x);
  if (ax < TWO_TO_MINUS_28) return 1 + x;
  if (ax <= HALF_LN2) {
    const c = expCorrection(x);
    return 1 - ((x * c) / (c - 2) - x);
  }
  // x = k ln2 + r, |r| <= ln2 / 2, r kept as high - low
  const k = (INVERSE_LN2 * x + (x < 0 ? -0.5 : 0.5)) | 0;
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const c = expCorrection(r);
  const y = 1 - (low - (r * c) / (2 - c) - high);
  return scaleByPowerOfTwo(y, k);
}

function expCorrection(r: number): number {
  const t = r * r;
  return r - t * (E1 + t * (E2 + t * (E3 + t * (E4 + t * E5))));
}

/** Natural logarithm. log(±0) is -Infinity, log(Infinity) is Infinity; NaN and x < 0 give NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  let k = 0;
  if (x < SMALLEST_NORMAL) {
    k = -54;
    x *= TWO_TO_54;
  }
  // x = 2^k (1 + f) with sqrt(2)/2 < 1 + f < sqrt(2)
  let high = highWord(x);
  k += (high >> 20) - 1023;
  high &= 0x000fffff;
  const carry = (high + 0x95f64) & 0x100000;
  const f = withHighWord(x, high | (carry ^ 0x3ff00000)) - 1;
  k += carry >> 20;
  const kLow = k * LN2_LOW;
  const kHigh = k * LN2_HIGH;

  if (((2 + high) & 0x000fffff) < 3) {
    // |f| < 2^-20: two terms of the series do
    if (f === 0) return k === 0 ? 0 : kHigh + kLow;
    const r = f * f * (0.5 - 0.3333333333333333 * f);
    return k === 0 ? f - r : kHigh - (r - kLow - f);
  }
  // log(1 + f) = 2s + 2/3 s^3 + ..., s = f / (2 + f)
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (G2 + w * (G4 + w * G6));
  const odd = z * (G1 + w * (G3 + w * (G5 + w * G7)));
  const r = odd + even;
  if (((high - 0x6147a) | (0x6b851 - high)) > 0) {
    const halfSquare = 0.5 * f * f;
    return k === 0 ? f - (halfSquare - s * (halfSquare + r)) : kHigh - (halfSquare - (s * (halfSquare + r) + kLow) - f);
  }
  return k === 0 ? f - s * (f - r) : kHigh - (s * (f - r) - kLow - f);
}

// (3/2) (log(x) - 2s - 2/3 s^3) as a polynomial in s^2
const L1 = 0.5999999999999946;
const L2 = 0.4285714285785502;
const L3 = 0.33333332981837743;
const L4 = 0.272728123808534;
const L5 = 0.23066074577556175;
const L6 = 0.20697501780033842;
const LN2 = Math.LN2;
const LN2_UPPER = 0.6931471824645996;
const LN2_LOWER = -1.904654299957768e-9;
/** -(1024 - log2(largest double + half an ulp)) */
const OVERFLOW_MARGIN = 8.008566259537294e-17;
// 2 / (3 ln 2)
const CP = 0.9617966939259756;
const CP_HIGH = 0.9617967009544373;
const CP_LOW = -7.028461650952758e-9;
/**
 * 1 / ln 2, of which the head has 20 bits: times a distance from 1 below 2^-20
 * (33 bits on the lower side) the product is exact. fdlibm's head has 24, which
 * costs hundreds of ulps when a base just below 1 meets an exponent above 2^31.
 */
const INVERSE_LN2_HIGH = 1.4426937103271484;
const INVERSE_LN2_LOW = 1.33056181496986e-6;
const LOG2_OF_1_5_HIGH = 0.5849624872207642;
const LOG2_OF_1_5_LOW = 1.350039202129749e-8;

const TWO_TO_31 = 2147483648;
const TWO_TO_64 = 4294967296 * 4294967296;
/** The doubles next to 1 at a distance of 2^-20: between them pow with a huge exponent can stay finite. */
const JUST_BELOW_1 = 0.9999995231628418;
const JUST_ABOVE_1 = 1.0000009536743164;

/** log2 of a positive number, as [head, tail] with at most 21 significant bits in the head. */
const log2Parts = new Float64Array(2);

/**
 * x to the power y with the special cases of ECMAScript: pow(x, ±0) is 1 even
 * for NaN; a negative x needs an integer y, otherwise NaN; pow(±1, ±Infinity)
 * is NaN. Integer powers that a double can hold come out exact.
 */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  if (ay === Infinity) {
    if (ax === 1) return NaN;
    return ax > 1 === y > 0 ? Infinity : 0;
  }
  const negative = x < 0 || (x === 0 && 1 / x < 0);
  const odd = negative && isOddInteger(ay);
  if (ax === 0 || ax === Infinity) {
    const value = (ax === 0) === y > 0 ? 0 : Infinity;
    return odd ? -value : value;
  }
  if (negative && ay < TWO_TO_53 && Math.floor(ay) !== ay) return NaN;
  if (y === 1) return x;
  if (y === 2) return x * x;
  if (y === -1) return 1 / x;
  if (y === 0.5) return Math.sqrt(x);
  if (ax === 1) return odd ? -1 : 1;
  const value = powPositive(ax, y, ay);
  return odd ? -value : value;
}

function isOddInteger(ay: number): boolean {
  if (ay >= TWO_TO_53) return false;
  const half = ay * 0.5;
  return Math.floor(ay) === ay && Math.floor(half) !== half;
}

/** x^y for a finite x > 0, x not 1, and a finite y that is not 0; ay = |y|. */
function powPositive(x: number, y: number, ay: number): number {
  if (ay > TWO_TO_31) {
    if (x < JUST_BELOW_1 || (ay > TWO_TO_64 && x < 1)) return y < 0 ? Infinity : 0;
    if (x >= JUST_ABOVE_1 || (ay > TWO_TO_64 && x > 1)) return y > 0 ? Infinity : 0;
    log2NearOne(x);
  } else {
    log2InTwoParts(x);
  }
  const t1 = log2Parts[0] as number;
  const t2 = log2Parts[1] as number;

  // (y1 + y2) * (t1 + t2), the head exact
  const y1 = topHalf(y);
  const tail = (y - y1) * t1 + y * t2;
  const head = y1 * t1;
  const z = tail + head;
  if (z >= 1024) {
    if (z > 1024 || tail + OVERFLOW_MARGIN > z - head) return Infinity;
  } else if (z <= -1075) {
    if (z < -1075 || tail <= z - head) return 0;
  }
  return exp2OfTwoParts(head, tail, z);
}

/** log2(x) for |x - 1| <= 2^-20, by four terms of the series. */
function log2NearOne(x: number): void {
  const t = x - 1;
  const w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25));
  const u = INVERSE_LN2_HIGH * t;
  const v = t * INVERSE_LN2_LOW - w * INVERSE_LN2;
  const head = topHalf(u + v);
  log2Parts[0] = head;
  log2Parts[1] = v - (head - u);
}

/** log2(x) for any positive finite x: x = 2^n * ax, ax near 1 or near 1.5, s = (ax - b) / (ax + b). */
function log2InTwoParts(x: number): void {
  let n = 0;
  if (x < SMALLEST_NORMAL) {
    x *= TWO_TO_53;
    n = -53;
  }
  let high = highWord(x);
  n += (high >> 20) - 1023;
  const mantissa = high & 0x000fffff;
  high = mantissa | 0x3ff00000;
  let nearOneAndAHalf = 0;
  if (mantissa > 0x3988e) {
    if (mantissa < 0xbb67a) {
      nearOneAndAHalf = 1;
    } else {
      n += 1;
      high -= 0x00100000;
    }
  }
  const ax = fromWords(high, lowWord(x));
  const base = nearOneAndAHalf === 1 ? 1.5 : 1;

  // s in two parts
  const u = ax - base;
  const v = 1 / (ax + base);
  const s = u * v;
  const sHigh = topHalf(s);
  const sumHigh = fromWords(((high >> 1) | 0x20000000) + 0x00080000 + (nearOneAndAHalf << 18), 0);
  const sumLow = ax - (sumHigh - base);
  const sLow = v * (u - sHigh * sumHigh - sHigh * sumLow);

  // log(ax) * 3/2 = s * (3 + s^2 + r), in two parts
  let s2 = s * s;
  const r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6))))) + sLow * (sHigh + s);
  s2 = sHigh * sHigh;
  const tHigh = topHalf(3 + s2 + r);
  const tLow = r - (tHigh - 3 - s2);
  const a = sHigh * tHigh;
  const b = sLow * tHigh + tLow * s;
  const pHigh = topHalf(a + b);
  const pLow = b - (pHigh - a);

  // times 2 / (3 ln 2), plus log2 of the base, plus n
  const zHigh = CP_HIGH * pHigh;
  const zLow = CP_LOW * pHigh + pLow * CP + (nearOneAndAHalf === 1 ? LOG2_OF_1_5_LOW : 0);
  const baseHigh = nearOneAndAHalf === 1 ? LOG2_OF_1_5_HIGH : 0;
  const head = topHalf(zHigh + zLow + baseHigh + n);
  log2Parts[0] = head;
  log2Parts[1] = zLow - (head - n - baseHigh - zHigh);
}

/** 2^(head + tail), where z is the rounded sum and lies in [-1075, 1024]. */
function exp2OfTwoParts(head: number, tail: number, z: number): number {
  let n = 0;
  if (Math.abs(z) > 0.5) {
    // nearest integer, ties away from zero
    n = z < 0 ? -Math.floor(0.5 - z) : Math.floor(z + 0.5);
    head -= n;
  }
  const t = topHalf(tail + head);
  const u = t * LN2_UPPER;
  const v = (tail - (t - head)) * LN2 + t * LN2_LOWER;
  const r = u + v;
  const rLow = v - (r - u);
  const c = expCorrection(r);
  const y = 1 - ((r * c) / (c - 2) - (rLow + r * rLow) - r);
  return scaleByPowerOfTwo(y, n);
}
