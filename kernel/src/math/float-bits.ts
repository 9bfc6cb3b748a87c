/**
 * The two 32-bit halves of an IEEE 754 double, seen through one shared pair of
 * aliased typed arrays. The algorithms that follow read exponents and cut
 * mantissas through these few functions and nowhere else.
 *
 * Little-endian byte order is assumed (every platform V8, SpiderMonkey,
 * JavaScriptCore and QuickJS ship on today) and asserted when the module loads:
 * a big-endian machine must fail loudly rather than compute other numbers.
 */

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

double[0] = 1;
if (words[1] !== 0x3ff00000 || words[0] !== 0) {
  throw new Error('kernel math needs a little-endian machine: the halves of a double are in the wrong order');
}

/** The upper 32 bits (sign, exponent, top 20 mantissa bits) as a signed integer: negative means a negative number. */
export function highWord(x: number): number {
  double[0] = x;
  return (words[1] as number) | 0;
}

/** The lower 32 mantissa bits as an unsigned integer. */
export function lowWord(x: number): number {
  double[0] = x;
  return words[0] as number;
}

/** The double with these halves. Both are taken modulo 2^32. */
export function fromWords(high: number, low: number): number {
  words[1] = high;
  words[0] = low;
  return double[0] as number;
}

/** x with its low 32 mantissa bits cleared: the square of what stays has no rounding error. */
export function topHalf(x: number): number {
  double[0] = x;
  words[0] = 0;
  return double[0] as number;
}

/** x with its upper 32 bits replaced. */
export function withHighWord(x: number, high: number): number {
  double[0] = x;
  words[1] = high;
  return double[0] as number;
}

/**
 * x * 2^n, rounded once. x is a normal number with magnitude in [0.5, 2),
 * n an integer in [-1100, 1024]: below the normal range the power is applied in
 * two steps of which only the last can round.
 */
export function scaleByPowerOfTwo(x: number, n: number): number {
  if (n > 1023) return x * 2 * fromWords((n - 1 + 1023) << 20, 0);
  if (n >= -1020) return x * fromWords((n + 1023) << 20, 0);
  return x * fromWords((n + 1000 + 1023) << 20, 0) * TWO_TO_MINUS_1000;
}

const TWO_TO_MINUS_1000 = 9.332636185032189e-302;

/**
 * The bit pattern as 16 lower-case hex digits, high half first. Every NaN reads
 * as 7ff8000000000000: the sign and payload of a NaN are the one thing about
 * doubles that engines are free to choose, so no digest may depend on them.
 */
export function hexOfDouble(x: number): string {
  if (Number.isNaN(x)) return '7ff8000000000000';
  double[0] = x;
  return hex32(words[1] as number) + hex32(words[0] as number);
}

/** The double behind 16 hex digits; the inverse of hexOfDouble. Throws RangeError on anything else. */
export function doubleOfHex(hex: string): number {
  if (!/^[0-9a-f]{16}$/.test(hex)) throw new RangeError(`not 16 lower-case hex digits: "${hex}"`);
  return fromWords(Number.parseInt(hex.slice(0, 8), 16), Number.parseInt(hex.slice(8), 16));
}

/** An unsigned 32-bit integer as exactly 8 lower-case hex digits. */
export function hex32(u: number): string {
  return (u >>> 0).toString(16).padStart(8, '0');
}
